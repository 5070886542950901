/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/x509.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/file.h"

#define MAX_PEM_BYTES (1024 * 1024)
#define MIN_RSA_BITS 2048
#define MIN_SIGNATURE_BITS 112 /* NIST SP 800-57: what SHA-1 and RSA-1024 do not reach */

static void stack_freep(STACK_OF(X509) * *s)
{
	sk_X509_pop_free(*s, X509_free);
}

static void store_freep(X509_STORE **s)
{
	X509_STORE_free(*s);
}

static void ctx_freep(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

static void bio_freep(BIO **b)
{
	BIO_free(*b);
}

static void pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
#define cleanup_stack __attribute__((cleanup(stack_freep)))
#define cleanup_bio __attribute__((cleanup(bio_freep)))

char *x509_date(int64_t seconds, char buf[16])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(buf, 16, "%Y-%m-%d", &tm);
	return buf;
}

static int64_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm = {0};

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* The certificates of a PEM file, in order. A file with a private key in it is refused. */
static int load_certs(const char *path, STACK_OF(X509) * *ret, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = sk_X509_new_null();
	struct str pem cleanup_str = STR_INIT;
	BIO *bio cleanup_bio = NULL;
	X509 *x;

	if (file_read(path, MAX_PEM_BYTES, &pem, err) < 0)
		return err_wrap(err, "certificates (made by `orch pki init`)");
	if (strstr(pem.buf, "PRIVATE KEY-----"))
		return err_set(err, ERR_INTEGRITY,
			       "'%s' holds a private key; certificates and keyrings are public, "
			       "move the key to pki/private/",
			       path);
	bio = BIO_new_mem_buf(pem.buf, (int)pem.len);
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		sk_X509_push(certs, x);
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return err_set(err, ERR_INTEGRITY, "'%s' has a damaged PEM block", path);
	}
	ERR_clear_error();
	if (!sk_X509_num(certs))
		return err_set(err, ERR_INTEGRITY, "'%s' has no certificate (PEM)", path);
	*ret = steal_ptr(certs);
	return 0;
}

static char *subject_of(const X509 *x, char *buf, size_t size)
{
	BIO *bio cleanup_bio = BIO_new(BIO_s_mem());
	int n;

	X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
			   XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	n = BIO_read(bio, buf, (int)size - 1);
	buf[n > 0 ? n : 0] = 0;
	return buf;
}

static int check_one(X509 *x, time_t now, struct x509_facts *facts, struct err **err)
{
	int64_t from = seconds_of(X509_get0_notBefore(x)), to = seconds_of(X509_get0_notAfter(x));
	EVP_PKEY *key = X509_get0_pubkey(x);
	char subject[256], date[16];
	int bits = 0;

	subject_of(x, subject, sizeof(subject));
	if (now < from)
		return err_set(err, ERR_INTEGRITY,
			       "certificate '%s' is not valid before %s (check the clock)", subject,
			       x509_date(from, date));
	if (now > to)
		return err_set(
			err, ERR_INTEGRITY,
			"certificate '%s' expired on %s; devices would refuse the bundle: issue a "
			"new one",
			subject, x509_date(to, date));
	if (!X509_get_signature_info(x, NULL, NULL, &bits, NULL) || bits < MIN_SIGNATURE_BITS)
		return err_set(
			err, ERR_INTEGRITY,
			"certificate '%s' is signed with a weak digest; use SHA-256 or better",
			subject);
	if (key && EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) < MIN_RSA_BITS)
		return err_set(err, ERR_INTEGRITY,
			       "certificate '%s' has an RSA key of %d bits; %d are the least",
			       subject, EVP_PKEY_get_bits(key), MIN_RSA_BITS);
	if (from > facts->not_before)
		facts->not_before = from;
	if (to < facts->not_after)
		facts->not_after = to;
	return 0;
}

