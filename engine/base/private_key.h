/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Private keys among bytes that are about to be handed out: an image's files, an overlay. Every
 * copy of the image would share them, so that whoever buys one device has the key of all.
 *
 * What is found, wherever in the bytes it begins:
 *  - PEM (RFC 7468) of any label that ends in "PRIVATE KEY" or "PRIVATE KEY BLOCK" (OpenPGP), as
 *    lines, indented, or as one string, with its line ends escaped (JSON, shell) or without any
 *    (variables of a CI);
 *  - DER: PKCS #8 (RFC 5958) plain or encrypted, and the older forms of RSA (RFC 8017 A.1.2), EC
 *    (RFC 5915) and DSA keys;
 *  - OpenSSH's own form (PROTOCOL.key, "openssh-key-v1");
 *  - the base64 (RFC 4648, either alphabet) of all these, in one line or several, where it begins
 *    with them;
 *  - hexadecimal of DER that is not encrypted, with ':' or spaces between its bytes or without;
 *  - PEM in UTF-16, of either order;
 *  - JSON Web Keys (RFC 7517) of RSA, EC and OKP with their private number.
 *
 * What is not: keys that are compressed (media/tree/key_search.h looks into these) or encrypted by
 * other means, symmetric ones, key stores (PKCS #12, JKS: most of them hold public certificates),
 * and raw numbers.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* The form of the first one found in DATA, "PEM"; NULL: there is none. A constant. */
const char *private_key_in(const void *data, size_t len);
/*
 * 0, or ERR_INTEGRITY when others than its owner can write the key file PATH, below DIRFD, or put
 * another into its directory, or into that of the file it is a link to: who can do that signs with
 * one of his own tomorrow. Likewise when it is not a file, or is larger than any key. *RET_MODE is
 * that of the file; 0, and no error, when it is not there.
 */
int private_key_check_place(int dirfd, const char *path, mode_t *ret_mode,
			    struct err **err) warn_unused;
