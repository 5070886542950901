/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the files that know OpenSSL share; nobody else includes it. */
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/err.h"
#include "base/str.h"

#define DEFINE_RELEASE(name, type, release)                                  \
	__attribute__((unused)) static inline void name##_freep(type **self) \
	{                                                                    \
		release(*self);                                              \
	}
DEFINE_RELEASE(bio, BIO, BIO_free)
DEFINE_RELEASE(pkey, EVP_PKEY, EVP_PKEY_free)
DEFINE_RELEASE(x509, X509, X509_free)
DEFINE_RELEASE(x509_store, X509_STORE, X509_STORE_free)
DEFINE_RELEASE(x509_ctx, X509_STORE_CTX, X509_STORE_CTX_free)
DEFINE_RELEASE(cms, CMS_ContentInfo, CMS_ContentInfo_free)
DEFINE_RELEASE(crl, X509_CRL, X509_CRL_free)
DEFINE_RELEASE(borrowed, STACK_OF(X509), sk_X509_free)
#undef DEFINE_RELEASE

__attribute__((unused)) static inline void stack_freep(STACK_OF(X509) * *s)
{
	sk_X509_pop_free(*s, X509_free);
}
__attribute__((unused)) static inline void crls_freep(STACK_OF(X509_CRL) * *s)
{
	sk_X509_CRL_pop_free(*s, X509_CRL_free);
}
#define cleanup_bio __attribute__((cleanup(bio_freep)))
#define cleanup_pkey __attribute__((cleanup(pkey_freep)))
#define cleanup_x509 __attribute__((cleanup(x509_freep)))
#define cleanup_x509_store __attribute__((cleanup(x509_store_freep)))
#define cleanup_x509_ctx __attribute__((cleanup(x509_ctx_freep)))
#define cleanup_cms __attribute__((cleanup(cms_freep)))
#define cleanup_borrowed __attribute__((cleanup(borrowed_freep))) /* what is in it stays */
#define cleanup_crl __attribute__((cleanup(crl_freep)))
#define cleanup_crls __attribute__((cleanup(crls_freep)))
#define cleanup_stack __attribute__((cleanup(stack_freep)))

#define X509_MIN_STRENGTH 112 /* bits; NIST SP 800-57: more than SHA-1, RSA-1024 and P-192 have */

/* ---- x509.c: certificates and keys ---- */

/* The certificates of a PEM file, in order. A file with a private key in it is refused. */
int x509_load(const char *path, STACK_OF(X509) * *ret, struct err **err) warn_unused;
/* Adds the certificates and lists of a PEM file to CERTS and LISTS; a private key is refused. */
int x509_add_file(const char *path, STACK_OF(X509) * certs, STACK_OF(X509_CRL) * lists,
		  struct err **err) warn_unused;
/* The private key of a PEM file, which the caller frees; NULL: there is none without passphrase. */
EVP_PKEY *x509_read_key(const char *path);
/* Appends X as PEM; -1: OpenSSL cannot. */
int x509_append_pem(X509 *x, struct str *ret) warn_unused;
/* The subject as one line, cut to SIZE; returns BUF. */
char *x509_subject(const X509 *x, char *buf, size_t size);
/* The serial number in hex, small letters; the caller frees it. */
char *x509_serial(const X509 *x);
/* Seconds since 1970; 0: not a date. */
int64_t x509_seconds(const ASN1_TIME *t);
/* Whether X is signed by its own key: nothing is above it. */
bool x509_is_root(X509 *x);
/* The certificate among CERTS (may be NULL) whose key signed X, also X itself; NULL: none. */
X509 *x509_issuer_of(STACK_OF(X509) * certs, X509 *x);
/* The first one of CERTS that is a CA's, or NULL. */
X509 *x509_first_ca(STACK_OF(X509) * certs);
/* Whether X is among CERTS. */
bool x509_has(STACK_OF(X509) * certs, const X509 *x);

/* ---- crl.c, crl_make.c: lists of what is revoked ---- */

/* Whether CA signed LIST. */
bool crl_is_of(X509_CRL *list, X509 *ca);
/* Whether devices ask for a list of CA at WHEN: not of one that is over, as is all below it. */
bool crl_is_asked_of(X509 *ca, time_t when);
/*
 * How a device that has CAS and LISTS, and checks lists as rauc does, finds CA's at WHEN:
 * X509_V_OK, or OpenSSL's X509_V_ERR_* of lists. It is tried, with a certificate that CA could have
 * signed.
 */
int crl_ask(STACK_OF(X509) * cas, STACK_OF(X509_CRL) * lists, X509 *ca, time_t when);
/* The same when CA begins and ends: what was signed at any time is to be taken. */
int crl_ask_always(STACK_OF(X509) * cas, STACK_OF(X509_CRL) * lists, X509 *ca);
/*
 * A list of CA, signed with its KEY: what is on those of CA among KNOWN (NULL: none), and REVOKED
 * (NULL: no more) since WHEN. It begins with CA and ends with it, or is of all the time that those
 * of before are. NULL: OpenSSL cannot make it.
 */
X509_CRL *crl_make(X509 *ca, EVP_PKEY *key, STACK_OF(X509_CRL) * known, X509 *revoked, time_t when);
/* Appends LISTS as PEM. */
int crl_append(STACK_OF(X509_CRL) * lists, struct str *ret) warn_unused;
