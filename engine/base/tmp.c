/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/tmp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

static pid_t owner;

void tmp_set_owner(pid_t pid)
{
	owner = pid;
}

int tmp_dir(const char *parent, const char *name, char **ret_path, struct err **err)
{
	char *path cleanup_free =
		xasprintf("%s/%s.%ld.XXXXXX", parent, name, (long)(owner ? owner : getpid()));

	if (!mkdtemp(path))
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a directory in '%s'",
				 parent);
	*ret_path = steal_ptr(path);
	return 0;
}

/*
 * Also true for a process that is dead and waits to be reaped: in a container that may be for ever.
 */
static bool is_gone(pid_t pid)
{
	char *path cleanup_free = xasprintf("/proc/%ld/stat", (long)pid);
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	const char *p;

	if (kill(pid, 0) < 0 && errno == ESRCH)
		return true;
	if (file_read(path, 4096, &text, &err) < 0)
		return false;
	p = strrchr(text.buf, ')'); /* the name before it may hold anything */
	return p && (str_skip(p, ") Z") || str_skip(p, ") X"));
}

/* Of "x.PID.XXXXXX" the pid, and the length of "x"; 0 for other names. */
static pid_t owner_of(const char *name, size_t *ret_len)
{
	const char *last = strrchr(name, '.');
	const char *p = last;
	long pid;

	if (!last || strlen(last) != 7)
		return 0;
	while (p > name && p[-1] != '.')
		p--;
	if (p == name || sscanf(p, "%ld.", &pid) != 1 || pid <= 0)
		return 0;
	*ret_len = (size_t)(p - 1 - name);
	return (pid_t)pid;
}

/* Whether ENTRY is "MADE_AS.PID.XXXXXX" of a process that is gone; MADE_AS NULL: whatever it is. */
static bool is_left_over(const char *entry, const char *made_as)
{
	size_t len;
	pid_t pid = owner_of(entry, &len);

	if (!pid || (made_as && (strlen(made_as) != len || memcmp(entry, made_as, len) != 0)))
		return false;
	return is_gone(pid);
}

bool tmp_alive(const char *path)
{
	size_t len;
	pid_t pid = owner_of(path_base(path), &len);

	return pid && !is_gone(pid);
}

char *tmp_find(const char *parent, const char *name)
{
	DIR *dir = opendir(parent);
	struct timespec newest = {0};
	char *found = NULL;
	struct dirent *de;
	size_t len = 0;

	while (dir && (de = readdir(dir))) {
		pid_t pid = owner_of(de->d_name, &len);
		struct stat st;

		if (!pid || len != strlen(name) || memcmp(de->d_name, name, len) != 0 ||
		    is_gone(pid) || fstatat(dirfd(dir), de->d_name, &st, 0) < 0)
			continue;
		if (found &&
		    (st.st_ctim.tv_sec < newest.tv_sec ||
		     (st.st_ctim.tv_sec == newest.tv_sec && st.st_ctim.tv_nsec < newest.tv_nsec)))
			continue;
		newest = st.st_ctim;
		free(found);
		found = path_join(parent, de->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

int tmp_sweep_named(const char *parent, const char *name, struct err **err)
{
	DIR *dir = opendir(parent);
	struct dirent *de;
	int rc = 0;

	if (!dir) {
		if (errno == ENOENT)
			return 0;
		return err_errno(err, E_READ_FAILED, errno, "cannot read directory '%s'", parent);
	}
	while (rc == 0 && (de = readdir(dir))) {
		char *path cleanup_free = NULL;

		if (!is_left_over(de->d_name, name))
			continue;
		path = path_join(parent, de->d_name);
		rc = path_remove(path, err);
	}
	closedir(dir);
	return rc;
}

int tmp_sweep(const char *parent, struct err **err)
{
	return tmp_sweep_named(parent, NULL, err);
}

int tmp_in_memory(const char *name, const void *data, size_t len, int *ret_fd, struct err **err)
{
	int fd cleanup_fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create '%s' in memory",
				 name);
	if (fd_write_all(fd, name, data, len, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot rewind '%s'", name);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int lock_file(const char *path, enum lock_mode mode, bool wait, int *ret_fd, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	int op = mode == LOCK_SHARED ? LOCK_SH : LOCK_EX;

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open lock file '%s'", path);
	while (flock(fd, op | (wait ? 0 : LOCK_NB)) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK)
			return err_set(err, E_LOCK_HELD, "'%s' is held by another process", path);
		return err_errno(err, E_WRITE_FAILED, errno, "cannot lock '%s'", path);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}
