/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What is in a bundle apart from who signed it: the squashfs that it begins with, manifest and
 * images. rauc appends the hash tree, which has a random salt, and the signature (RAUC reference
 * manual, section "Bundle Formats").
 */
#include <stdint.h>

#include "base/digest.h"

struct payload {
	uint64_t size; /* bytes from the bundle's first, whole blocks of 4 KiB */
	struct digest digest;
};

/* Of the bundle PATH. An error where it does not begin with a squashfs, or is shorter than that. */
int payload_read(const char *path, struct payload *ret, struct err **err) warn_unused;
