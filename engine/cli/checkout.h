/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The project's out/ directory: outputs of the targets as out/NODE/OUTPUT, copies that nothing in
 * the store shares an inode with. What was copied is remembered in out/.copied by size, times and
 * inode, so that an unchanged output is not copied again and one that was edited or deleted is
 * restored. The directory may be deleted at any time. Neither it nor a directory in it may be a
 * link, which could be a stranger's and lead anywhere.
 */
#include "graph/graph.h"

#define CHECKOUT_STAMPS "out/.copied" /* cli/stamps.h, with the digest of each output */

/* "out/NODE/OUTPUT", relative to the project; caller frees. */
char *checkout_path(const char *node, const char *output);
/*
 * Copies what the targets of G made (those that have a record). A copy is hashed before it gets its
 * name; blobs that are found damaged are put away, BAD is told of each, and *RET_DAMAGED counts
 * them: what they were to replace stays, and the targets are to be built again.
 */
typedef void checkout_bad_fn(void *arg, const struct node *n, const char *text);
int checkout_targets(const struct graph *g, struct store *s, checkout_bad_fn *bad, void *arg,
		     size_t *ret_damaged, struct err **err) warn_unused;
