/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What building a source package needs (Debian Policy 7.7), as relations of a binary package
 * (media/deb/deb_relations.h): `build-depends:` of a debian node.
 *
 * A word of it names a source of the node's `sources:`, or a directory of the project with
 * debian/control.
 */
#include "kinds/debian/debian.h"

/* What of a lock's `want` line goes before the word. */
#define LOCK_BUILD_PREFIX "build:"
/* Characters that a directory among the words may have, since they stand in a lock. */
#define LOCK_WORD                                              \
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789+-._/@=~:"

/* Whether WORD names one of `sources:`, so that its archive says what building it needs. */
bool build_depends_of_source(const struct debian_opts *o, const char *word);
/*
 * The fields Build-Depends, Build-Depends-Arch and Build-Depends-Indep of the first stanza of
 * debian/control in directory WORD of the project, with commas, as they stand; arena. ERR_USER when
 * there is no such file, or no source package in it.
 */
int build_depends_read(struct arena *arena, const struct project *p, const char *word,
		       const char **ret, struct err **err) warn_unused;
/* The same of STANZA, which has no comments. */
const char *build_depends_fields(struct arena *arena, const char *stanza);
/*
 * FIELDS, with build-essential before, on a machine of architecture ARCH without a build profile:
 * restrictions to architectures and profiles are judged and gone, so is ":native". Arena.
 */
const char *build_depends_reduce(struct arena *arena, const char *fields, const char *arch);
