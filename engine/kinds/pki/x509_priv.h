/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the files that know OpenSSL share; nobody else includes it. */
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdint.h>

#include "base/err.h"

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
DEFINE_RELEASE(borrowed, STACK_OF(X509), sk_X509_free)
#undef DEFINE_RELEASE

__attribute__((unused)) static inline void stack_freep(STACK_OF(X509) * *s)
{
	sk_X509_pop_free(*s, X509_free);
}
#define cleanup_bio __attribute__((cleanup(bio_freep)))
#define cleanup_pkey __attribute__((cleanup(pkey_freep)))
#define cleanup_x509 __attribute__((cleanup(x509_freep)))
#define cleanup_x509_store __attribute__((cleanup(x509_store_freep)))
#define cleanup_x509_ctx __attribute__((cleanup(x509_ctx_freep)))
#define cleanup_cms __attribute__((cleanup(cms_freep)))
#define cleanup_borrowed __attribute__((cleanup(borrowed_freep))) /* what is in it stays */
#define cleanup_stack __attribute__((cleanup(stack_freep)))

/* The certificates of a PEM file, in order. A file with a private key in it is refused. */
int x509_load(const char *path, STACK_OF(X509) * *ret, struct err **err) warn_unused;
/* The subject as one line, cut to SIZE; returns BUF. */
char *x509_subject(const X509 *x, char *buf, size_t size);
/* Seconds since 1970; 0: not a date. */
int64_t x509_seconds(const ASN1_TIME *t);
