/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/x509.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/private_key.h"
#include "kinds/pki/x509_priv.h"

#define MAX_PEM_BYTES (1024 * 1024)
#define AUTH_LEVEL 2 /* OpenSSL's name for 112 bits */

char *x509_date(int64_t seconds, char buf[16])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(buf, 16, "%Y-%m-%d", &tm);
	return buf;
}

int64_t x509_seconds(const ASN1_TIME *t)
{
	struct tm tm = {0};

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* NULL: there is none, or it cannot be read, which ends_well() tells. */
static X509 *next_certificate(BIO *bio)
{
	ERR_clear_error();
	return PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
}

static bool ends_well(void)
{
	bool well = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;

	ERR_clear_error();
	return well;
}

int x509_load(const char *path, STACK_OF(X509) * *ret, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = sk_X509_new_null();
	struct str pem cleanup_str = STR_INIT;
	BIO *bio cleanup_bio = NULL;
	const char *form;
	X509 *x;

	if (file_read(path, MAX_PEM_BYTES, &pem, err) < 0)
		return err_wrap(err, "certificates (made by `orch pki init`)");
	form = private_key_in(pem.buf, pem.len);
	if (form)
		return err_set(err, E_KEY_IN_CERTIFICATE,
			       "'%s' holds a private key (%s); certificates and keyrings are "
			       "public, move the key to pki/private/",
			       path, form);
	bio = BIO_new_mem_buf(pem.buf, (int)pem.len);
	while ((x = next_certificate(bio)))
		sk_X509_push(certs, x);
	if (!ends_well())
		return err_set(err, E_CERTIFICATE_UNREADABLE, "'%s' has a damaged PEM block", path);
	if (!sk_X509_num(certs))
		return err_set(err, E_CERTIFICATE_UNREADABLE, "'%s' has no certificate (PEM)",
			       path);
	*ret = steal_ptr(certs);
	return 0;
}

char *x509_subject(const X509 *x, char *buf, size_t size)
{
	BIO *bio cleanup_bio = BIO_new(BIO_s_mem());
	int n;

	X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
			   XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	n = BIO_read(bio, buf, (int)size - 1);
	buf[n > 0 ? n : 0] = 0;
	return buf;
}

static int take_infos(STACK_OF(X509_INFO) * infos, STACK_OF(X509) * certs,
		      STACK_OF(X509_CRL) * lists)
{
	for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
		X509_INFO *info = sk_X509_INFO_value(infos, i);

		if (info->x509 && X509_up_ref(info->x509))
			sk_X509_push(certs, info->x509);
		if (info->crl && X509_CRL_up_ref(info->crl))
			sk_X509_CRL_push(lists, info->crl);
	}
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	return 0;
}

int x509_add_file(const char *path, STACK_OF(X509) * certs, STACK_OF(X509_CRL) * lists,
		  struct err **err)
{
	struct str pem cleanup_str = STR_INIT;
	BIO *bio cleanup_bio = NULL;
	STACK_OF(X509_INFO) * infos;

	if (file_read(path, MAX_PEM_BYTES, &pem, err) < 0)
		return -1;
	if (private_key_in(pem.buf, pem.len))
		return err_set(err, E_KEY_IN_CERTIFICATE,
			       "'%s' holds a private key; certificates and lists are public, move "
			       "the key to pki/private/",
			       path);
	bio = BIO_new_mem_buf(pem.buf, (int)pem.len);
	infos = PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL);
	ERR_clear_error();
	if (!infos)
		return err_set(err, E_CERTIFICATE_UNREADABLE, "'%s' has a damaged PEM block", path);
	return take_infos(infos, certs, lists);
}

X509 *x509_issuer_of(STACK_OF(X509) * certs, X509 *x)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *ca = sk_X509_value(certs, i);

		if (X509_check_issued(ca, x) == X509_V_OK &&
		    X509_verify(x, X509_get0_pubkey(ca)) == 1)
			return ca;
	}
	ERR_clear_error();
	return NULL;
}

bool x509_has(STACK_OF(X509) * certs, const X509 *x)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_cmp(sk_X509_value(certs, i), x) == 0)
			return true;
	}
	return false;
}

X509 *x509_first_ca(STACK_OF(X509) * certs)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		if (X509_check_ca(sk_X509_value(certs, i)))
			return sk_X509_value(certs, i);
	}
	return NULL;
}

