/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* POSIX ACLs of archive entries as the xattrs the kernel has for them. */
#include "base/str.h"
#include "base/vec.h"
#include "media/tree/tree.h"

struct archive_entry;

/* An entry of an ACL; NAME stands for a number that is not known yet, else it is NULL. */
struct acl_named {
	uint16_t tag, perm; /* the kernel's */
	uint32_t id;
	const char *name;
};
DEFINE_VEC(acl_named_list, struct acl_named)

/* An ACL that waits for the numbers of its names. */
struct acl_list {
	struct tree_inode *inode;
	const char *attribute, *path;
	struct acl_named_list items;
};
DEFINE_VEC(acl_lists, struct acl_list)

/*
 * Adds system.posix_acl_access and system.posix_acl_default to INODE where the entry has ACLs.
 * Those that name users or groups without their numbers (tar --acls writes them so) go to LATER.
 */
int tree_acl_read(struct tree *t, struct archive_entry *ae, struct tree_inode *inode,
		  const char *path, struct acl_lists *later, struct err **err) warn_unused;
/*
 * Once the whole archive is in T below TO: gives the ACLs of LATER their numbers, by etc/passwd and
 * etc/group there. A name that they do not have is ERR_BUILD.
 */
int tree_acl_settle(struct tree *t, const char *to, struct acl_lists *later,
		    struct err **err) warn_unused;
void acl_lists_free(struct acl_lists *l);
#define cleanup_acl_lists __attribute__((cleanup(acl_lists_free)))
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
