/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libguestfs writer: the kernel of a small appliance fills the file systems, so every type it
 * knows can be made, with everything it keeps. FAT is written by this process all the same: FAT has
 * nothing that a kernel knows better, but creation times that nobody can set through one.
 */
#include <stdio.h>
#include <time.h>

#include "base/path.h"
#include "base/str.h"
#include "kinds/image/image.h"
#include "machine/guest/appliance.h"
#include "media/ext4/ext4.h"
#include "media/tree/tree_acl.h"

static void log_line(void *arg, const char *line)
{
	action_log(arg, "%s", line);
}

#define LABEL "image"

/* The disk, or its partition of FS. */
static const char *device(const struct action *a, const struct image_plan *p,
			  const struct image_fs *fs)
{
	return p->table ? arena_printf(a->arena, APPLIANCE_DISK LABEL "%zu", fs->part + 1)
			: APPLIANCE_DISK LABEL;
}

/* Sets the ACLs of T: tar has a form of its own for them, and takes the kernel's from nobody. */
static int set_acls(struct appliance *g, struct tree *t, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_inode *n = entries[i]->inode;
		char *path cleanup_free = xasprintf("/%s", entries[i]->path);

		for (size_t k = 0; k < n->xattr_count; k++) {
			const struct tree_xattr *x = &n->xattrs[k];
			const char *type = str_skip(x->name, "system.posix_acl_");
			struct str text cleanup_str = STR_INIT;

			if (type && (tree_acl_text(x->value, x->len, path, &text, err) < 0 ||
				     appliance_set_acl(g, path, type, text.buf, err) < 0))
				return -1;
		}
	}
	return 0;
}

/*
 * Unpacks the directories of T once more. tar sets the time of a directory when the archive leaves
 * it, but in an archive in byte order "etc/x.conf" stands between "etc/x" and "etc/x/y", which
 * comes too late.
 */
static int set_directory_times(struct appliance *g, struct tree *t, const char *tar,
			       struct err **err)
{
	struct tree *directories cleanup_tree = tree_new(tree_epoch(t), NULL);
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_inode *n = entries[i]->inode;
		struct tree_inode *own;

		if (!S_ISDIR(n->mode))
			continue;
		own = tree_inode_new(directories, n->mode, n->uid, n->gid, n->mtime);
		if (tree_link(directories, entries[i]->path, own, TREE_REPLACE, err) < 0)
			return -1;
	}
	if (path_remove(tar, err) < 0 || tree_write_tar(directories, tar, err) < 0)
		return -1;
	return appliance_tar_in(g, tar, "/", false, err);
}

/* Makes one file system in the running appliance and fills it. */
static int write_fs(struct action *a, struct appliance *g, const struct image_plan *p,
		    const struct image_fs *fs, struct err **err)
{
	const char *tar = arena_printf(a->arena, "%s/fs-%zu.tar", a->workdir, fs->part);
	const char *dev = device(a, p, fs);
	const char *options = fs->type == IMAGE_FS_EXT4 ? APPLIANCE_STEADY : "";
	struct appliance_fs made = {.type = image_fs_words[fs->type], .label = fs->label};
	char uuid[37];

	made.uuid = uuid_format(fs->uuid, uuid);
	made.seed = fs->type == IMAGE_FS_EXT4 ? fs->seed : NULL;
	made.reserved_percent = fs->reserved_percent;
	if (tree_write_tar(fs->tree, tar, err) < 0 ||
	    (!p->tools && appliance_mkfs(g, dev, &made, err) < 0) ||
	    appliance_mount(g, dev, "/", options, err) < 0 ||
	    appliance_tar_in(g, tar, "/", true, err) < 0 || set_acls(g, fs->tree, err) < 0 ||
	    set_directory_times(g, fs->tree, tar, err) < 0 || appliance_trim(g, "/", err) < 0 ||
	    appliance_unmount(g, "/", err) < 0 || path_remove(tar, err) < 0)
		return err_wrap(err, "%s", fs->name);
	return 0;
}

static int write_in_appliance(struct action *a, const struct image_plan *p, struct err **err)
{
	struct appliance_opts opts = {.name = a->node,
				      .cache_dir = a->cache_dir,
				      .tmp_dir = a->workdir,
				      .log = log_line,
				      .arg = a};
	struct appliance *g cleanup_appliance = NULL;

	if (appliance_new(&opts, &g, err) < 0 ||
	    appliance_add_disk(g, p->path, LABEL, false, err) < 0)
		return -1;
	action_progress(a, -1, "starting the libguestfs appliance");
	if (appliance_launch(g, err) < 0)
		return -1;
	for (size_t i = 0; i < p->fs.count; i++) {
		if (p->fs.items[i].type == IMAGE_FS_VFAT || p->fs.items[i].type == IMAGE_FS_NONE)
			continue;
		action_progress(a, -1, "writing %s", p->fs.items[i].name);
		if (write_fs(a, g, p, &p->fs.items[i], err) < 0)
			return -1;
	}
	return appliance_finish(g, err);
}

int image_write_guestfs(struct action *a, const struct image_plan *p, struct err **err)
{
	uint64_t start = (uint64_t)time(NULL); /* the appliance has this machine's clock */
	bool needed = false;

	if (image_create(p, err) < 0 || (p->tools && image_mkfs(a, p, err) < 0))
		return -1;
	for (size_t i = 0; i < p->fs.count; i++) {
		const struct image_fs *fs = &p->fs.items[i];

		if (fs->type == IMAGE_FS_VFAT && image_write_fat(p, fs, err) < 0)
			return -1;
		if (fs->type != IMAGE_FS_VFAT && fs->type != IMAGE_FS_NONE)
			needed = true;
	}
	if (needed && write_in_appliance(a, p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->fs.count; i++) {
		const struct image_fs *fs = &p->fs.items[i];

		if (fs->type == IMAGE_FS_EXT4 &&
		    ext4_settle(p->path, fs->start, fs->name, fs->seed, a->epoch, start, err) < 0)
			return -1;
	}
	return 0;
}
