/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Debian packages. A .deb is opened (its control data is parsed, its content is not read), and any
 * number of them are merged into a tree as dpkg --unpack would leave it: the files of all packages,
 * a complete dpkg database in which each is "install ok unpacked", and its conffiles as *.dpkg-new.
 * What remains is to run the preinst scripts and dpkg --configure -a.
 *
 *	struct deb_set set = {0};
 *	deb_open(&set, "/cache/ab12...", "bash", err);      // for each package
 *	deb_merge(&set, tree, err);
 *	deb_set_free(&set);
 *
 * The tree may be empty (then /bin, /sbin and /lib are links into /usr) or hold a configured
 * system: the new packages are added to its database, its diversions are honoured, and the triggers
 * that the new files pull are left for dpkg to process.
 *
 * Two packages that ship the same file are refused with both names, unless one of them Replaces the
 * other; then it wins, whatever the order. A package whose preinst makes a diversion that renames
 * files is not merged but marked BY_DPKG: its unpacking is left to dpkg itself, inside the tree.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"
#include "media/tree.h"

struct deb_script {
	char *name; /* "postinst", "conffiles", "triggers" */
	char *text; /* LEN bytes and a NUL */
	size_t len;
	bool executable;
};

struct deb {
	char *path, *label; /* the file; a name for messages */
	char *name, *version, *arch;
	char *base;    /* stem of its files in /var/lib/dpkg/info: "libc6:arm64" or "bash" */
	char *control; /* the stanza, ending in a newline */
	bool by_dpkg;
	struct deb_script *scripts; /* the other files of the control archive, sorted by name */
	size_t script_count;
	const unsigned char *map;
	size_t map_len, data_at, data_len; /* the data member */
};

struct deb_set {
	struct deb **items; /* after deb_merge: by name, base-files first */
	size_t count, cap;
};

/* Opens one package and adds it. LABEL is for messages; NULL: the path. */
int deb_open(struct deb_set *set, const char *path, const char *label,
	     struct err **err) warn_unused;
int deb_merge(struct deb_set *set, struct tree *t, struct err **err) warn_unused;
void deb_set_free(struct deb_set *set);
#define cleanup_deb_set __attribute__((cleanup(deb_set_free)))

/* Lays the content of one package over a tree, without any database. */
int deb_unpack(const struct deb *d, struct tree *t, struct err **err) warn_unused;
/* The text of a file of the control archive, or NULL. */
const char *deb_script(const struct deb *d, const char *name);
/*
 * The value of FIELD in a stanza (case does not matter), folded lines
 * joined; NULL when absent. Heap.
 */
char *deb_field(const char *stanza, const char *field);
/* As dpkg --compare-versions: less than, equal to or greater than 0. */
int deb_version_compare(const char *a, const char *b);
/*
 * Whether a relation field ("foo, bar (<< 1.2)") names PACKAGE in VERSION. Alternatives and virtual
 * packages do not exist in the fields this is for (Replaces).
 */
bool deb_relation_matches(const char *relations, const char *package, const char *version);
