/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* A shell in a tree that was built already, of any kind: `orch shell` of what has no steps. */
#include "media/tree/tree.h"
#include "run/action.h"

/*
 * T is laid out in A's work directory and becomes the root of a sandbox (treebox.h), in which the
 * shell is root; what it changes goes away with that directory. Of A are needed: arena, node,
 * workdir, roots_dir, cpus. ERR_USER when T has no /bin/sh. *RET_STATUS: of wait(2).
 */
int tree_shell_run(struct action *a, struct tree *t, const struct shell_request *q, int *ret_status,
		   struct err **err) warn_unused;
