/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/dsse.h"

#include <fcntl.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/private_key.h"

#define KEY_MAX (1024 * 1024)

struct dsse_key {
	EVP_PKEY *pkey;
	char id[DIGEST_HEX + 1];
};

/* ---- keys ---- */

static bool is_usable(const EVP_PKEY *p)
{
	int id = EVP_PKEY_get_base_id(p);

	return id == EVP_PKEY_ED25519 || id == EVP_PKEY_EC || id == EVP_PKEY_RSA;
}

/* Takes PKEY. Returns 0. */
static int key_new(EVP_PKEY *pkey, struct dsse_key **ret)
{
	unsigned char *der = NULL;
	struct digest d;
	int len;

	ERR_clear_error();
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->pkey = pkey;
	len = i2d_PUBKEY(pkey, &der);
	digest_data(der, len > 0 ? (size_t)len : 0, &d);
	OPENSSL_free(der);
	digest_hex(&d, (*ret)->id);
	return 0;
}

int dsse_key_private(const char *path, struct dsse_key **ret, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	EVP_PKEY *pkey = NULL;
	mode_t mode;
	BIO *bio;

	if (private_key_check_place(AT_FDCWD, path, &mode, err) < 0 ||
	    file_read(path, KEY_MAX, &text, err) < 0)
		return -1;
	bio = BIO_new_mem_buf(text.buf, (int)text.len);
	/* An empty passphrase: a locked key is refused rather than asked for on a terminal. */
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	BIO_free(bio);
	OPENSSL_cleanse(text.buf, text.len);
	if (pkey && is_usable(pkey))
		return key_new(pkey, ret);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return err_set(err, E_KEY_UNUSABLE,
		       "'%s' is not a private key: Ed25519, EC or RSA, as PEM without passphrase",
		       path);
}

static EVP_PKEY *read_public(BIO *bio)
{
	EVP_PKEY *pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	X509 *x = NULL;

	if (pkey)
		return pkey;
	(void)BIO_reset(bio);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	pkey = x ? X509_get_pubkey(x) : NULL;
	X509_free(x);
	return pkey;
}

static int refuse_public(const char *path, struct str *text, struct err **err)
{
	bool is_private = strstr(text->buf, "PRIVATE KEY-----") != NULL;

	OPENSSL_cleanse(text->buf, text->len);
	ERR_clear_error();
	if (is_private)
		return err_set(err, E_USAGE,
			       "'%s' is a private key, and whoever verifies needs none: give its "
			       "public half ('openssl pkey -in %s -pubout' prints it), or the "
			       "certificate that has it",
			       path, path);
	return err_set(err, E_USAGE,
		       "'%s' is not a public key or a certificate: Ed25519, EC or RSA, as PEM",
		       path);
}

int dsse_key_public(const char *path, struct dsse_key **ret, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	EVP_PKEY *pkey;
	BIO *bio;

	if (file_read(path, KEY_MAX, &text, err) < 0)
		return -1;
	bio = BIO_new_mem_buf(text.buf, (int)text.len);
	pkey = read_public(bio);
	BIO_free(bio);
	if (pkey && is_usable(pkey))
		return key_new(pkey, ret);
	EVP_PKEY_free(pkey);
	return refuse_public(path, &text, err);
}

const char *dsse_key_id(const struct dsse_key *k)
{
	return k->id;
}

const char *dsse_key_type(const struct dsse_key *k)
{
	int id = EVP_PKEY_get_base_id(k->pkey);

	return id == EVP_PKEY_ED25519 ? "Ed25519" : id == EVP_PKEY_EC ? "EC" : "RSA";
}

void dsse_key_free(struct dsse_key *k)
{
	if (k)
		EVP_PKEY_free(k->pkey);
	free(k);
}

void dsse_keys_release(struct dsse_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		dsse_key_free(keys->items[i]);
	dsse_keys_clear(keys);
}

/* ---- signatures ---- */

