/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended attributes of inodes, and the permissions that go with an access list. */
#include <sys/stat.h>

#include "base/acl.h"
#include "media/tree/tree_acl.h"
#include "media/tree/tree_priv.h"

/* An access list gives its permissions to the file: setxattr(2). */
static void follow_access_list(struct tree_inode *inode, const void *value, size_t len)
{
	struct acl acl cleanup_acl = {0};

	if (acl_parse(value, len, &acl) == 0)
		inode->mode = acl_to_mode(&acl, inode->mode);
}

void tree_inode_chmod(struct tree *t, struct tree_inode *inode, mode_t mode)
{
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	for (size_t i = 0; i < inode->xattr_count; i++) {
		const struct tree_xattr *x = &inode->xattrs[i];
		struct acl acl cleanup_acl = {0};
		struct str value cleanup_str = STR_INIT;

		if (!str_eq(x->name, ACL_ACCESS) || acl_parse(x->value, x->len, &acl) != 0)
			continue;
		acl_chmod(&acl, mode);
		acl_format(&acl, &value);
		tree_inode_xattr(t, inode, ACL_ACCESS, value.buf, value.len);
		return;
	}
}

const struct tree_xattr *tree_inode_find_xattr(const struct tree_inode *inode, const char *name)
{
	for (size_t i = 0; i < inode->xattr_count; i++) {
		if (str_eq(inode->xattrs[i].name, name))
			return &inode->xattrs[i];
	}
	return NULL;
}

void tree_inode_xattr(struct tree *t, struct tree_inode *inode, const char *name, const void *value,
		      size_t len)
{
	struct tree_xattr x = {.len = len};
	char *copy = arena_alloc(t->arena, len + 1);
	size_t i = 0;

	memcpy(copy, value, len);
	if (str_skip(name, "system.posix_acl_"))
		tree_acl_normal(copy, len);
	if (str_eq(name, ACL_ACCESS))
		follow_access_list(inode, copy, len);
	x.value = copy;
	while (i < inode->xattr_count && strcmp(inode->xattrs[i].name, name) < 0)
		i++;
	if (i < inode->xattr_count && str_eq(inode->xattrs[i].name, name)) {
		x.name = inode->xattrs[i].name;
		inode->xattrs[i] = x;
		return;
	}
	x.name = arena_strdup(t->arena, name);
	inode->xattrs =
		tree_grow(t->arena, inode->xattrs, inode->xattr_count, sizeof(*inode->xattrs));
	memmove(inode->xattrs + i + 1, inode->xattrs + i,
		(inode->xattr_count - i) * sizeof(*inode->xattrs));
	inode->xattrs[i] = x;
	inode->xattr_count++;
}
