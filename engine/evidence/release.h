/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a release (cli/release_dir.h) says of its files: SHA256SUMS for everybody, and an in-toto
 * Statement in a DSSE envelope, whose predicate is in-toto's "Release", version 0.1. Its subjects
 * are all files, SHA256SUMS among them, and symbolic links, with the SHA-256 of what they lead to
 * as text and the text as annotation 'link'.
 */
#include <sys/types.h>

#include "base/digest.h"
#include "base/vec.h"

#define RELEASE_SUMS "SHA256SUMS"
#define RELEASE_ENVELOPE "release.dsse.json"
#define RELEASE_PREDICATE "https://in-toto.io/attestation/release/v0.1"

struct release_file {
	char *name; /* from the directory: "pool/sha256/ab/abcd..." */
	struct digest sha256;
	char *link; /* what a symbolic link leads to; NULL: a file */
};
DEFINE_VEC(release_files, struct release_file)

/*
 * What has rights that nothing in a release has, whoever made it: a file that is set-ID, a file or
 * directory that everybody may write to.
 */
struct release_open {
	char *name; /* "." is the release */
	mode_t mode;
};
DEFINE_VEC(release_opens, struct release_open)
/* In the order of their names. */
int release_opens_read(const char *dir, struct release_opens *ret, struct err **err) warn_unused;
void release_opens_free(struct release_opens *o);
#define cleanup_release_opens __attribute__((cleanup(release_opens_free)))

/* All files and links below DIR but the envelope, in the order of their names. */
int release_files_read(const char *dir, struct release_files *ret, struct err **err) warn_unused;
void release_files_free(struct release_files *f);
#define cleanup_release_files __attribute__((cleanup(release_files_free)))

/* Appends the lines of SHA256SUMS, which has no links. */
void release_sums(const struct release_files *f, struct str *ret);
/* Appends the statement. ERR_USER for a name that JSON cannot hold. */
int release_statement(const struct release_files *f, const char *project, const char *version,
		      struct str *ret, struct err **err) warn_unused;
