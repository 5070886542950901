/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making lists of what is revoked (crl.h). */
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "kinds/pki/crl.h"
#include "kinds/pki/x509_priv.h"

/* RFC 5280 5.2.3: each list of a CA has a higher number than the one before. */
static int number_list(X509_CRL *list, const BIGNUM *highest)
{
	BIGNUM *next = BN_dup(highest);
	ASN1_INTEGER *is = next && BN_add_word(next, 1) ? BN_to_ASN1_INTEGER(next, NULL) : NULL;
	int ok = is && X509_CRL_add1_ext_i2d(list, NID_crl_number, is, 0, 0);

	ASN1_INTEGER_free(is);
	BN_free(next);
	return ok ? 0 : -1;
}

/* Raises HIGHEST to the number of OLD; up to 20 octets. */
static void take_number(X509_CRL *old, BIGNUM *highest)
{
	ASN1_INTEGER *was = X509_CRL_get_ext_d2i(old, NID_crl_number, NULL, NULL);
	BIGNUM *n = was ? ASN1_INTEGER_to_BN(was, NULL) : NULL;

	if (n && BN_cmp(n, highest) > 0)
		(void)!BN_copy(highest, n);
	BN_free(n);
	ASN1_INTEGER_free(was);
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
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(old);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i), *have = NULL, *copy;

		if (X509_CRL_get0_by_serial(list, &have, X509_REVOKED_get0_serialNumber(entry)))
			continue;
		copy = X509_REVOKED_dup(entry);
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

/* A renewed CA may have the key of the one before: a list that served both goes on to do so. */
static int widen(X509_CRL *list, X509_CRL *old)
{
	const ASN1_TIME *from = X509_CRL_get0_lastUpdate(old), *to = X509_CRL_get0_nextUpdate(old);

	if (ASN1_TIME_compare(from, X509_CRL_get0_lastUpdate(list)) == -1 &&
	    !X509_CRL_set1_lastUpdate(list, from))
		return -1;
	if (to && ASN1_TIME_compare(to, X509_CRL_get0_nextUpdate(list)) == 1 &&
	    !X509_CRL_set1_nextUpdate(list, to))
		return -1;
	return 0;
}

/* What the lists of CA among KNOWN say. */
static int add_known(X509_CRL *list, X509 *ca, STACK_OF(X509_CRL) * known)
{
	BIGNUM *highest = BN_new();
	int rc = highest ? 0 : -1;

	for (int i = 0; rc == 0 && i < sk_X509_CRL_num(known); i++) {
		X509_CRL *old = sk_X509_CRL_value(known, i);

		if (!crl_is_of(old, ca))
			continue;
		take_number(old, highest);
		rc = add_old(list, old) < 0 ? -1 : widen(list, old);
	}
	if (rc == 0)
		rc = number_list(list, highest);
	BN_free(highest);
	return rc;
}

X509_CRL *crl_make(X509 *ca, EVP_PKEY *key, STACK_OF(X509_CRL) * known, X509 *revoked, time_t when)
{
	X509_CRL *list cleanup_crl = X509_CRL_new();

	if (!list || !X509_CRL_set_version(list, X509_CRL_VERSION_2) ||
	    !X509_CRL_set_issuer_name(list, X509_get_subject_name(ca)) ||
	    !X509_CRL_set1_lastUpdate(list, X509_get0_notBefore(ca)) ||
	    !X509_CRL_set1_nextUpdate(list, X509_get0_notAfter(ca)) || name_key(list, ca) < 0 ||
	    add_known(list, ca, known) < 0 || (revoked && add_revoked(list, revoked, when) < 0) ||
	    !X509_CRL_sort(list) || !X509_CRL_sign(list, key, EVP_sha256()))
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
