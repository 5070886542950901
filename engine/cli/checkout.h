/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The project's out/ folder: outputs of the targets as out/NODE/OUTPUT, copies that nothing in the
 * store shares an inode with. What was copied is remembered in out/.copied by size, times and
 * inode, so that an unchanged output is not copied again and one that was edited or deleted is
 * restored. The folder may be deleted at any time.
 */
#include "graph/graph.h"

/* "out/NODE/OUTPUT", relative to the project; caller frees. */
char *checkout_path(const char *node, const char *output);
/* Copies what the targets of G made (those that have a record). *RET_COPIED counts new copies. */
int checkout_targets(const struct graph *g, struct store *s, size_t *ret_copied,
		     struct err **err) warn_unused;
