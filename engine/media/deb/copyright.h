/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Licences of Debian packages: the machine-readable debian/copyright, as its format 1.0 has it,
 * read into an SPDX licence expression (SPDX 2.3, annex D).
 */
#include "base/vec.h"

/* A licence that the SPDX License List has no name for. */
struct licence {
	const char *id;   /* "LicenseRef-Debian-public-domain-1f3a2b4c", by NAME and TEXT */
	const char *name; /* as the file has it */
	const char *text; /* what the file says of it; its name where that is nothing */
};
DEFINE_VEC(licences, struct licence)

/*
 * The expression of all licences that FILE, the text of a copyright file, names for some files:
 * each once, in the order of bytes, joined by AND. Those without a name in SPDX are pushed to
 * OTHERS, be they there or not. Arena; NULL: it is not machine-readable, or names no licence for
 * some files.
 */
const char *copyright_expression(struct arena *arena, const char *file, struct licences *others);
