/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/drop.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"

static int write_map(pid_t pid, const char *which, const char *text, struct err **err)
{
	char *path cleanup_free = xasprintf("/proc/%d/%s", (int)pid, which);
	int fd cleanup_fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", path);
	return 0;
}

/* The child of mapping(): in a user namespace of its own until the pipe is closed. */
static void __attribute__((noreturn)) hold_namespace(int ready, int end)
{
	char byte;

	if (unshare(CLONE_NEWUSER) == 0 && write(ready, "", 1) == 1)
		(void)!read(end, &byte, 1);
	_exit(0);
}

static int open_mapping(pid_t pid, uid_t id, int *ret, struct err **err)
{
	/* What is on disk, what is shown, how many: all but ID stay who they are. */
	char *map cleanup_free = xasprintf("0 %u 1\n1 1 %u\n", (unsigned)id, (unsigned)id - 1);
	char *path cleanup_free = xasprintf("/proc/%d/ns/user", (int)pid);

	if (write_map(pid, "uid_map", map, err) < 0 || write_map(pid, "gid_map", map, err) < 0)
		return -1;
	*ret = open(path, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path) : 0;
}

/* A user namespace whose map says how a mount shows owners. */
static int mapping(uid_t id, int *ret, struct err **err)
{
	int ready[2], end[2], status, rc = -1;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot create a pipe");
	if (pipe2(end, O_CLOEXEC) < 0) {
		err_errno(err, E_CANNOT_START, errno, "cannot create a pipe");
		goto out;
	}
	pid = fork();
	if (pid == 0) {
		close(end[1]);
		hold_namespace(ready[1], end[0]);
	}
	close(ready[1]);
	ready[1] = -1;
	close(end[0]);
	if (pid > 0 && read(ready[0], &byte, 1) == 1)
		rc = open_mapping(pid, id, ret, err);
	else
		err_set(err, E_ROOT_DROP, "cannot create a user namespace");
	close(end[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
out:
	close(ready[0]);
	if (ready[1] >= 0)
		close(ready[1]);
	return rc;
}

/* A copy of what is mounted at PATH, with its owners shown by MAPPING (-1: as they are). */
static int take(const char *path, int mapping, int *ret, struct err **err)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)mapping};
	int fd cleanup_fd =
		open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		return err_errno(err, E_ROOT_DROP, errno, "cannot take '%s'", path);
	/* What is mounted below may be of a file system that cannot; it stays as it is then. */
	if (mapping >= 0 &&
	    mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0 &&
	    mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return err_errno(err, E_ROOT_DROP, errno,
				 "the file system of '%s' cannot show its owners as others", path);
	*ret = fd;
	fd = -1;
	return 0;
}

char *drop_barrier(const char *path, uid_t id)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *dir cleanup_free = xstrndup(path, (size_t)(slash - path));
		struct stat st;

		if (stat(dir, &st) < 0)
			return NULL;
		if (!(st.st_mode & (st.st_uid == id ? S_IXUSR : S_IXOTH)))
			return steal_ptr(dir);
	}
	return NULL;
}

static int attach(const struct drop_view *v, int fd, uid_t id, struct err **err)
{
	char *hidden cleanup_free = drop_barrier(v->path, id);

	if (hidden && mount("tmpfs", hidden, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		return err_errno(err, E_ROOT_DROP, errno, "cannot hide '%s'", hidden);
	if (path_mkdirs(v->path, err) < 0)
		return -1;
	if (move_mount(fd, "", AT_FDCWD, v->path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_errno(err, E_ROOT_DROP, errno, "cannot show '%s'", v->path);
	return 0;
}

/* What contains another comes first. */
static int by_length(const void *a, const void *b)
{
	const struct drop_view *x = a, *y = b;

	return (int)strlen(x->path) - (int)strlen(y->path);
}

static int show_all(const struct drop_view *views, int *fds, size_t count, uid_t id,
		    struct err **err)
{
	int map cleanup_fd = -1;

	if (mapping(id, &map, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (take(views[i].path, views[i].mapped ? map : -1, &fds[i], err) < 0)
			return -1;
	for (size_t i = 0; i < count; i++)
		if (attach(&views[i], fds[i], id, err) < 0)
			return -1;
	return 0;
}

int drop_show(const struct drop_view *views, size_t count, uid_t id, struct err **err)
{
	struct drop_view *sorted cleanup_free = xcalloc(count + 1, sizeof(*sorted));
	int *fds cleanup_free = xcalloc(count + 1, sizeof(*fds));
	char *cwd cleanup_free = getcwd(NULL, 0);
	mode_t mask = umask(022);
	int rc;

	for (size_t i = 0; i < count; i++) {
		sorted[i] = views[i];
		fds[i] = -1;
	}
	qsort(sorted, count, sizeof(*sorted), by_length);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		rc = err_errno(err, E_ROOT_DROP, errno, "cannot create a mount namespace");
	else
		rc = show_all(sorted, fds, count, id, err);
	for (size_t i = 0; i < count; i++)
		fd_closep(&fds[i]);
	if (rc == 0 && cwd)
		rc = path_mkdirs(cwd, err); /* it may be hidden */
	umask(mask);
	if (rc == 0 && (!cwd || chdir(cwd) < 0))
		return err_errno(err, E_READ_FAILED, errno, "cannot enter '%s' again",
				 cwd ? cwd : ".");
	return rc;
}

int drop_to(uid_t uid, gid_t gid, const char *user, struct err **err)
{
	if ((user ? initgroups(user, gid) : setgroups(0, NULL)) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_errno(err, E_ROOT_DROP, errno, "cannot become user %u", (unsigned)uid);
	if (setuid(0) == 0 || setgid(0) == 0)
		return err_set(err, E_INTERNAL, "root could be had back");
	/* Else /proc/self is root's still, and no user namespace can be mapped. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_errno(err, E_ROOT_DROP, errno, "cannot become user %u", (unsigned)uid);
	return 0;
}
