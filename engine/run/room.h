/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Room for a build in the store: what was not used for the longest time and what the build does not
 * need goes (store_gc()) when the store would exceed the user's store-size, or when the disk has
 * not enough free. Before the first worker starts, with what the build is going to add; before a
 * node that does not fit, when all that runs has ended; and at the end. Nothing goes while another
 * orch uses the store: of several, the last one keeps the limit.
 *
 * What a build needs: the results of nodes that have settled, and what the manifests of the others
 * name. What these others had the last time goes after everything else.
 */
#include "graph/graph.h"
#include "run/space.h"

struct room {
	uint64_t limit; /* bytes that the store may have; 0: any number */
	int64_t since;  /* second at which the run began */
	uint64_t held;  /* bytes in the store: as last measured, and what was built since */
	bool too_small; /* the limit, for what the build needs */
	bool others;    /* use the store: nothing can go now */
	bool tried;     /* and nothing was built since */
	uint64_t freed; /* the last time; when that was not enough: what could be */
	uint64_t kept;  /* the last time */
};
void room_open(struct room *r, uint64_t limit);
/* Whether WANT does not fit. */
bool room_is_short(const struct room *r, struct store *s, const struct space *want);
/*
 * Makes room for WANT; no worker may be running. *RET_TEXT: what the user is told, or NULL; caller
 * frees. That there is not enough is no error: space_check().
 */
int room_make(struct room *r, const struct graph *g, struct store *s, const struct space *want,
	      char **ret_text, struct err **err) warn_unused;
/* REC was built. */
void room_add(struct room *r, const struct record *rec);
/* At the end. LAST: the store is only closed after it (STORE_GC_LAST). */
int room_leave(struct room *r, const struct graph *g, struct store *s, bool last, char **ret_text,
	       struct err **err) warn_unused;
