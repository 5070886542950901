/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making lists of what is revoked (crl.h). */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "kinds/pki/crl.h"
#include "kinds/pki/x509_priv.h"

/* RFC 5280 5.2.3: each list of a CA has a higher number than the one before. */
static int number_list(X509_CRL *list, X509_CRL *old)
{
	ASN1_INTEGER *was = old ? X509_CRL_get_ext_d2i(old, NID_crl_number, NULL, NULL) : NULL;
	ASN1_INTEGER *is = ASN1_INTEGER_new();
	int ok = is && ASN1_INTEGER_set(is, (was ? ASN1_INTEGER_get(was) : 0) + 1) &&
		 X509_CRL_add1_ext_i2d(list, NID_crl_number, is, 0, 0);

	ASN1_INTEGER_free(was);
	ASN1_INTEGER_free(is);
	return ok ? 0 : -1;
}

static int name_key(X509_CRL *list, X509 *ca)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int ok;

	X509V3_set_ctx(&ctx, ca, NULL, NULL, list, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid");
	ok = e && X509_CRL_add_ext(list, e, -1);
	X509_EXTENSION_free(e);
	return ok ? 0 : -1;
}

static int add_old(X509_CRL *list, X509_CRL *old)
{
	STACK_OF(X509_REVOKED) *entries = old ? X509_CRL_get_REVOKED(old) : NULL;

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *copy = X509_REVOKED_dup(sk_X509_REVOKED_value(entries, i));

		if (!copy || !X509_CRL_add0_revoked(list, copy)) {
			X509_REVOKED_free(copy);
			return -1;
		}
	}
	return 0;
}

static int add_revoked(X509_CRL *list, X509 *cert, time_t when)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	ASN1_TIME *date = ASN1_TIME_set(NULL, when);
	int ok = entry && date &&
		 X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) &&
		 X509_REVOKED_set_revocationDate(entry, date) && X509_CRL_add0_revoked(list, entry);

	if (!ok)
		X509_REVOKED_free(entry);
	ASN1_TIME_free(date);
	return ok ? 0 : -1;
}

X509_CRL *crl_make(X509 *ca, EVP_PKEY *key, X509_CRL *old, X509 *revoked, time_t when)
{
	X509_CRL *list cleanup_crl = X509_CRL_new();

	if (!list || !X509_CRL_set_version(list, X509_CRL_VERSION_2) ||
	    !X509_CRL_set_issuer_name(list, X509_get_subject_name(ca)) ||
	    !X509_CRL_set1_lastUpdate(list, X509_get0_notBefore(ca)) ||
	    !X509_CRL_set1_nextUpdate(list, X509_get0_notAfter(ca)) || name_key(list, ca) < 0 ||
	    number_list(list, old) < 0 || add_old(list, old) < 0 ||
	    (revoked && add_revoked(list, revoked, when) < 0) || !X509_CRL_sort(list) ||
	    !X509_CRL_sign(list, key, EVP_sha256()))
		return NULL;
	return steal_ptr(list);
}

int crl_append(STACK_OF(X509_CRL) * lists, struct str *ret)
{
	BIO *bio cleanup_bio = BIO_new(BIO_s_mem());
	char *data;
	long len;

	for (int i = 0; bio && i < sk_X509_CRL_num(lists); i++) {
		if (!PEM_write_bio_X509_CRL(bio, sk_X509_CRL_value(lists, i)))
			return -1;
	}
	len = BIO_get_mem_data(bio, &data);
	str_append_len(ret, data, (size_t)len);
	return 0;
}