bool x509_is_root(X509 *x)
{
	return X509_get_extension_flags(x) & EXFLAG_SS;
}

char *x509_serial(const X509 *x)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n ? BN_bn2hex(n) : NULL, *ret = xstrdup(hex ? hex : "");

	for (char *c = ret; *c; c++)
		*c = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
	OPENSSL_free(hex);
	BN_free(n);
	return ret;
}

EVP_PKEY *x509_read_key(const char *path)
{
	BIO *bio cleanup_bio = BIO_new_file(path, "r");
	/* An empty passphrase: a locked key is refused rather than asked for on a terminal. */
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;

	ERR_clear_error();
	return key;
}

int x509_append_pem(X509 *x, struct str *ret)
{
	BIO *bio cleanup_bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	if (!PEM_write_bio_X509(bio, x))
		return -1;
	len = BIO_get_mem_data(bio, &data);
	str_append_len(ret, data, (size_t)len);
	return 0;
}

int x509_each(const char *pem, size_t len, x509_certificate_fn *fn, void *arg)
{
	BIO *bio cleanup_bio = len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
	char subject[256];
	int count = 0;
	X509 *x;

	if (!bio)
		return -1;
	for (; (x = next_certificate(bio)); count++) {
		fn(arg, x509_subject(x, subject, sizeof(subject)),
		   x509_seconds(X509_get0_notBefore(x)), x509_seconds(X509_get0_notAfter(x)));
		X509_free(x);
	}
	return ends_well() ? count : -1;
}

static int check_strength(X509 *x, const char *path, struct err **err)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	char subject[256];

	if (key && EVP_PKEY_get_security_bits(key) >= X509_MIN_STRENGTH)
		return 0;
	x509_subject(x, subject, sizeof(subject));
	if (!key)
		return err_set(err, E_KEY_WEAK,
			       "certificate '%s' in '%s' has a key of a kind that OpenSSL does not "
			       "know; use RSA of 2048 bits or more, or EC P-256",
			       subject, path);
	return err_set(
		err, E_KEY_WEAK,
		"certificate '%s' in '%s' has a weak key: %s of %d bits; use RSA of 2048 bits "
		"or more, or EC P-256",
		subject, path, EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

static int check_one(X509 *x, time_t now, struct x509_facts *facts, struct err **err)
{
	int64_t from = x509_seconds(X509_get0_notBefore(x)),
		to = x509_seconds(X509_get0_notAfter(x));
	char subject[256], date[16];
	int bits = 0;

	x509_subject(x, subject, sizeof(subject));
	if (now < from)
		return err_set(err, E_CERTIFICATE_EXPIRED,
			       "certificate '%s' is not valid before %s (check the clock)", subject,
			       x509_date(from, date));
	if (now > to)
		return err_set(
			err, E_CERTIFICATE_EXPIRED,
			"certificate '%s' expired on %s; devices would refuse the bundle: issue a "
			"new one",
			subject, x509_date(to, date));
	if (!X509_get_signature_info(x, NULL, NULL, &bits, NULL) || bits < X509_MIN_STRENGTH)
		return err_set(
			err, E_KEY_WEAK,
			"certificate '%s' is signed with a weak digest; use SHA-256 or better",
			subject);
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
		return err_set(err, E_CERTIFICATE_USAGE,
			       "certificate '%s' is a CA; sign with a leaf certificate", subject);
	if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
		return err_set(err, E_CERTIFICATE_USAGE,
			       "certificate '%s' may not sign (keyUsage lacks digitalSignature)",
			       subject);
	if (extended == UINT32_MAX || !(extended & XKU_CODE_SIGN))
		return err_set(err, E_CERTIFICATE_USAGE,
			       "certificate '%s' is not for code signing (extendedKeyUsage lacks "
			       "codeSigning)",
			       subject);
	if (!(extended & XKU_SMIME))
		return err_set(err, E_CERTIFICATE_USAGE,
			       "certificate '%s' lacks the usage emailProtection, without which "
			       "rauc refuses it unless every reader sets check-purpose=codesign",
			       subject);
	return 0;
}

/* A CA that names extended usages passes on no other: so both purposes of rauc read it. */
static int check_ca_usage(X509 *ca, struct err **err)
{
	uint32_t extended = X509_get_extended_key_usage(ca);
	char subject[256];

	if (!(X509_get_extension_flags(ca) & EXFLAG_XKUSAGE) ||
	    ((extended & XKU_CODE_SIGN) && (extended & XKU_SMIME)))
		return 0;
	return err_set(
		err, E_CERTIFICATE_USAGE,
		"CA certificate '%s' restricts its usages (extendedKeyUsage) and lacks %s, so "
		"rauc refuses what is signed below it: issue it without extendedKeyUsage",
		x509_subject(ca, subject, sizeof(subject)),
		extended & XKU_CODE_SIGN ? "emailProtection" : "codeSigning");
}

/* What a device has: the keyring, and rauc's default purpose. */
static X509_STORE *device_store(STACK_OF(X509) * roots, time_t now)
{
	X509_STORE *store = X509_STORE_new();
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);

	for (int i = 0; i < sk_X509_num(roots); i++)
		X509_STORE_add_cert(store, sk_X509_value(roots, i));
	X509_VERIFY_PARAM_set_time(param, now);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SMIME_SIGN);
	return store;
}

