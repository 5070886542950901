/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/sign.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"

#define KEY_FILE_MAX (64u * 1024)

struct signer {
	EVP_PKEY *key;
	char word[SIGN_WORD_LEN + 1];
};

static void hex_of(const unsigned char *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = 0;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	EVP_PKEY_free(s->key);
	free(s);
}

/* Nobody types a passphrase here: a key that has one is refused. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

static EVP_PKEY *parse(const struct str *pem)
{
	BIO *bio = BIO_new_mem_buf(pem->buf, (int)pem->len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	if (key && EVP_PKEY_get_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		return NULL;
	}
	return key;
}

int signer_load(const char *path, struct signer **ret, struct err **err)
{
	struct str pem cleanup_str = STR_INIT;
	unsigned char public[SIGN_PUBLIC];
	size_t len = sizeof(public);
	struct signer *s;
	EVP_PKEY *key;
	mode_t mode;

	if (private_key_check_place(AT_FDCWD, path, &mode, err) < 0)
		return -1;
	if (file_read(path, KEY_FILE_MAX, &pem, err) < 0)
		return err_wrap(err, "cannot read the key that signs results");
	key = parse(&pem);
	OPENSSL_cleanse(pem.buf, pem.len);
	if (!key || EVP_PKEY_get_raw_public_key(key, public, &len) != 1) {
		EVP_PKEY_free(key);
		return err_set(err, E_KEY_UNUSABLE,
			       "'%s' is not an Ed25519 private key in PEM without a passphrase; "
			       "'orch cache key %s' makes one",
			       path, path);
	}
	s = xcalloc(1, sizeof(*s));
	s->key = key;
	memcpy(s->word, "ed25519:", 8);
	hex_of(public, sizeof(public), s->word + 8);
	*ret = s;
	return 0;
}

const char *signer_word(const struct signer *s)
{
	return s->word;
}

void signer_sign(const struct signer *s, const void *data, size_t len,
		 unsigned char ret[SIGN_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = SIGN_BYTES;

	/* With a key that was loaded, only memory can be missing. */
	if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->key) != 1 ||
	    EVP_DigestSign(ctx, ret, &n, data, len) != 1)
		out_of_memory(0);
	EVP_MD_CTX_free(ctx);
}

static int write_key(EVP_PKEY *key, const char *path, struct err **err)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	int fd cleanup_fd = -1;
	int rc;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		out_of_memory(0);
	len = BIO_get_mem_data(bio, &text);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	rc = fd < 0 ? err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path)
		    : fd_write_all(fd, path, text, (size_t)len, err);
	if (rc == 0)
		rc = fd_sync(fd, path, err);
	OPENSSL_cleanse(text, (size_t)len);
	BIO_free(bio);
	return rc;
}

int signer_make(const char *path, struct err **err)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int rc;

	if (!key)
		return err_set(err, E_KEY_UNUSABLE,
			       "OpenSSL of this machine makes no Ed25519 keys");
	rc = write_key(key, path, err);
	EVP_PKEY_free(key);
	return rc;
}

int trust_parse(const char *word, unsigned char ret[SIGN_PUBLIC])
{
	const char *hex = str_skip(word, "ed25519:");
	struct digest d; /* as long, as it happens */

	if (!hex || digest_parse(hex, &d) != 0)
		return 1;
	memcpy(ret, d.b, SIGN_PUBLIC);
	return 0;
}

bool sign_verify(const unsigned char key[SIGN_PUBLIC], const void *data, size_t len,
		 const unsigned char signature[SIGN_BYTES])
{
	EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, SIGN_PUBLIC);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = public && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) == 1 &&
		    EVP_DigestVerify(ctx, signature, SIGN_BYTES, data, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public);
	return good;
}
