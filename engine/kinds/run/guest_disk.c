/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/guest_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "media/ext4/ext4.h"

#define INODE_BYTES 8192 /* what an entry may take beside its content */

int guest_disk_write(struct tree *t, const char *path, const struct guest_disk *d, struct err **err)
{
	struct ext4_opts opts = {.uuid = d->id, .seed = d->id};
	uint64_t bytes = 0;
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);
	int fd cleanup_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	for (size_t i = 0; i < count; i++) {
		struct tree_inode *n = entries[i]->inode;

		bytes += n->size + INODE_BYTES;
		if (d->owned)
			n->uid = n->gid = d->owner;
	}
	opts.size = (bytes + bytes / 8 + d->room) >> 20 << 20;
	opts.inodes = count + d->more_inodes;
	if (fd < 0 || ftruncate(fd, (off_t)opts.size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create '%s'", path);
	return ext4_write(t, path, 0, d->name, &opts, err);
}
