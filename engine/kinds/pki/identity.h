/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Keys and certificates that orch makes: what each is for, and the files they go into. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/err.h"

/* One key and the certificate for it. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
};

enum role {
	ROLE_ROOT,         /* a CA that devices trust */
	ROLE_INTERMEDIATE, /* a CA below it, with none below itself */
	ROLE_SIGNER,       /* of bundles */
};

void identity_clear(struct identity *id);
#define cleanup_identity __attribute__((cleanup(identity_clear)))
/* In place of a number of days: from 1970 to 9999, which has no end (RFC 5280, 4.1.2.5). */
#define VALID_ALWAYS 0
/* A new key, and its certificate for DAYS from now. NAME: its CN; ISSUER: NULL: itself. */
int identity_make(struct identity *id, const char *name, const struct identity *issuer, int days,
		  enum role role, struct err **err) warn_unused;
/* A certificate of ISSUER, for KEY and SUBJECT. NULL: OpenSSL cannot make it. */
X509 *certificate_make(EVP_PKEY *key, const X509_NAME *subject, const struct identity *issuer,
		       int days, enum role role);
/* Writes DIR/NAME, which becomes the owner's alone. */
int identity_write_key(const char *dir, const char *name, EVP_PKEY *key,
		       struct err **err) warn_unused;
/* The certificates FIRST and SECOND (NULL: none), PEM. */
int identity_write_certs(const char *dir, const char *name, X509 *first, X509 *second,
			 struct err **err) warn_unused;
