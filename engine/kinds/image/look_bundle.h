/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Bundles of RAUC, of any maker: a squashfs, in format verity with a tree of hashes behind it, then
 * a signature (CMS, DER) and its length in the last 8 bytes, big-endian (RAUC's reference, "Bundle
 * Formats").
 */
#include <stdbool.h>

#include "base/err.h"

/* Of formats plain and verity: what is encrypted (crypt) has no file system to be seen. */
bool look_is_bundle(const char *file);
/*
 * Unpacks it to DIR, which does not exist yet, with unsquashfs, confined. What is in it is foreign:
 * links may lead anywhere. The signature is not looked at.
 */
int look_unpack_bundle(const char *file, const char *dir, struct err **err) warn_unused;
