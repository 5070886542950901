/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Projects that `orch init` makes. Their files are in templates/ of this tree and, as far as they
 * are those of the reference project, where that has them: templates/embed.sh makes them part of
 * the program, which so needs nothing beside it.
 *
 * In texts and paths @NAME@ stands for the project's name, @COMPATIBLE@ for RAUC's name of the
 * device.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct skeleton {
	const char *name, *summary;
	const char *const *next; /* commands of orch to go on with, ended by NULL */
	bool device;             /* makes one: it has a `compatible` */
};
/* Ended by a row without a name; the first is what init makes when none is named. */
extern const struct skeleton skeletons[];

struct skeleton_file {
	const char *template, *arch; /* arch: Debian's name; NULL: on each machine */
	const char *path;
	mode_t mode;      /* with S_IFLNK: the text is where the link leads */
	const char *text; /* never NULL */
};
/* Ended by a row without a template. */
extern const struct skeleton_file skeleton_files[];

struct skeleton_words {
	const char *name, *compatible;
	const char *schema; /* of recipes, for editors: an absolute path; NULL: there is none */
};

/* ERR_USER with a near name, or with all. */
const struct skeleton *skeleton_find(const char *name, struct err **err);
/*
 * Debian's name of the architecture that T is made for: WANTED, or, if that is NULL, this
 * machine's. ERR_USER if T lacks files for it.
 */
int skeleton_arch(const struct skeleton *t, const char *wanted, const char **ret,
		  struct err **err) warn_unused;
/* Writes what T has for ARCH into DIR, which there is; *RET counts the files. */
int skeleton_write(const struct skeleton *t, const char *arch, const struct skeleton_words *w,
		   const char *dir, unsigned *ret, struct err **err) warn_unused;
/* TEXT with the words put in; caller frees. */
char *skeleton_fill(const char *text, const struct skeleton_words *w);
