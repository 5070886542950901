/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/cms.h"

#include <openssl/err.h>

#include "kinds/pki/token.h"
#include "kinds/pki/x509_priv.h"

/* The reason of OpenSSL's last failure; clears them all. */
static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text ? text : "no reason given";
}

static void append_bio(BIO *bio, struct str *ret)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	str_append_len(ret, data, len > 0 ? (size_t)len : 0);
}

/* ---- signing ---- */

static int sign(STACK_OF(X509) * certs, EVP_PKEY *key, BIO *in, struct str *ret, struct err **err)
{
	BIO *out cleanup_bio = BIO_new(BIO_s_mem());
	CMS_ContentInfo *cms cleanup_cms = NULL;
	STACK_OF(X509) *others cleanup_borrowed = sk_X509_new_null();

	for (int i = 1; i < sk_X509_num(certs); i++)
		sk_X509_push(others, sk_X509_value(certs, i));
	cms = CMS_sign(sk_X509_value(certs, 0), key, others, in, CMS_BINARY | CMS_NOSMIMECAP);
	if (!cms || i2d_CMS_bio(out, cms) != 1)
		return err_set(err, E_KEY_UNUSABLE, "OpenSSL cannot sign with this key (%s)",
			       reason());
	append_bio(out, ret);
	return 0;
}

int cms_sign(const char *cert_path, const char *key_at, const void *data, size_t len,
	     struct str *ret, struct err **err)
{
	STACK_OF(X509) *certs cleanup_stack = NULL;
	BIO *in cleanup_bio = BIO_new_mem_buf(data, (int)len);
	EVP_PKEY *key cleanup_pkey = NULL;
	char subject[256];

	if (x509_load(cert_path, &certs, err) < 0)
		return -1;
	key = key_open(key_at, err);
	if (!key)
		return -1;
	if (EVP_PKEY_eq(key, X509_get0_pubkey(sk_X509_value(certs, 0))) != 1)
		return err_set(err, E_KEY_UNUSABLE,
			       "private key '%s' does not belong to certificate '%s'", key_at,
			       x509_subject(sk_X509_value(certs, 0), subject, sizeof(subject)));
	return sign(certs, key, in, ret, err);
}

/* ---- reading ---- */

static CMS_ContentInfo *parse(const char *name, const void *der, size_t len, struct err **err)
{
	const unsigned char *at = der;
	CMS_ContentInfo *cms = len <= INT32_MAX ? d2i_CMS_ContentInfo(NULL, &at, (long)len) : NULL;

	if (cms && (const char *)at == (const char *)der + len)
		return cms;
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	(void)err_set(err, E_SIGNED_UNREADABLE, "'%s' is not a signed message (CMS)", name);
	return NULL;
}

/* The keyring, as devices ask it. */
static int open_keyring(const char *path, X509_STORE **ret, struct err **err)
{
	STACK_OF(X509) *cas cleanup_stack = sk_X509_new_null();
	STACK_OF(X509_CRL) *lists cleanup_crls = sk_X509_CRL_new_null();
	X509_STORE *store = NULL;
	unsigned long flags = X509_V_FLAG_NO_CHECK_TIME;

	if (x509_add_file(path, cas, lists, err) < 0)
		return -1;
	store = X509_STORE_new();
	for (int i = 0; i < sk_X509_num(cas); i++)
		X509_STORE_add_cert(store, sk_X509_value(cas, i));
	for (int i = 0; i < sk_X509_CRL_num(lists); i++)
		X509_STORE_add_crl(store, sk_X509_CRL_value(lists, i));
	if (sk_X509_CRL_num(lists))
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	X509_STORE_set_flags(store, flags);
	X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_SMIME_SIGN);
	*ret = store;
	return 0;
}

int cms_open(const char *name, const void *der, size_t len, const char *keyring_path,
	     struct str *ret, struct err **err)
{
	CMS_ContentInfo *cms cleanup_cms = parse(name, der, len, err);
	X509_STORE *store cleanup_x509_store = NULL;
	BIO *out cleanup_bio = BIO_new(BIO_s_mem());

	if (!cms || open_keyring(keyring_path, &store, err) < 0)
		return -1;
	if (CMS_verify(cms, NULL, store, NULL, out, CMS_BINARY) != 1)
		return err_set(err, E_CERTIFICATE_UNTRUSTED,
			       "'%s' is signed by nobody whom keyring '%s' believes (%s)", name,
			       keyring_path, reason());
	append_bio(out, ret);
	return 0;
}

int cms_content(const char *name, const void *der, size_t len, struct str *ret, struct err **err)
{
	CMS_ContentInfo *cms cleanup_cms = parse(name, der, len, err);
	ASN1_OCTET_STRING **content = cms ? CMS_get0_content(cms) : NULL;

	ERR_clear_error();
	if (!cms)
		return -1;
	if (!content || !*content)
		return err_set(err, E_SIGNED_UNREADABLE, "'%s' is signed, and has no content",
			       name);
	str_append_len(ret, ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content));
	return 0;
}
