/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What release_dir.c and release_again.c share. */
#include "cli/origin.h"
#include "cli/release_dir.h"
#include "kinds/bundle/release_opts.h"

#define RELEASE_FILE_MODE 0444

/* A release while it is laid out. */
struct laying {
	struct session *s;
	const struct node *release;
	const struct release_opts *o;
	struct origin origin;
	release_tell_fn *tell;
	void *arg;
	char *parent; /* absolute, of all releases */
	char *place;  /* absolute, what it gets its name for */
	char *dir;    /* absolute, where it is laid out */
};

struct ref;
/* The node that REF of USER names, or NULL; recipes name it without the @VALUES of variants. */
struct node *release_node_of(const struct node *user, const struct ref *ref);

/* An error when the bytes of output A of N are not in the store. */
int release_is_here(const struct laying *l, const struct node *n, const struct artifact *a,
		    struct err **err) warn_unused;

/* release_again.c: orch/, pool/, rebuild and rebuild.sums. */
int release_place_again(const struct laying *l, struct err **err) warn_unused;
