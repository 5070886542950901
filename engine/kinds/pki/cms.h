/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Signed messages: CMS SignedData (RFC 5652), DER, with what is signed in it, as the end of a RAUC
 * bundle has it and `openssl cms` makes and verifies it.
 */
#include "base/err.h"
#include "base/str.h"

/*
 * Appends DATA as signed by the first certificate of CERT_PATH (PEM), whose private key is at KEY,
 * a file or the address of one in a token (token.h); the other certificates go along.
 * E_KEY_UNUSABLE: the key is another's.
 */
int cms_sign(const char *cert_path, const char *key, const void *data, size_t len, struct str *ret,
	     struct err **err) warn_unused;
/*
 * Appends what is signed in DER, of LEN bytes, if whoever did is believed by the keyring (PEM: CAs
 * and, if it has any, a list of each), whatever the time is: with a purpose of `smimesign`, revoked
 * by nobody. NAME, that of the file, is for messages. ERR_INTEGRITY when refused.
 */
int cms_open(const char *name, const void *der, size_t len, const char *keyring_path,
	     struct str *ret, struct err **err) warn_unused;
/* Appends the same without a look at the signature. */
int cms_content(const char *name, const void *der, size_t len, struct str *ret,
		struct err **err) warn_unused;