void dsse_pae(const char *type, const void *payload, size_t len, struct str *ret)
{
	str_printf(ret, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
	str_append_len(ret, payload, len);
}

static const EVP_MD *md_of(const struct dsse_key *k)
{
	return EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
}

static int make_signature(const struct dsse_key *k, const struct str *pae, struct str *ret,
			  struct err **err)
{
	const unsigned char *data = (const unsigned char *)pae->buf;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 0;
	bool ok = EVP_DigestSignInit(ctx, NULL, md_of(k), NULL, k->pkey) == 1 &&
		  EVP_DigestSign(ctx, NULL, &len, data, pae->len) == 1;

	if (ok) {
		unsigned char *at = (unsigned char *)str_reserve(ret, len);

		ok = EVP_DigestSign(ctx, at, &len, data, pae->len) == 1;
		ret->len += ok ? len : 0;
		ret->buf[ret->len] = 0;
	}
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : err_set(err, E_KEY_UNUSABLE, "the key cannot sign: OpenSSL refuses it");
}

static bool signature_fits(const struct dsse_key *k, const struct str *pae, const struct str *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = EVP_DigestVerifyInit(ctx, NULL, md_of(k), NULL, k->pkey) == 1 &&
		  EVP_DigestVerify(ctx, (const unsigned char *)sig->buf, sig->len,
				   (const unsigned char *)pae->buf, pae->len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* ---- base64 (RFC 4648, with padding) ---- */

static char *encode(const struct str *data)
{
	char *text = xmalloc((data->len + 2) / 3 * 4 + 1);

	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)data->buf, (int)data->len);
	return text;
}

/* Only what encode() writes. 0 or 1. */
static int decode(const char *text, struct str *ret)
{
	size_t len = strlen(text), before = ret->len;
	char *again cleanup_free = NULL;
	unsigned char *at;
	int n;

	if (len % 4 || len > INT32_MAX / 2)
		return 1;
	at = (unsigned char *)str_reserve(ret, len + 1);
	n = EVP_DecodeBlock(at, (const unsigned char *)text, (int)len);
	if (n < 0)
		return 1;
	n -= str_ends(text, "==") ? 2 : str_ends(text, "=") ? 1 : 0;
	ret->len += (size_t)n;
	ret->buf[ret->len] = 0;
	again = encode(&(struct str){.buf = ret->buf + before, .len = (size_t)n});
	return !str_eq(again, text);
}

/* ---- envelopes ---- */

static void print(const json_t *envelope, struct str *ret)
{
	char *text cleanup_free = json_dumps(envelope, JSON_ENSURE_ASCII | JSON_INDENT(2));

	str_printf(ret, "%s\n", text ? text : "");
}

int dsse_sign(const struct dsse_key *k, const char *type, const struct str *payload,
	      struct str *ret, struct err **err)
{
	struct str pae cleanup_str = STR_INIT, sig cleanup_str = STR_INIT;
	char *body cleanup_free = encode(payload), *sig_text cleanup_free = NULL;
	json_t *envelope;

	dsse_pae(type, payload->buf, payload->len, &pae);
	if (make_signature(k, &pae, &sig, err) < 0)
		return -1;
	sig_text = encode(&sig);
	envelope = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "payload", body, "payloadType", type,
			     "signatures", "keyid", k->id, "sig", sig_text);
	print(envelope, ret);
	json_decref(envelope);
	return 0;
}

static bool is_as_written(const json_t *envelope, const struct str *text)
{
	struct str again cleanup_str = STR_INIT;

	print(envelope, &again);
	return again.len == text->len && memcmp(again.buf, text->buf, text->len) == 0;
}

static const struct dsse_key *find_key(const struct dsse_keys *keys, const char *id)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (str_eq(keys->items[i]->id, id))
			return keys->items[i];
	}
	return NULL;
}

/* Of all signatures of KEYS; *RET: the key of one. */
static int check_signatures(const json_t *list, const struct str *pae, const struct dsse_keys *keys,
			    const struct dsse_key **ret, struct err **err)
{
	const char *id, *text;
	json_t *item;
	size_t i;

	*ret = NULL;
	json_array_foreach(list, i, item)
	{
		struct str sig cleanup_str = STR_INIT;
		const struct dsse_key *k;

		if (json_object_size(item) != 2 ||
		    json_unpack(item, "{s:s, s:s}", "keyid", &id, "sig", &text))
			return err_set(err, E_ENVELOPE_REFUSED, "its signatures are malformed");
		k = find_key(keys, id);
		if (k && (decode(text, &sig) || !signature_fits(k, pae, &sig)))
			return err_set(err, E_ENVELOPE_REFUSED,
				       "the signature of key %.16s… is wrong", id);
		*ret = k ? k : *ret;
	}
	if (!*ret)
		return err_set(err, E_ENVELOPE_REFUSED, "no trusted key has signed it");
	return 0;
}

static int open_envelope(const json_t *root, const struct str *text, const char *type,
			 const struct dsse_keys *keys, struct str *ret,
			 const struct dsse_key **ret_key, struct err **err)
{
	struct str pae cleanup_str = STR_INIT;
	const char *body, *is_type;
	json_t *list;
	size_t before = ret->len;

	if (json_object_size(root) != 3 || !is_as_written(root, text) ||
	    json_unpack((json_t *)root, "{s:s, s:s, s:o}", "payload", &body, "payloadType",
			&is_type, "signatures", &list))
		return err_set(err, E_ENVELOPE_REFUSED,
			       "it is not a DSSE envelope in the form that orch writes");
	if (!str_eq(is_type, type))
		return err_set(err, E_ENVELOPE_REFUSED, "its payload is '%s', not '%s'", is_type,
			       type);
	if (decode(body, ret))
		return err_set(err, E_ENVELOPE_REFUSED, "its payload is not base64");
	dsse_pae(type, ret->buf + before, ret->len - before, &pae);
	return check_signatures(list, &pae, keys, ret_key, err);
}

int dsse_open(const struct str *envelope, const char *type, const struct dsse_keys *keys,
	      struct str *ret, const struct dsse_key **ret_key, struct err **err)
{
	json_t *root = json_loadb(envelope->buf, envelope->len, JSON_REJECT_DUPLICATES, NULL);
	int rc = open_envelope(root, envelope, type, keys, ret, ret_key, err);

	json_decref(root);
	return rc;
}
