/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What deb_merge.c (files) and deb_db.c (dpkg's database) share. */
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "media/deb.h"

/*
 * A package of the tree: one that was there before, or one that is being merged (then DEB is set).
 */
struct package {
	char *name, *version, *base;
	char *replaces;   /* its Replaces field, or NULL; unknown for those of the base */
	struct strv list; /* lines of its .list file, as in the package */
	const struct deb *deb;
	bool changed; /* LIST lost a line */
};
DEFINE_VEC(packages, struct package *)

/* Who owns a path, and under which line of its list. */
struct claim {
	struct package *package;
	const char *line;
};

struct diversion {
	const char *to; /* without leading '/' */
	const char *package;
};

struct merge {
	struct arena *arena;
	struct tree *t;
	bool has_base; /* the tree had a dpkg database */
	struct packages packages;
	struct map claims;     /* canonical path -> struct claim */
	struct map diversions; /* path -> struct diversion */
	struct map conffiles;  /* of the current package */
	struct package *current;
	struct str alias, path; /* what the filter made of a path */
};

/* A new package of the merge. */
struct package *merge_package(struct merge *m, const char *name, const char *version,
			      const char *base);
void merge_claim(struct merge *m, struct package *p, const char *path, const char *line);
/* Reads the database of a base tree: packages, claims, diversions. */
int merge_load(struct merge *m, struct err **err) warn_unused;
/* Writes the database with the merged packages. */
int merge_save(struct merge *m, struct err **err) warn_unused;
void merge_free(struct merge *m);
#define cleanup_merge __attribute__((cleanup(merge_free)))
