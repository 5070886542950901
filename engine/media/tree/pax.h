/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the pax headers of a tar say, for what libarchive does not tell: it decodes whatever stands
 * where base64 should, takes a number that is none for 0, passes over attributes without a name
 * and over headers for all members, and of two values takes the first.
 * The format: POSIX.1-2008, pax; LIBARCHIVE.xattr.* is NAME with %XX and base64 without padding,
 * SCHILY.xattr.* NAME and value as they are; GNU.sparse.*: the manual of GNU tar, Sparse Formats.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * Looks at the headers of the member whose first header is at offset AT of TAR, which has LEN
 * bytes. True when all that they say can be read; else *WHY says which cannot and why.
 */
bool pax_check(const char *tar, size_t len, uint64_t at, struct str *why);
