/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Packages that a recipe names: files and directories of the project, outputs of nodes. */
#include "media/deb/deb.h"
#include "run/action.h"

/* What the references of an option that is a list of packages may be. */
#define DEB_INPUTS_ACCEPT (ACCEPT_PATH | ACCEPT_FILE | ACCEPT_NODE)

/*
 * Appends the paths of all packages below DIR, a directory of the project: what is called *.deb,
 * but in what is git's own. A link may name a file below DIR, and nothing else. SCRATCH as of
 * tree_new().
 */
int deb_inputs_find(const char *dir, const char *scratch, struct strv *ret,
		    struct err **err) warn_unused;
/*
 * Adds the packages that REFS, of option KEY of A, name: of a directory and of a node all that are
 * called *.deb, and there must be one.
 */
int deb_inputs_open(struct action *a, const char *key, const struct list *refs, struct deb_set *set,
		    struct err **err) warn_unused;
