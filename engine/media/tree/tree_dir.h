/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Trees as directories of an ordinary user, who can give no file to anybody else. Modes are
 * those of the files; who owns a file, what stands for a device, the set-id bits of files and
 * attributes are kept beside the directory in a list (base/owners.h), which programs of a sandbox
 * see and change (machine/sandbox/identity.h):
 *
 *	tree_to_dir(t, "work/root", "work/owners", err);
 *	... a sandbox with .root = "work/root" and .owners = "work/owners" ...
 *	tree_from_dir(t2, "work/root", "work/owners", start, err);
 *
 * Without a list everything is the caller's (for directories that are only read). The directory
 * must be within one that nobody else may enter: a set-id program that an ordinary user of the
 * sandbox left in it is the caller's.
 */
#include "media/tree/tree.h"

/*
 * DIR must not exist. OWNERS is written again; NULL: no list, and set-id bits and devices are left
 * out.
 */
int tree_to_dir(struct tree *t, const char *dir, const char *owners, struct err **err) warn_unused;
/*
 * Adds the content of DIR. What was changed at SINCE (seconds, by the clock of the file system, as
 * in a ctime) or later gets the epoch as its time, whatever the clock says. Capabilities become
 * version 2, as root would have set them.
 * With a list, DIR is the caller's own: what cannot be read gets the permission. Mapped files of
 * DIR must stay as they are while T lives.
 */
int tree_from_dir(struct tree *t, const char *dir, const char *owners, int64_t since,
		  struct err **err) warn_unused;
