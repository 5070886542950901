/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/tree_export.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"

static int set_time(int dirfd, const char *path, int64_t mtime, struct err **err)
{
	struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};

	if (utimensat(dirfd, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the time of '%s'", path);
	return 0;
}

static int write_segments(int fd, const struct tree_entry *e, struct err **err)
{
	const struct tree_inode *inode = e->inode;

	if (ftruncate(fd, (off_t)inode->size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", e->path);
	for (size_t i = 0; i < inode->segment_count; i++) {
		const struct tree_segment *s = &inode->segments[i];

		if (fd_pwrite_all(fd, e->path, s->data, s->len, s->offset, err) < 0)
			return -1;
	}
	if (fchmod(fd, (inode->mode & 0777) | 0400) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the mode of '%s'",
				 e->path);
	return 0;
}

/* FIRST: the entry that this inode was written as, or NULL. */
static int write_file(int dirfd, const struct tree_entry *e, const struct tree_entry *first,
		      struct err **err)
{
	int fd cleanup_fd = -1;

	if (first) {
		if (linkat(dirfd, first->path, dirfd, e->path, 0) < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot link '%s'", e->path);
		return 0;
	}
	fd = openat(dirfd, e->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", e->path);
	if (write_segments(fd, e, err) < 0)
		return -1;
	return set_time(dirfd, e->path, e->inode->mtime, err);
}

static int write_entry(int dirfd, const struct tree_entry *e, const struct tree_entry *first,
		       struct err **err)
{
	switch (e->inode->mode & S_IFMT) {
	case S_IFDIR:
		if (*e->path && mkdirat(dirfd, e->path, 0700) < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'",
					 e->path);
		return 0;
	case S_IFREG:
		return write_file(dirfd, e, first, err);
	case S_IFLNK:
		if (symlinkat(e->inode->target, dirfd, e->path) < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot create link '%s'",
					 e->path);
		return set_time(dirfd, e->path, e->inode->mtime, err);
	default:
		return 0; /* devices, pipes and sockets mean nothing here */
	}
}

/* Modes and times of directories, when nothing is written into them any more. */
static int finish_directory(int dirfd, const struct tree_entry *e, struct err **err)
{
	const char *path = *e->path ? e->path : ".";

	if (fchmodat(dirfd, path, (e->inode->mode & 0777) | 0700, 0) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the mode of '%s'", path);
	return set_time(dirfd, path, e->inode->mtime, err);
}

int tree_export(struct tree *t, const char *dir, struct err **err)
{
	int dirfd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree_entry *const *entries;
	size_t count;
	int rc = 0;

	if (dirfd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open directory '%s'", dir);
	entries = tree_entries(t, &count);
	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct tree_inode *inode = entries[i]->inode;
		const struct tree_entry *first = inode->user ? entries[inode->user - 1] : NULL;

		rc = write_entry(dirfd, entries[i], first, err);
		if (!first)
			inode->user = i + 1;
	}
	for (size_t i = count; i-- > 0 && rc == 0;) {
		if (S_ISDIR(entries[i]->inode->mode))
			rc = finish_directory(dirfd, entries[i], err);
	}
	return rc < 0 ? err_wrap(err, "cannot unpack into '%s'", dir) : 0;
}
