/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* POSIX ACLs of archive entries as the xattrs the kernel has for them. */
#include "base/str.h"
#include "media/tree.h"

struct archive_entry;

/* Adds system.posix_acl_access and system.posix_acl_default to INODE where the entry has ACLs. */
int tree_acl_read(struct tree *t, struct archive_entry *ae, struct tree_inode *inode,
		  const char *path, struct err **err) warn_unused;
/*
 * Puts "no number" where an entry of VALUE has none: libext2fs writes 0 there, the kernel and tar
 * -1, and equal lists must be equal bytes.
 */
void tree_acl_normal(void *value, size_t len);
/*
 * Appends such a VALUE as setfacl reads it, ids as numbers: "u::rwx,g::r-x,g:4:r-x,m::r-x,o::---".
 */
int tree_acl_text(const void *value, size_t len, const char *path, struct str *ret,
		  struct err **err) warn_unused;
