/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Trees as folders of an ordinary user, who can give no file to anybody else. Who owns a file, the
 * permissions its user must have to work with it, and what stands for a device are kept beside the
 * folder in a list, in the form of fakeroot's --save-file, so that programs under fakeroot see and
 * change them:
 *
 *	tree_to_dir(t, "work/root", "work/owners", err);
 *	... fakeroot loads "owners", programs change the folder, fakeroot saves "owners" ...
 *	tree_from_dir(t2, "work/root", "work/owners", start, t, err);
 *
 * Without a list everything is the caller's (for folders that are only read).
 */
#include "media/tree.h"

/*
 * DIR must not exist. OWNERS is written anew; NULL: no list, and set-id bits
 * and devices are left out.
 */
int tree_to_dir(struct tree *t, const char *dir, const char *owners, struct err **err) warn_unused;
/*
 * Adds the content of DIR. What was changed at SINCE (seconds, the clock's) or later gets the epoch
 * as its time, whatever the clock says. Capabilities become version 2, as root would have set them.
 * BEFORE (may be NULL) is what DIR was made from: a file that is still the same keeps its extended
 * attributes, which the folder could not hold. Mapped files of DIR must stay as they are while T
 * lives.
 */
int tree_from_dir(struct tree *t, const char *dir, const char *owners, int64_t since,
		  const struct tree *before, struct err **err) warn_unused;
