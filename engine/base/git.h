/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Revisions of a directory that git keeps. Whoever laid out a repository wrote its .git/config,
 * too, so that nothing in there is run: no hook, no monitor of files, no filter, no pager, and
 * nothing is fetched. Of the environment git sees what it needs to find itself and its settings.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

struct git {
	char *dir;    /* absolute: any directory of a work tree */
	char *prefix; /* where it is in that: "", "products/gateway/" */
};

/*
 * The directory COPY is a copy of ORIGINAL, both absolute: where it is in no repository, that of
 * ORIGINAL is asked, by this process and by all that get its environment. COPY may be NULL: there
 * is none any more.
 */
void git_copied(const char *copy, const char *original);
/* The repository that DIR is in. No program git: ERR_ENV; none there: ERR_USER. */
int git_open(const char *dir, struct git *ret, struct err **err) warn_unused;
void git_close(struct git *g);
#define cleanup_git __attribute__((cleanup(git_close)))

/*
 * The commit that REV names: a branch, tag or digest, as git reads it; "REV..." is the last one
 * that REV and HEAD have in common. Caller frees. ERR_USER when the clone does not have it, with
 * what fetches it.
 */
int git_commit(const struct git *g, const char *rev, char **ret, struct err **err) warn_unused;
/*
 * Whether g->dir has what HEAD has: files that git keeps are as they were committed (those of git
 * LFS have what their pointers mean), in submodules, too, and whatever git was told to take for
 * unchanged. Files that it does not keep do not count.
 */
int git_clean(const struct git *g, bool *ret, struct err **err) warn_unused;
/*
 * Appends the names of tags to RET: those of COMMIT, with BEFORE those of all that it descends
 * from, too.
 */
int git_tags(const struct git *g, const char *commit, bool before, struct strv *ret,
	     struct err **err) warn_unused;
/* Whether the clone lacks a part of the history, and tags with it. */
bool git_shallow(const struct git *g);
/* What the work tree of g->dir is at. */
struct git_state {
	char *commit; /* of HEAD */
	char *branch; /* "main"; NULL: none is checked out */
	bool dirty;   /* g->dir has changes that no commit has, or files that git does not know */
	char *log; /* path from g->dir of the file that each commit and checkout adds a line to */
};
/*
 * Files below the directories IGNORED (relative to g->dir, ended by NULL) do not make it dirty. 0,
 * 1 when there is no commit yet, -1. git_state_release() frees what RET holds.
 */
int git_state(const struct git *g, const char *const *ignored, struct git_state *ret,
	      struct err **err) warn_unused;
void git_state_release(struct git_state *s);
#define cleanup_git_state __attribute__((cleanup(git_state_release)))
/* What revisions are called: branches, also those of other places ("origin/main"), and tags. */
int git_names(const struct git *g, struct strv *ret, struct err **err) warn_unused;
/*
 * Writes what COMMIT has of g->dir into the directory TO, which is empty: blobs as they were
 * committed, submodules as far as they are checked out in g->dir. Of a file that git LFS keeps
 * there is the pointer, unless the file in g->dir is the one that it means. *RET_FOUND: whether the
 * commit has that directory.
 */
int git_export(const struct git *g, const char *commit, const char *to, bool *ret_found,
	       struct err **err) warn_unused;
/* The files that git ignores among PATHS and below them, relative to g->dir. */
int git_ignored(const struct git *g, const struct strs *paths, struct strv *ret,
		struct err **err) warn_unused;
