/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/inputs_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/run/staging.h"
#include "media/ext4/ext4.h"
#include "media/tree/tree_dir.h"

#define ROOM (16ull << 20) /* bytes for what is not content; images are sparse */

static int write_image(struct tree *t, const char *path, struct err **err)
{
	static const unsigned char uuid[16] = "orch-inputs-disk";
	struct ext4_opts opts = {.uuid = uuid, .seed = uuid};
	uint64_t bytes = 0;
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);
	int fd cleanup_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	for (size_t i = 0; i < count; i++) {
		struct tree_inode *n = entries[i]->inode;

		bytes += n->size + 8192;
		n->uid = n->gid = 0;
	}
	opts.size = (bytes + bytes / 8 + ROOM) >> 20 << 20;
	opts.inodes = count + 64;
	if (fd < 0 || ftruncate(fd, (off_t)opts.size) < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot create '%s'", path);
	return ext4_write(t, path, 0, "the disk of the inputs", &opts, err);
}

static int lay_out(struct staging *l, const struct list *inputs, struct tree *t, struct err **err)
{
	if (path_mkdirs(l->dir, err) < 0)
		return -1;
	for (size_t i = 0; i < inputs->count; i++)
		if (staging_add(l, LIST_AT(*inputs, struct ref *, i), err) < 0)
			return -1;
	if (staging_seal(l, err) < 0 || tree_from_dir(t, l->dir, NULL, INT64_MAX, err) < 0)
		return -1;
	for (size_t i = 0; i < l->binds.count; i++) /* large files, which are not copied */
		if (tree_copy_path(t, l->binds.items[i].to, l->binds.items[i].from, 0, err) < 0)
			return -1;
	return 0;
}

int inputs_disk_write(struct action *a, const struct list *inputs, const char *path,
		      struct err **err)
{
	static const struct list none;
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);
	struct staging l = {.a = a,
			    .dir = arena_printf(a->arena, "%s/inputs", a->workdir),
			    .inside = "",
			    .copies = &none};
	int rc = lay_out(&l, inputs, t, err);

	if (rc == 0)
		rc = write_image(t, path, err);
	staging_release(&l);
	return rc;
}
