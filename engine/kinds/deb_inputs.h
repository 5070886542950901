/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Packages that a recipe names: files and directories of the project, outputs of nodes. */
#include "media/deb/deb.h"
#include "run/action.h"

/* What the references of an option that is a list of packages may be. */
#define DEB_INPUTS_ACCEPT (ACCEPT_PATH | ACCEPT_FILE | ACCEPT_NODE)

/*
 * Adds the packages that REFS, of option KEY of A, name: of a directory and of a node all that are
 * called *.deb, and there must be one.
 */
int deb_inputs_open(struct action *a, const char *key, const struct list *refs, struct deb_set *set,
		    struct err **err) warn_unused;
