/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Debian packages as files. A .deb is opened: its control data is parsed, its content is not read.
 *
 *	struct deb_set set cleanup_deb_set = {0};
 *	deb_open(&set, "/cache/ab12...", "bash", err);      // for each package
 *
 * Installing is dpkg's: deb_plan.h says what it is told in which order, and deb_seed.h what a new
 * tree has before.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"
#include "media/tree/tree.h"

struct deb {
	char *path, *label; /* the file; a name for messages */
	char *name, *version, *arch;
	char *control; /* the stanza, ending in a newline */
	const unsigned char *map;
	size_t map_len, data_at, data_len; /* the data member */
};

struct deb_set {
	struct deb **items;
	size_t count, cap;
};

/* Opens one package and adds it. LABEL is for messages; NULL: the path. */
int deb_open(struct deb_set *set, const char *path, const char *label,
	     struct err **err) warn_unused;
void deb_set_free(struct deb_set *set);
#define cleanup_deb_set __attribute__((cleanup(deb_set_free)))

/* Lays the content of one package over a tree, without any database. */
int deb_unpack(const struct deb *d, struct tree *t, struct err **err) warn_unused;
/* Writes D as a new file PATH, its content not compressed: that spares an emulator the work. */
int deb_expand(const struct deb *d, const char *path, struct err **err) warn_unused;
/*
 * Takes the next stanza off *REST, the text of a status file, which is changed; NULL: none is left.
 */
char *deb_next_stanza(char **rest);
/* The value of FIELD in a stanza (in any case), folded lines joined; NULL when absent. Heap. */
char *deb_field(const char *stanza, const char *field);
/* As dpkg --compare-versions: less than, equal to or greater than 0. */
int deb_version_compare(const char *a, const char *b);

/* One alternative of a relation field (Debian Policy 7.1). */
struct deb_relation {
	char name[256];    /* without the qualifier of an architecture */
	char op[3];        /* "<<", "<=", "=", ">=", ">>"; "": any version */
	char version[256]; /* "" with OP "" */
	bool more;         /* another alternative to this one follows */
};
/* Takes the next alternative off *FIELD ("foo | bar (>= 2), baz"); false: none is left. */
bool deb_relation_next(const char **field, struct deb_relation *ret);
/* Whether VERSION will do; NULL: unknown, as of a virtual package, does only where any would. */
bool deb_relation_allows(const struct deb_relation *r, const char *version);
