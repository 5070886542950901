/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Certificates of a signer, looked at before anything is signed. Who needs OpenSSL's own types
 * (X.509, RFC 5280) finds what can be done with them in x509_priv.h, and is in this directory.
 *
 * A signer is a certificate file (the leaf first, then its intermediates, PEM), the private key of
 * the leaf (PEM), and a keyring (the root CAs that devices trust, PEM).
 */
#include <time.h>

#include "base/err.h"
#include "base/str.h"

/* What the names of all certificates begin with that `orch pki init` makes. */
#define PKI_DEVELOPMENT "development "

struct x509_facts {
	char subject[256];             /* of the leaf, one line */
	int64_t not_before, not_after; /* of the chain as a whole: latest start, earliest end */
	bool key_is_open;              /* others than its owner can read the private key */
};

/*
 * Checks that at time NOW
 *  - neither file holds a private key;
 *  - every certificate of the chain is valid; every one of both files has a key, and those of the
 *    chain a signature, of 112 bits of security strength or more (NIST SP 800-57 part 1: RSA 2048,
 *    EC P-224, SHA-256);
 *  - the leaf is not a CA, may sign (keyUsage digitalSignature) and has the usages that RAUC asks
 *    for: codeSigning (check-purpose=codesign) and emailProtection (rauc's default, smimesign); a
 *    CA above it that names usages at all names both;
 *  - the chain ends in a CA of the keyring;
 *  - KEY_PATH (NULL: not checked) is the leaf's private key, only its owner can write it, and what
 *    it signs as rauc does (CMS, RFC 5652) can be verified: there are kinds of keys, Ed25519 for
 *    one, for which OpenSSL cannot do both.
 * ERR_INTEGRITY when refused; ERR_ENV when a file cannot be read.
 */
int x509_check_signer(const char *cert_path, const char *keyring_path, const char *key_path,
		      time_t now, struct x509_facts *ret, struct err **err) warn_unused;
/*
 * Checks that the first certificate of the file has an RSA key of 2048 bits or more, and that
 * KEY_PATH is that key; of its place as above. Nobody asks for the dates of a certificate that only
 * carries a key: RET has none. ERR_INTEGRITY when refused; ERR_ENV when a file cannot be read.
 */
int x509_check_rsa(const char *cert_path, const char *key_path, struct x509_facts *ret,
		   struct err **err) warn_unused;
/*
 * Splits a certificate file: the leaf as PEM text, and the intermediates (may be empty). rauc's
 * --cert reads one certificate and wants the others by --intermediate.
 */
int x509_split_chain(const char *cert_path, struct str *ret_leaf, struct str *ret_intermediates,
		     struct err **err) warn_unused;
/*
 * Calls FN for each certificate in the LEN bytes of PEM, whatever state it is in, and whether it
 * begins with "BEGIN CERTIFICATE" or, as OpenSSL writes it with its uses, "BEGIN TRUSTED
 * CERTIFICATE"; dates are seconds since 1970. Returns how many there were; -1: one cannot be read,
 * and what comes after it was not looked at.
 */
typedef void x509_certificate_fn(void *arg, const char *subject, int64_t not_before,
				 int64_t not_after);
int x509_each(const char *pem, size_t len, x509_certificate_fn *fn, void *arg);
/* "2027-03-02"; BUF of 16 bytes; returns BUF. */
char *x509_date(int64_t seconds, char buf[16]);
