/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/stat.h>

#include "media/tree/tree.h"

int tree_rewrite(struct tree *t, const char *path, const void *data, size_t len, struct err **err)
{
	struct tree_inode old = *tree_lookup(t, path)->inode;
	struct tree_inode *now;

	if (tree_add_file(t, path, old.mode & 07777, data, len, err) < 0)
		return -1;
	now = tree_lookup(t, path)->inode;
	now->uid = old.uid;
	now->gid = old.gid;
	return 0;
}
