/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What beside.c and beside_provenance.c share. */
#include "cli/beside.h"
#include "cli/origin.h"
#include "cli/stamps.h"
#include "kinds/beside_opts.h"
#include "kinds/user_config.h"

struct beside {
	struct session *s;
	struct stamps stamps;
	struct user_config user;
	struct origin origin; /* when it was asked for */
	beside_left_fn *left;
	void *arg;
};

/* "out/bundle/bundle.spdx.json"; caller frees. */
char *beside_path(const struct node *n, const char *ending);
const struct beside_opts *beside_opts_of(const struct node *n);
/* Removes the file REL of the project; no error when it is not there. */
int beside_remove(struct beside *b, const char *rel, struct err **err) warn_unused;
/* *RET: the file with the key that signs for N, or NULL: nobody does. Caller frees. */
int beside_key(const struct session *s, const struct user_config *user, const struct node *n,
	       char **ret, struct err **err) warn_unused;
/* Who would sign for bundle N: the key of the user's configuration, else the bundle's; heap. */
char *beside_signer(const struct session *s, const struct user_config *user, const struct node *n);
/*
 * The provenance of N, whose outputs and bills are in place. WORD: of what the latter were made of
 * (beside.c).
 */
int beside_provenance(struct beside *b, const struct node *n, const char *word,
		      struct err **err) warn_unused;
