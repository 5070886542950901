/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Root's project where it cannot be shown to the id that works on it (cli/as_owner.h): in a
 * container that may mount nothing, or on a file system without idmapped mounts, as the overlay of
 * containers is. The id works on a copy, /var/cache/orch-projects/NAME-DIGEST, in a process of its
 * own; root waits for that process, brings home what it changed (base/mirror.h), and ends as it
 * did. Root opens nothing of the project but to copy its bytes, and follows no link.
 *
 * A copy is kept and brought up to date by the next command; what only root could read in the
 * project is removed from it. The user's configuration is copied likewise, and removed.
 * One command at a time works on a project so.
 */
#include "cli/cli.h"

struct own_copy {
	const char *project; /* or NULL: outside of any */
	int dir;             /* the project's directory, open; -1: no project */
	const char *config; /* the directory orch/ of the user's configuration; need not be there */
	char *store;        /* where the store is to be */
	uid_t id;
	const char *why; /* it cannot be shown */
};

/*
 * Returns in the process that has become the id; its current directory is the same one in the copy.
 * The one that called ends with it.
 */
int own_copy_enter(const struct own_copy *o, struct cli *c, struct err **err) warn_unused;
