/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Extended attributes of the members of a tar. */
#include "media/tree/tree.h"

struct archive_entry;

/*
 * Adds those of AE, but for its ACLs (tree_acl.h), to INODE. ERR_BUILD when one is none that Linux
 * could have; ARCHIVE and PATH, the member's, are what the message calls it.
 */
int tree_xattrs_read(struct tree *t, struct archive_entry *ae, struct tree_inode *inode,
		     const char *archive, const char *path, struct err **err) warn_unused;
