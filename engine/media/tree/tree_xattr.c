/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/tree_xattr.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/acl.h"
#include "base/url.h"
#include "media/tree/tree_priv.h"

#define MAX_XATTR (64 * 1024)       /* bytes of a value, as of Linux */
#define MAX_XATTR_NAME 255          /* likewise */
#define MAX_XATTR_NAMES (64 * 1024) /* bytes of all names of a file: what listxattr(2) gives */

static int check_access_list(const char *archive, const char *name, const void *value, size_t len,
			     const char *path, struct err **err)
{
	struct acl acl cleanup_acl = {0};

	if (!str_skip(name, "system.posix_acl_") || acl_parse(value, len, &acl) == 0)
		return 0;
	return err_set(err, E_UNPACK_REFUSED, "'%s': '%s' has a bad access list", archive, path);
}

/* Whether Linux could have an attribute NAME: file systems keep its namespace as a number. */
static bool is_xattr_name(const char *name)
{
	static const char *const spaces[] = {"user.", "trusted.", "security.", "system."};

	for (size_t i = 0; i < array_len(spaces); i++) {
		const char *rest = str_skip(name, spaces[i]);

		if (rest)
			return *rest && strlen(name) <= MAX_XATTR_NAME;
	}
	return false;
}

/*
 * GNU tar writes '%' and '=' of names as %25 and %3D, libarchive everything else that is not
 * printable ASCII, too, and reads none of it back.
 */
int tree_xattrs_read(struct tree *t, struct archive_entry *ae, struct tree_inode *inode,
		     const char *archive, const char *path, struct err **err)
{
	const char *written;
	const void *value;
	size_t len, names = 0;

	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &written, &value, &len) == ARCHIVE_OK) {
		const char *name;

		if (!written || len > MAX_XATTR || strstr(written, "%00"))
			return err_set(err, E_UNPACK_REFUSED,
				       "'%s': '%s' has a bad extended attribute", archive, path);
		name = url_decode(t->arena, written);
		names += strlen(name) + 1;
		if (!is_xattr_name(name))
			return err_set(err, E_UNPACK_REFUSED,
				       "'%s': '%s' has a bad extended attribute, '%.64s': Linux "
				       "has none of this name",
				       archive, path, name);
		if (names > MAX_XATTR_NAMES)
			return err_set(err, E_UNPACK_REFUSED,
				       "'%s': '%s' has more extended attributes than Linux lists",
				       archive, path);
		if (check_access_list(archive, name, value, len, path, err) < 0)
			return -1;
		tree_inode_xattr(t, inode, name, value, len);
	}
	return 0;
}