static int check_usage(X509 *leaf, const char *subject, struct err **err)
{
	uint32_t extended = X509_get_extended_key_usage(leaf);

	if (X509_check_ca(leaf))
		return err_set(err, ERR_INTEGRITY,
			       "certificate '%s' is a CA; sign with a leaf certificate", subject);
	if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
		return err_set(err, ERR_INTEGRITY,
			       "certificate '%s' may not sign (keyUsage lacks digitalSignature)",
			       subject);
	if (extended == UINT32_MAX || !(extended & XKU_CODE_SIGN))
		return err_set(err, ERR_INTEGRITY,
			       "certificate '%s' is not for code signing (extendedKeyUsage lacks "
			       "codeSigning)",
			       subject);
	if (!(extended & XKU_SMIME))
		return err_set(err, ERR_INTEGRITY,
			       "certificate '%s' lacks the usage emailProtection, without which "
			       "rauc refuses it unless every reader sets check-purpose=codesign",
			       subject);
	return 0;
}

static int check_chain(STACK_OF(X509) * certs, STACK_OF(X509) * roots, const char *keyring,
		       time_t now, struct err **err)
{
	X509_STORE *store __attribute__((cleanup(store_freep))) = X509_STORE_new();
	X509_STORE_CTX *ctx __attribute__((cleanup(ctx_freep))) = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(certs, 0);
	char subject[256];

	for (int i = 0; i < sk_X509_num(roots); i++)
		X509_STORE_add_cert(store, sk_X509_value(roots, i));
	if (!X509_STORE_CTX_init(ctx, store, leaf, certs))
		return err_set(err, ERR_INTERNAL, "OpenSSL cannot verify certificates");
	X509_STORE_CTX_set_time(ctx, 0, now);
	if (X509_verify_cert(ctx) == 1)
		return 0;
	return err_set(err, ERR_INTEGRITY, "keyring '%s' cannot verify '%s': %s", keyring,
		       subject_of(leaf, subject, sizeof(subject)),
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

static int check_key(X509 *leaf, const char *subject, const char *key_path, struct err **err)
{
	EVP_PKEY *key __attribute__((cleanup(pkey_freep))) = NULL;
	BIO *bio cleanup_bio = BIO_new_file(key_path, "r");

	if (!bio) {
		ERR_clear_error();
		return err_set(err, ERR_ENV,
			       "cannot read the private key '%s'; `orch pki init` makes one",
			       key_path);
	}
	/* An empty passphrase: a locked key is refused rather than asked for on a terminal. */
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	ERR_clear_error();
	if (!key)
		return err_set(err, ERR_INTEGRITY,
			       "'%s' is no private key (PEM, without passphrase)", key_path);
	if (EVP_PKEY_eq(key, X509_get0_pubkey(leaf)) != 1)
		return err_set(err, ERR_INTEGRITY,
			       "private key '%s' does not belong to certificate '%s'", key_path,
			       subject);
	return 0;
}

int x509_check_signer(const char *cert_path, const char *keyring_path, const char *key_path,
		      time_t now, struct x509_facts *ret, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL, *roots cleanup_stack = NULL;
	struct x509_facts facts = {.not_before = INT64_MIN, .not_after = INT64_MAX};
	X509 *leaf;

	if (load_certs(cert_path, &certs, err) < 0 || load_certs(keyring_path, &roots, err) < 0)
		return -1;
	leaf = sk_X509_value(certs, 0);
	subject_of(leaf, facts.subject, sizeof(facts.subject));
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (check_one(sk_X509_value(certs, i), now, &facts, err) < 0)
			return -1;
	}
	if (check_usage(leaf, facts.subject, err) < 0 ||
	    check_chain(certs, roots, keyring_path, now, err) < 0)
		return -1;
	if (key_path && check_key(leaf, facts.subject, key_path, err) < 0)
		return -1;
	*ret = facts;
	return 0;
}

static void append_pem(X509 *x, struct str *ret)
{
	BIO *bio cleanup_bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	PEM_write_bio_X509(bio, x);
	len = BIO_get_mem_data(bio, &data);
	str_append_len(ret, data, (size_t)len);
}

int x509_split_chain(const char *cert_path, struct str *ret_leaf, struct str *ret_intermediates,
		     struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL;

	if (load_certs(cert_path, &certs, err) < 0)
		return -1;
	for (int i = 0; i < sk_X509_num(certs); i++)
		append_pem(sk_X509_value(certs, i), i ? ret_intermediates : ret_leaf);
	return 0;
}
