/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/tree_xattr.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/acl.h"
#include "base/url.h"
#include "media/tree/tree_priv.h"

#define MAX_XATTR (64 * 1024)

static int check_access_list(const char *archive, const char *name, const void *value, size_t len,
			     const char *path, struct err **err)
{
	struct acl acl cleanup_acl = {0};

	if (!str_skip(name, "system.posix_acl_") || acl_parse(value, len, &acl) == 0)
		return 0;
	return err_set(err, E_UNPACK_REFUSED, "'%s': '%s' has a bad access list", archive, path);
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
	size_t len;

	archive_entry_xattr_reset(ae);
	while (archive_entry_xattr_next(ae, &written, &value, &len) == ARCHIVE_OK) {
		const char *name;

		if (!written || len > MAX_XATTR || strstr(written, "%00"))
			return err_set(err, E_UNPACK_REFUSED,
				       "'%s': '%s' has a bad extended attribute", archive, path);
		name = url_decode(t->arena, written);
		if (check_access_list(archive, name, value, len, path, err) < 0)
			return -1;
		tree_inode_xattr(t, inode, name, value, len);
	}
	return 0;
}