static int check_chain(STACK_OF(X509) * certs, X509_STORE *store, const char *keyring,
		       struct err **err)
{
	X509_STORE_CTX *ctx cleanup_x509_ctx = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(certs, 0);
	STACK_OF(X509) * chain;
	char subject[256];
	int good;

	if (!X509_STORE_CTX_init(ctx, store, leaf, certs))
		return err_set(err, E_INTERNAL, "OpenSSL cannot verify certificates");
	good = X509_verify_cert(ctx);
	/* As far as it got: our reasons say more than "unsuitable certificate purpose". */
	chain = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 1; i < sk_X509_num(chain); i++) {
		if (check_ca_usage(sk_X509_value(chain, i), err) < 0)
			return -1;
	}
	if (good == 1)
		return 0;
	return err_set(err, E_CERTIFICATE_UNTRUSTED, "keyring '%s' cannot verify '%s': %s", keyring,
		       x509_subject(leaf, subject, sizeof(subject)),
		       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
}

/* The reason of OpenSSL's last failure; clears them all. */
static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason ? reason : "no reason given";
}

/*
 * Signs a few bytes and verifies them, with the flags of rauc's cms_sign() and cms_verify_bytes()
 * (src/signature.c).
 */
static int try_signature(STACK_OF(X509) * certs, EVP_PKEY *key, X509_STORE *store, struct err **err)
{
	static const char blob[] = "what orch signs to see whether it can";
	BIO *in cleanup_bio = BIO_new_mem_buf(blob, sizeof(blob));
	BIO *out cleanup_bio = BIO_new(BIO_s_null());
	CMS_ContentInfo *cms cleanup_cms = NULL;
	STACK_OF(X509) *others cleanup_borrowed = sk_X509_new_null();

	for (int i = 1; i < sk_X509_num(certs); i++)
		sk_X509_push(others, sk_X509_value(certs, i));
	cms = CMS_sign(sk_X509_value(certs, 0), key, others, in, CMS_BINARY | CMS_NOSMIMECAP);
	if (!cms)
		return err_set(
			err, E_KEY_WEAK,
			"OpenSSL, and so rauc, cannot sign with a key of kind %s (%s); use EC "
			"P-256 or RSA",
			EVP_PKEY_get0_type_name(key), openssl_reason());
	if (CMS_verify(cms, NULL, store, NULL, out, CMS_BINARY) != 1)
		return err_set(
			err, E_KEY_WEAK,
			"what a key of kind %s signs cannot be verified (%s); use EC P-256 or "
			"RSA",
			EVP_PKEY_get0_type_name(key), openssl_reason());
	return 0;
}

static int check_key_mode(const char *path, struct x509_facts *facts, struct err **err)
{
	mode_t mode;

	if (private_key_check_place(AT_FDCWD, path, &mode, err) < 0)
		return -1;
	if (!mode)
		return err_errno(err, E_KEY_UNREADABLE, errno,
				 "cannot read the private key '%s'; `orch pki init` makes one",
				 path);
	facts->key_is_open = mode & 0044;
	return 0;
}

/* The private key at PATH, which has to be that of CERT; the caller frees it. */
static EVP_PKEY *load_key(const char *path, const X509 *cert, struct x509_facts *facts,
			  struct err **err)
{
	EVP_PKEY *key cleanup_pkey = NULL;

