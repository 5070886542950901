/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Giving a store of root's away. Nothing else is given: only entries of root's, reached by
 * directories that are opened without following links; not files with another name, which may be a
 * file of the machine; nothing on another file system. The store's directory comes last, so that
 * what was interrupted is done again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "store/store_priv.h"

#define DEPTH_MAX 200 /* of directories; each has two descriptors open */

struct giving {
	uid_t uid;
	gid_t gid;
	dev_t dev; /* of the store's directory */
	size_t count;
};

static void give_directory(struct giving *g, int fd, unsigned depth);

static void give_entry(struct giving *g, int dirfd, const char *name, unsigned depth)
{
	int fd cleanup_fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[64];
	struct stat st;
	int below;

	if (fd < 0 || fstat(fd, &st) || st.st_dev != g->dev)
		return;
	if (st.st_uid == 0 && (S_ISDIR(st.st_mode) || st.st_nlink == 1) &&
	    fchownat(fd, "", g->uid, g->gid, AT_EMPTY_PATH) == 0) {
		g->count++;
		/* chown takes the set-id bits, which are part of a tree. */
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		if (S_ISREG(st.st_mode) && st.st_mode & 06000)
			(void)!chmod(self, st.st_mode & 07777);
	}
	if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
		return;
	below = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below >= 0)
		give_directory(g, below, depth + 1);
}

/* Takes FD. */
static void give_directory(struct giving *g, int fd, unsigned depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		close(fd);
		return;
	}
	while ((de = readdir(dir)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			give_entry(g, fd, de->d_name, depth);
	closedir(dir);
}

/* Whether nothing is in the directory, or what every store has. */
static bool is_store(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool filled = false;
	struct stat st;

	if (!dir) {
		fd_closep(&fd);
		return false;
	}
	for (struct dirent *e; !filled && (e = readdir(dir));)
		filled = !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..");
	closedir(dir);
	return !filled ||
	       (fstatat(dirfd, "lock", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		fstatat(dirfd, "cas", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode));
}

int store_give(const char *dir, uid_t uid, gid_t gid, struct err **err)
{
	struct giving g = {.uid = uid, .gid = gid};
	int fd cleanup_fd = -1, below;
	struct stat st;

	if (path_mkdirs(dir, err) < 0)
		return err_wrap(err, "store '%s'", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open store '%s'", dir);
	if (st.st_uid != 0 || !is_store(fd))
		return 0;
	g.dev = st.st_dev;
	below = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (below >= 0)
		give_directory(&g, below, 0);
	if (fchown(fd, uid, gid) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot give store '%s' to user %u",
				 dir, (unsigned)uid);
	trace(TRACE_STORE, "gave %zu entries of root's to uid %u", g.count, (unsigned)uid);
	return 0;
}
