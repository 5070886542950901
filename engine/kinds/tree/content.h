/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a recipe lays into a tree and what it then does to files in it: `contents:`, `remove:` and
 * `modes:`, which mean the same in all kinds that have them. A kind puts rows for them into its
 * table and calls the check of a key from its own; in the worker the rest:
 *
 *	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);
 *	content_lay(a, &o->contents, t, err);
 *	content_remove(a, &o->remove, t, err);
 *	content_modes(&o->modes, t, err);
 *
 * Errors: ERR_USER for what the recipe says wrong, naming the entry and its line.
 */
#include "media/tree/tree.h"
#include "run/action.h"

/* An entry of `contents:`. */
struct content {
	struct pos pos;                       /* OPT_PLACED */
	struct ref *unpack, *copy, *template; /* one of them */
	const char *to, *mode, *owner;
	bool keep_git;
};
extern const struct schema content_schema;

/* "0640" or "0640 0:42" or "0:42": 1 when TEXT is none of these. Unset parts are -1. */
struct content_attr {
	int64_t mode, uid, gid;
};
int content_attr_parse(const char *text, struct content_attr *ret);

/* Reports patterns (const char *) that are not absolute, at POS. */
void content_check_globs(const struct list *globs, struct pos pos, struct err_list *errors);
/* Reports patterns and values (struct pair *) that content_modes() cannot use. */
void content_check_modes(const struct list *modes, struct err_list *errors);

/* Whether a file of this NAME is one, which the host's unsquashfs reads: "root.squashfs". */
bool content_is_squashfs(const char *name);
/* Appends the host program that looks into what REF means: see struct kind's tools. */
void content_tool_of(const struct ref *ref, struct strs *ret);
/* The same of all that CONTENTS look into. */
void content_tools(const struct list *contents, struct strs *ret);

/* Lays CONTENTS (struct content *) into T, in order. */
int content_lay(struct action *a, const struct list *contents, struct tree *t,
		struct err **err) warn_unused;
/* Removes what matches GLOBS; the log says how much. */
int content_remove(struct action *a, const struct list *globs, struct tree *t,
		   struct err **err) warn_unused;
/* Tells the log what was where T comes from and no tree has: tree_left_out(). */
void content_say_left_out(struct action *a, const struct tree *t);
/* Sets modes and owners; each pattern must match something. */
int content_modes(const struct list *modes, struct tree *t, struct err **err) warn_unused;