	if (check_key_mode(path, facts, err) < 0)
		return NULL;
	key = x509_read_key(path);
	if (!key && access(path, R_OK) < 0)
		err_set(err, E_KEY_UNREADABLE, "cannot read the private key '%s'", path);
	else if (!key)
		err_set(err, E_KEY_UNUSABLE, "'%s' is not a private key (PEM, without passphrase)",
			path);
	else if (EVP_PKEY_eq(key, X509_get0_pubkey(cert)) != 1)
		err_set(err, E_KEY_UNUSABLE, "private key '%s' does not belong to certificate '%s'",
			path, facts->subject);
	else
		return steal_ptr(key);
	return NULL;
}

static int check_key(STACK_OF(X509) * certs, X509_STORE *store, const char *key_path,
		     struct x509_facts *facts, struct err **err)
{
	EVP_PKEY *key cleanup_pkey = load_key(key_path, sk_X509_value(certs, 0), facts, err);

	return key ? try_signature(certs, key, store, err) : -1;
}

/* CMS takes no certificate twice, and says of it that memory ran out. */
static int check_distinct(STACK_OF(X509) * certs, const char *path, struct err **err)
{
	char subject[256];

	for (int i = 0; i < sk_X509_num(certs); i++) {
		for (int k = 0; k < i; k++) {
			if (X509_cmp(sk_X509_value(certs, i), sk_X509_value(certs, k)) != 0)
				continue;
			return err_set(
				err, E_CERTIFICATE_UNREADABLE,
				"certificate '%s' stands in '%s' twice: take one out",
				x509_subject(sk_X509_value(certs, i), subject, sizeof(subject)),
				path);
		}
	}
	return 0;
}

int x509_check_signer(const char *cert_path, const char *keyring_path, const char *key_path,
		      time_t now, struct x509_facts *ret, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL, *roots cleanup_stack = NULL;
	X509_STORE *store cleanup_x509_store = NULL;
	struct x509_facts facts = {.not_before = INT64_MIN, .not_after = INT64_MAX};
	X509 *leaf;

	if (x509_load(cert_path, &certs, err) < 0 || x509_load(keyring_path, &roots, err) < 0)
		return -1;
	leaf = sk_X509_value(certs, 0);
	x509_subject(leaf, facts.subject, sizeof(facts.subject));
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (check_one(x, now, &facts, err) < 0 || check_strength(x, cert_path, err) < 0)
			return -1;
	}
	if (check_distinct(certs, cert_path, err) < 0)
		return -1;
	/* Whoever breaks the weakest root of the keyring signs for all devices. */
	for (int i = 0; i < sk_X509_num(roots); i++) {
		if (check_strength(sk_X509_value(roots, i), keyring_path, err) < 0)
			return -1;
	}
	store = device_store(roots, now);
	if (check_usage(leaf, facts.subject, err) < 0 ||
	    check_chain(certs, store, keyring_path, err) < 0)
		return -1;
	if (key_path && check_key(certs, store, key_path, &facts, err) < 0)
		return -1;
	*ret = facts;
	return 0;
}

int x509_check_rsa(const char *cert_path, const char *key_path, struct x509_facts *ret,
		   struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL;
	EVP_PKEY *key cleanup_pkey = NULL;
	struct x509_facts facts = {.not_before = INT64_MIN, .not_after = INT64_MAX};
	X509 *x;

	if (x509_load(cert_path, &certs, err) < 0)
		return -1;
	x = sk_X509_value(certs, 0);
	x509_subject(x, facts.subject, sizeof(facts.subject));
	if (check_strength(x, cert_path, err) < 0)
		return -1;
	if (EVP_PKEY_get_base_id(X509_get0_pubkey(x)) != EVP_PKEY_RSA)
		return err_set(err, E_KEY_WEAK,
			       "certificate '%s' in '%s' has a key of kind %s; U-Boot verifies RSA",
			       facts.subject, cert_path,
			       EVP_PKEY_get0_type_name(X509_get0_pubkey(x)));
	key = load_key(key_path, x, &facts, err);
	if (!key)
		return -1;
	*ret = facts;
	return 0;
}

int x509_split_chain(const char *cert_path, struct str *ret_leaf, struct str *ret_intermediates,
		     struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL;

	if (x509_load(cert_path, &certs, err) < 0)
		return -1;
	for (int i = 0; i < sk_X509_num(certs); i++)
		if (x509_append_pem(sk_X509_value(certs, i), i ? ret_intermediates : ret_leaf) < 0)
			return err_set(err, E_INTERNAL, "OpenSSL cannot write certificates");
	return 0;
}
