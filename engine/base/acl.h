/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * POSIX access control lists, acl(5), in the form of the kernel's extended attributes
 * system.posix_acl_access and system.posix_acl_default: a version, then entries, little-endian
 * (include/uapi/linux/posix_acl_xattr.h). The rules are those of fs/posix_acl.c.
 *
 * Of an access list, the entries for owner, mask (else group) and others repeat the mode of the
 * file; acl_chmod() brings a list that was kept apart from its file in line with the mode.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"
#include "base/vec.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

struct acl_item {
	uint16_t tag, perm;
	uint32_t id;
};
/* As the kernel wants them: owner, users, group, groups, mask, others. */
DEFINE_VEC(acl, struct acl_item)
#define cleanup_acl __attribute__((cleanup(acl_clear)))

/* Reads a value. 0, or EINVAL or EOPNOTSUPP as setxattr(2) says it. No entries: an empty list. */
int acl_parse(const void *value, size_t len, struct acl *ret);
/* Appends the value of a list. */
void acl_format(const struct acl *acl, struct str *ret);
/* Whether the list says no more than permission bits do. */
bool acl_is_mode(const struct acl *acl);
/* MODE with the permission bits that the list stands for. */
mode_t acl_to_mode(const struct acl *acl, mode_t mode);
/* What chmod to MODE does to an access list. */
void acl_chmod(struct acl *acl, mode_t mode);
/*
 * Makes of a directory's default list the access list of a file that is created in it with *MODE,
 * and of *MODE the bits that the file gets; the umask has no part in it.
 */
void acl_create(struct acl *acl, mode_t *mode);
/*
 * What the list grants: whether a process with UID, to which IN_GROUP says the groups it is in,
 * has all of WANT (bits 4, 2, 1) on a file of OWNER and GROUP.
 */
bool acl_grants(const struct acl *acl, uint32_t owner, uint32_t group, uint32_t uid,
		bool (*in_group)(const void *arg, uint32_t gid), const void *arg, unsigned want);
