/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run as root on somebody else's store: what it made there is given to the store's owner, who
 * could neither write to those directories nor remove them.
 *
 * Nothing else is: only entries of root's, reached by directories that are opened without following
 * links; not files with another name, which may be a file of the machine; nothing on another file
 * system. STORE/tmp is left alone, where other runs are at work and which the next run sweeps.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/trace.h"
#include "store/store_priv.h"

#define DEPTH_MAX 200 /* of directories; each has two descriptors open */

struct giving {
	struct stat owner; /* of the store's directory */
	size_t count;
};

static void give_directory(struct giving *g, int fd, unsigned depth);

static void give_entry(struct giving *g, int dirfd, const char *name, unsigned depth)
{
	int fd cleanup_fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char self[64];
	struct stat st;
	int below;

	if (fd < 0 || fstat(fd, &st) || st.st_dev != g->owner.st_dev)
		return;
	if (st.st_uid == 0 && (S_ISDIR(st.st_mode) || st.st_nlink == 1) &&
	    fchownat(fd, "", g->owner.st_uid, g->owner.st_gid, AT_EMPTY_PATH) == 0) {
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
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, "..") &&
		    (depth || !str_eq(de->d_name, "tmp")))
			give_entry(g, fd, de->d_name, depth);
	closedir(dir);
}

void store_give_back(const struct store *s)
{
	struct giving g = {0};
	int fd;

	if (geteuid() != 0)
		return;
	fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &g.owner) || g.owner.st_uid == 0) {
		close(fd);
		return;
	}
	give_directory(&g, fd, 0);
	trace(TRACE_STORE, "gave %zu entries of root's to uid %u", g.count,
	      (unsigned)g.owner.st_uid);
}
