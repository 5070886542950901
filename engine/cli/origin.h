/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where results come from: which commit of the project, which run. It is a note in the store for
 * each bundle and disk that is built. A key is a function of the project's files, so that a result
 * which was built with changes that no commit had is that of the commit which has them, once there
 * is one that gives the same key.
 */
#include "base/git.h"
#include "cli/session.h"

/* What the project's directory is at; where git does not keep it nothing is known. */
struct origin {
	bool looked, known;
	struct git_state git;
};
/*
 * Looks once at the project of S, which has its graph: what git ignores and a node reads no commit
 * has, but what signs. In a CI that checks out no branch, its environment names that.
 */
void origin_look(struct origin *o, const struct session *s);
void origin_release(struct origin *o);
#define cleanup_origin __attribute__((cleanup(origin_release)))

struct made {
	const char *commit, *branch; /* or NULL */
	bool dirty;
	int64_t run;                /* 0: not known */
	const char *builder, *orch; /* its URI and version; NULL: not known */
	const char *said;           /* beside_said() of the commit; NULL: not known */
};
/* 0, 1 when nothing is noted of KEY, -1. In ARENA. */
int made_get(struct store *s, const struct digest *key, struct arena *arena, struct made *ret,
	     struct err **err) warn_unused;
int made_put(struct store *s, const struct digest *key, const struct made *m,
	     struct err **err) warn_unused;
/* Fills commit, branch and dirty. BEFORE: when the run began, or NULL; NOW: at its end. */
void made_at(struct made *m, const struct origin *before, const struct origin *now);
