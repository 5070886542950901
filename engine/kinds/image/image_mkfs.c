/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `tools:`: a file system of nothing yet, made by the mkfs of a tree in the sandbox. It sees one
 * file of the file system's size and no more; that is held open, so that what it was is what is
 * copied. Options are those that libguestfs and appliance_mkfs() use.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/image/image.h"
#include "kinds/run/toolbox.h"
#include "machine/guest/appliance.h"

#define INSIDE "/filesystem"

/* The command of FS, whose file is INSIDE. */
static void make_argv(const struct image_fs *fs, struct strv *argv)
{
	bool ext4 = fs->type == IMAGE_FS_EXT4;
	char uuid[37];

	strv_push(argv, image_fs_program(fs->type));
	strv_push(argv, "-q");
	strv_push(argv, ext4 ? "-F" : "-f");
	if (ext4) {
		strv_push(argv, "-O");
		strv_push(argv, APPLIANCE_EXT4_FEATURES);
		strv_push(argv, "-m");
		strv_printf(argv, "%u", fs->reserved_percent);
	}
	strv_push(argv, fs->type == IMAGE_FS_XFS ? "-m" : "-U");
	strv_printf(argv, "%s%s", fs->type == IMAGE_FS_XFS ? "uuid=" : "",
		    uuid_format(fs->uuid, uuid));
	if (fs->label && *fs->label) {
		strv_push(argv, "-L");
		strv_push(argv, fs->label);
	}
	strv_push(argv, INSIDE);
}

/* Puts what is in FD, as the program left it, into the image. */
static int take(const struct image_plan *p, const struct image_fs *fs, int fd, struct err **err)
{
	int to cleanup_fd = open(p->path, O_WRONLY | O_CLOEXEC);
	struct stat st;

	if (to < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot write '%s'", p->path);
	if ((uint64_t)st.st_size != fs->size)
		return err_set(err, E_PROGRAM_FAILED,
			       "%s of 'tools' made a file system of %lld bytes, not of %llu",
			       image_fs_program(fs->type), (long long)st.st_size,
			       (unsigned long long)fs->size);
	if (fd_copy_sparse(fd, 0, to, fs->start, fs->size, err) < 0)
		return -1;
	if (fs->type == IMAGE_FS_EXT4 &&
	    pwrite(to, fs->seed, 16, (off_t)fs->start + APPLIANCE_EXT4_SEED_AT) != 16)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot write '%s'", p->path);
	return 0;
}

static int make(const struct toolbox *box, const struct image_plan *p, const struct image_fs *fs,
		struct err **err)
{
	const char *path = arena_printf(box->a->arena, "%s/fs-%zu", box->a->workdir, fs->part);
	const struct sandbox_bind bind = {path, INSIDE, true};
	int fd cleanup_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct strv argv cleanup_strv = {0};

	if (fd < 0 || ftruncate(fd, (off_t)fs->size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot make '%s' %llu bytes long",
				 path, (unsigned long long)fs->size);
	make_argv(fs, &argv);
	if (toolbox_run(box, &argv, &bind, 1, NULL, 0, err) < 0 || take(p, fs, fd, err) < 0)
		return err_wrap(err, "%s", fs->name);
	return path_remove(path, err);
}

int image_mkfs(struct action *a, const struct image_plan *p, struct err **err)
{
	struct toolbox box;

	if (toolbox_open(a, p->tools, &box, err) < 0)
		return -1;
	for (size_t i = 0; i < p->fs.count; i++) {
		const struct image_fs *fs = &p->fs.items[i];

		if (image_fs_program(fs->type) && make(&box, p, fs, err) < 0)
			return -1;
	}
	return 0;
}
