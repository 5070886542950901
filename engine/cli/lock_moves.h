/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What `orch lock` moved in all locks, by source package, and which known vulnerabilities the new
 * versions fix: a table, or JSON.
 *
 *	struct moved m;
 *	moved_open(&m, arena, "tracker.json", err);     // NULL: no list of vulnerabilities
 *	moved_add(&m, "base", &moves, err);             // for each node
 *	moved_print(&m);
 */
#include <jansson.h>

#include "evidence/vulnerable.h"
#include "kinds/debian/debian.h"

/* A source package that moved, in one or more locks. */
struct moved_source {
	const char *name, *was, *now, *archive;
	const char *distro; /* "trixie" */
	struct strs nodes;
	struct strs fixes; /* as people call them, sorted */
};
DEFINE_VEC(moved_sources, struct moved_source *)

struct moved {
	struct arena *arena;
	const char *path; /* of the list; or NULL */
	struct vulnerability_list list;
	struct moved_sources all;
};

int moved_open(struct moved *m, struct arena *arena, const char *path,
	       struct err **err) warn_unused;
int moved_add(struct moved *m, const char *node, const struct lock_moves *moves,
	      struct err **err) warn_unused;
/* What of M is of MOVES, a package each, for programs. */
json_t *moved_json(const struct moved *m, const struct lock_moves *moves);
/* The table; nothing when nothing moved. */
void moved_print(const struct moved *m);
void moved_close(struct moved *m);
