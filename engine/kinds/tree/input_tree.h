/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * An input that stands for a tree of files, whatever holds it: a tar that a node made, an image of
 * a file system that orch can look into (kinds/image/look.h), or a place inside of either. Of a
 * disk, the first part of that place names the partition: "vendor:/root/etc".
 *
 *	struct tree *t cleanup_tree = NULL;
 *	const char *inside;
 *
 *	if (input_tree(a, in, &t, &inside, err) < 0)
 *		return -1;
 *	e = tree_resolve(t, inside);
 */
#include "media/tree/tree.h"
#include "run/action.h"

/* Whether IN is taken for an image, not a tar: by the type of a node's output, or by its name. */
bool input_is_image(const struct action_input *in);
/*
 * *RET, the caller's, is all of it; *RET_INSIDE (arena) is where in it the input is, "/" for all.
 * Whether something is there is not looked at. The work directory must stay as long as *RET. What
 * would not come out as it is in the image is an error: a squashfs with extended attributes.
 */
int input_tree(struct action *a, const struct action_input *in, struct tree **ret,
	       const char **ret_inside, struct err **err) warn_unused;
