/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File systems that are packed once and never written again: a program of this machine, or of the
 * tree `tools:`, makes each from a tar. Times and owners are the tree's; what the file system has
 * of its own comes from the plan, so that equal trees give equal bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/image/image_opts.h"
#include "kinds/run/tool.h"

#define TAR "content.tar"
#define PACKED "packed"

/*
 * The newest time of all files. Programs take none that is newer than SOURCE_DATE_EPOCH, and give
 * what they make themselves that one: sqfstar 4.5 the root directory, whatever its options say.
 */
static uint64_t newest_time(const struct action *a, struct tree *t)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);
	int64_t newest = (int64_t)a->epoch;

	for (size_t i = 0; i < count; i++)
		if (entries[i]->inode->mtime > newest)
			newest = entries[i]->inode->mtime;
	return (uint64_t)newest;
}

static void squashfs_argv(const struct image_opts *o, const struct image_fs *fs, struct strv *argv)
{
	const struct tree_inode *root = tree_lookup(fs->tree, "")->inode;

	strv_push(argv, "sqfstar");
	strv_push(argv, "-no-progress");
	strv_push(argv, "-root-mode");
	strv_printf(argv, "%o", root->mode & 07777);
	if (o->compression && str_eq(o->compression, "none")) {
		strv_push(argv, "-noI");
		strv_push(argv, "-noD");
		strv_push(argv, "-noF");
		strv_push(argv, "-noX");
	} else {
		strv_push(argv, "-comp");
		strv_push(argv, o->compression ? o->compression : "zstd");
	}
	if (o->compression_level) {
		strv_push(argv, "-Xcompression-level");
		strv_printf(argv, "%lld", (long long)o->compression_level);
	}
	if (o->block_size) {
		strv_push(argv, "-b");
		strv_printf(argv, "%llu", (unsigned long long)o->block_size);
	}
	strv_push(argv, PACKED);
}

static void erofs_argv(const struct action *a, const struct image_opts *o,
		       const struct image_fs *fs, struct strv *argv)
{
	char uuid[37];

	strv_push(argv, "mkfs.erofs");
	strv_push(argv, "--tar=f");
	strv_push(argv, "--quiet");
	strv_printf(argv, "-T%llu", (unsigned long long)a->epoch);
	strv_push(argv, "--mkfs-time");
	strv_printf(argv, "-U%s", uuid_format(fs->uuid, uuid));
	if (fs->label && *fs->label)
		strv_printf(argv, "-L%s", fs->label);
	if (!o->compression || !str_eq(o->compression, "none")) {
		strv_printf(argv, "-z%s", o->compression ? o->compression : "lz4hc");
		if (o->compression_level)
			strv_printf(argv, ",%lld", (long long)o->compression_level);
	}
	if (o->block_size)
		strv_printf(argv, "-C%llu", (unsigned long long)o->block_size);
	strv_push(argv, PACKED);
	strv_push(argv, TAR);
}

static int run(struct action *a, const struct image_plan *p, const struct image_fs *fs,
	       const char *dir, struct err **err)
{
	const char *tar = arena_printf(a->arena, "%s/" TAR, dir);
	bool squashfs = fs->type == IMAGE_FS_SQUASHFS;
	struct strv argv cleanup_strv = {0};
	int in cleanup_fd = open(tar, O_RDONLY | O_CLOEXEC);
	struct tool tool;

	if (in < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", tar);
	if (tool_open(a, p->tools, &tool, err) < 0)
		return -1;
	tool.box.newest = newest_time(a, fs->tree);
	if (squashfs)
		squashfs_argv(a->opts, fs, &argv);
	else
		erofs_argv(a, a->opts, fs, &argv);
	if (tool_run(&tool, dir, &argv, squashfs ? in : 0, 0, err) == 0)
		return 0;
	return squashfs ? -1
			: err_wrap(err,
				   "mkfs.erofs of %s (before version 1.7 it reads no tars: name a "
				   "tree that has a newer one as 'tools')",
				   p->tools ? "'tools'" : "this machine");
}

static int pack(struct action *a, const struct image_plan *p, struct image_fs *fs, struct err **err)
{
	const char *dir = arena_printf(a->arena, "%s/pack-%zu", a->workdir, fs->part);
	const char *tar = arena_printf(a->arena, "%s/" TAR, dir);
	struct stat st;

	action_progress(a, -1, "packing %s", fs->name);
	if (path_mkdirs(dir, err) < 0 || tree_write_tar(fs->tree, tar, err) < 0 ||
	    run(a, p, fs, dir, err) < 0 || path_remove(tar, err) < 0)
		return err_wrap(err, "%s", fs->name);
	fs->packed = arena_printf(a->arena, "%s/" PACKED, dir);
	if (stat(fs->packed, &st) < 0)
		return err_errno(err, E_PROGRAM_FAILED, errno, "%s: '%s' made nothing", fs->name,
				 image_fs_program(fs->type));
	fs->packed_size = ((uint64_t)st.st_size + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK;
	return 0;
}

int image_pack(struct action *a, struct image_plan *p, struct err **err)
{
	for (size_t i = 0; i < p->fs.count; i++)
		if (image_is_packed(p->fs.items[i].type) && pack(a, p, &p->fs.items[i], err) < 0)
			return -1;
	return 0;
}

int image_put_packed(const struct image_plan *p, const struct image_fs *fs, struct err **err)
{
	int from cleanup_fd = open(fs->packed, O_RDONLY | O_CLOEXEC);
	int to cleanup_fd = open(p->path, O_WRONLY | O_CLOEXEC);
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot write '%s'", p->path);
	if (fs->packed_size > fs->size) {
		char *has cleanup_free = str_bytes(fs->packed_size),
			  *room cleanup_free = str_bytes(fs->size);

		return err_set(err, E_IMAGE_TOO_SMALL,
			       "%s: packed, the content has %s (%llu bytes), and there is room for "
			       "%s (%llu): raise the size",
			       fs->name, has, (unsigned long long)fs->packed_size, room,
			       (unsigned long long)fs->size);
	}
	return fd_copy_sparse(from, 0, to, fs->start, (uint64_t)st.st_size, err);
}
