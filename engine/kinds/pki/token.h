/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Private keys with which orch itself signs, which only `orch pki` does: a PEM file, or what a
 * token or an HSM has, by its address (a PKCS #11 URI, RFC 7512). PINs: pin.h.
 */
#include <openssl/evp.h>

#include "base/err.h"

/* The caller frees it. NULL with ERR. */
EVP_PKEY *key_open(const char *where, struct err **err);
