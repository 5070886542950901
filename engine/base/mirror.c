/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mirror.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

#define DEPTH_MAX 200             /* of directories; each has two descriptors open */
#define ARRIVING ".orch-arriving" /* a file that is being taken back */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* How an entry of the copy was when it was handed over. */
struct entry {
	mode_t mode;
	off_t size;
	ino_t ino;
	struct timespec mtime, ctime;
};

struct mirror {
	int from, copy;
	uid_t id;
	bool without;
	dev_t without_dev;
	ino_t without_ino;
	struct arena *arena;
	struct map entries; /* by path */
};

/* The same directory on both sides, and its path, which ends in '/' or is empty. */
struct place {
	int from, copy;
	const char *path;
	unsigned depth;
};

/* --- both ways ----------------------------------------------------------------------------- */

static int names(int dirfd, const char *path, struct strv *ret, struct err **err)
{
	int fd = openat(dirfd, ".", DIR_FLAGS);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		err_errno(err, E_READ_FAILED, errno, "cannot read directory '%s'", path);
		fd_closep(&fd);
		return -1;
	}
	for (struct dirent *e; (e = readdir(dir));)
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			strv_push(ret, e->d_name);
	closedir(dir);
	return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static int remove_all(int dirfd, const char *name, struct err **err)
{
	char *path cleanup_free = xasprintf("/proc/self/fd/%d/%s", dirfd, name);

	return path_remove(path, err);
}

/* Opens the plain file NAME of DIRFD, as *RET_ST says; 1: it is gone. */
static int open_plain(int dirfd, const char *name, int *ret, struct stat *ret_st)
{
	int fd cleanup_fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode))
		return 1;
	*ret = fd;
	fd = -1;
	return 0;
}

/* A new file NAME in DIRFD with what FROM has; OWNER: whose it becomes, or -1. */
static int write_plain(int from, const struct stat *st, int dirfd, const char *name, uid_t owner,
		       struct err **err)
{
	struct timespec times[2] = {st->st_mtim, st->st_mtim};
	int to cleanup_fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (to < 0 || ftruncate(to, st->st_size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", name);
	if (fd_copy_sparse(from, 0, to, 0, (uint64_t)st->st_size, err) < 0)
		return -1;
	if ((owner != (uid_t)-1 && fchown(to, owner, owner) < 0) ||
	    fchmod(to, st->st_mode & 0777) < 0 || futimens(to, times) < 0)
		return err_errno(err, E_WRITE_FAILED, errno,
				 "cannot set owner, mode and time of '%s'", name);
	return 0;
}

static int deeper(const struct place *at, const char *path, struct err **err)
{
	return at->depth < DEPTH_MAX
		       ? 0
		       : err_set(err, E_TOO_LARGE, "directory '%s' is deeper than %d others", path,
				 DEPTH_MAX);
}

/* --- there ----------------------------------------------------------------------------------- */

static int put_directory(struct mirror *m, const struct place *at, struct err **err);

static int put_plain(struct mirror *m, const struct place *at, const char *name, struct err **err)
{
	int fd cleanup_fd = -1;
	struct stat st, had;

	if (open_plain(at->from, name, &fd, &st) != 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s%s'", at->path, name);
	if (fstatat(at->copy, name, &had, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(had.st_mode) &&
	    had.st_uid == m->id && had.st_nlink == 1 && had.st_size == st.st_size &&
	    (had.st_mode & 07777) == (st.st_mode & 0777) && same_time(had.st_mtim, st.st_mtim))
		return 0;
	if (remove_all(at->copy, name, err) < 0)
		return -1;
	return write_plain(fd, &st, at->copy, name, m->id, err);
}

static int put_link(struct mirror *m, const struct place *at, const char *name, struct err **err)
{
	char to[PATH_MAX], had[PATH_MAX];
	ssize_t n = readlinkat(at->from, name, to, sizeof(to) - 1), h;

	if (n < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read link '%s%s'", at->path,
				 name);
	to[n] = '\0';
	h = readlinkat(at->copy, name, had, sizeof(had) - 1);
	if (h == n && memcmp(to, had, (size_t)n) == 0)
		return 0;
	if (remove_all(at->copy, name, err) < 0)
		return -1;
	if (symlinkat(to, at->copy, name) < 0 ||
	    fchownat(at->copy, name, m->id, m->id, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot copy link '%s%s'", at->path,
				 name);
	return 0;
}

static int put_below(struct mirror *m, const struct place *at, const char *name, struct err **err)
{
	char *path cleanup_free = xasprintf("%s%s/", at->path, name);
	int from cleanup_fd = openat(at->from, name, DIR_FLAGS), copy cleanup_fd = -1;
	struct stat st;

	if (from < 0 || fstat(from, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read directory '%s'", path);
	copy = openat(at->copy, name, DIR_FLAGS);
	if (copy < 0) {
		if (remove_all(at->copy, name, err) < 0)
			return -1;
		if (mkdirat(at->copy, name, 0700) < 0 ||
		    (copy = openat(at->copy, name, DIR_FLAGS)) < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot copy directory '%s'",
					 path);
	}
	if (fchown(copy, m->id, m->id) < 0 || fchmod(copy, (st.st_mode & 0777) | 0700) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot give directory '%s' away",
				 path);
	if (deeper(at, path, err) < 0)
		return -1;
	return put_directory(m, &(struct place){from, copy, path, at->depth + 1}, err);
}

/* Remembers how NAME is in the copy now. */
static void note(struct mirror *m, const struct place *at, const char *name)
{
	struct entry *e = arena_alloc(m->arena, sizeof(*e));
	struct stat st;

	if (fstatat(at->copy, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	*e = (struct entry){st.st_mode, st.st_size, st.st_ino, st.st_mtim, st.st_ctim};
	map_set(&m->entries, arena_printf(m->arena, "%s%s", at->path, name), e);
}

/* 1: it has no place in the copy. */
static int put_entry(struct mirror *m, const struct place *at, const char *name, struct err **err)
{
	struct stat st;

	if (fstatat(at->from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1
				       : err_errno(err, E_READ_FAILED, errno, "cannot read '%s%s'",
						   at->path, name);
	if (m->without && st.st_dev == m->without_dev && st.st_ino == m->without_ino)
		return 1;
	if (S_ISREG(st.st_mode))
		return put_plain(m, at, name, err);
	if (S_ISLNK(st.st_mode))
		return put_link(m, at, name, err);
	return S_ISDIR(st.st_mode) ? put_below(m, at, name, err) : 1;
}

static int put_directory(struct mirror *m, const struct place *at, struct err **err)
{
	struct strv here cleanup_strv = {0}, there cleanup_strv = {0};
	struct map kept cleanup_map = {0};

	if (names(at->from, at->path, &here, err) < 0 || names(at->copy, at->path, &there, err) < 0)
		return -1;
	for (size_t i = 0; i < here.count; i++) {
		int r = put_entry(m, at, here.items[i], err);

		if (r < 0)
			return -1;
		if (r == 0)
			map_set(&kept, here.items[i], m);
	}
	for (size_t i = 0; i < there.count; i++)
		if (!map_get(&kept, there.items[i]) &&
		    remove_all(at->copy, there.items[i], err) < 0)
			return -1;
	for (size_t i = 0; i < kept.count; i++)
		note(m, at, kept.entries[i].key);
	return 0;
}

int mirror_open(int from, const char *copy, uid_t id, const char *without, struct mirror **ret,
		struct err **err)
{
	struct mirror *m cleanup_mirror = xcalloc(1, sizeof(*m));
	struct stat st;

	m->from = from;
	m->id = id;
	m->arena = arena_new();
	m->copy = -1;
	if (without && stat(without, &st) == 0) {
		m->without = true;
		m->without_dev = st.st_dev;
		m->without_ino = st.st_ino;
	}
	if (mkdir(copy, 0700) < 0 && errno != EEXIST)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'", copy);
	m->copy = open(copy, DIR_FLAGS);
	if (m->copy < 0 || fchown(m->copy, id, id) < 0 || fchmod(m->copy, 0700) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot give directory '%s' away",
				 copy);
	if (put_directory(m, &(struct place){m->from, m->copy, "", 0}, err) < 0)
		return -1;
	*ret = steal_ptr(m);
	return 0;
}

/* --- and back -------------------------------------------------------------------------------- */

static int take_directory(struct mirror *m, const struct place *at, struct err **err);

static const struct entry *known(struct mirror *m, const struct place *at, const char *name)
{
	char *path cleanup_free = xasprintf("%s%s", at->path, name);

	return map_get(&m->entries, path);
}

static int take_plain(struct mirror *m, const struct place *at, const char *name, struct err **err)
{
	const struct entry *had = known(m, at, name);
	int fd cleanup_fd = -1;
	struct stat st;

	if (open_plain(at->copy, name, &fd, &st) != 0 || st.st_uid != m->id)
		return 0;
	if (had && had->mode == st.st_mode && had->size == st.st_size && had->ino == st.st_ino &&
	    same_time(had->mtime, st.st_mtim) && same_time(had->ctime, st.st_ctim))
		return 0;
	if (remove_all(at->from, ARRIVING, err) < 0)
		return -1;
	if (write_plain(fd, &st, at->from, ARRIVING, (uid_t)-1, err) < 0) {
		(void)unlinkat(at->from, ARRIVING, 0);
		return err_wrap(err, "'%s%s'", at->path, name);
	}
	if (renameat(at->from, ARRIVING, at->from, name) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot replace '%s%s'", at->path,
				 name);
	return 0;
}

static int take_below(struct mirror *m, const struct place *at, const char *name,
		      const struct stat *st, struct err **err)
{
	char *path cleanup_free = xasprintf("%s%s/", at->path, name);
	int copy cleanup_fd = openat(at->copy, name, DIR_FLAGS), from cleanup_fd = -1;

	if (copy < 0)
		return 0;
	if (!known(m, at, name) && mkdirat(at->from, name, st->st_mode & 0777) < 0 &&
	    errno != EEXIST)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'", path);
	from = openat(at->from, name, DIR_FLAGS);
	if (from < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open directory '%s'", path);
	if (deeper(at, path, err) < 0)
		return -1;
	return take_directory(m, &(struct place){from, copy, path, at->depth + 1}, err);
}

/* Removes what was handed over and is gone from the copy; what came meanwhile stays. */
static void remove_known(struct mirror *m, const struct place *at, const char *name)
{
	const struct entry *had = known(m, at, name);
	struct strv below cleanup_strv = {0};
	struct err *ignored cleanup_err = NULL;
	char *path cleanup_free = NULL;
	int from cleanup_fd = -1;

	if (!had)
		return;
	if (!S_ISDIR(had->mode)) {
		(void)unlinkat(at->from, name, 0);
		return;
	}
	path = xasprintf("%s%s/", at->path, name);
	from = openat(at->from, name, DIR_FLAGS);
	if (from < 0 || names(from, path, &below, &ignored) < 0)
		return;
	for (size_t i = 0; i < below.count; i++)
		remove_known(m, &(struct place){from, -1, path, at->depth + 1}, below.items[i]);
	(void)unlinkat(at->from, name, AT_REMOVEDIR);
}

static int take_entry(struct mirror *m, const struct place *at, const char *name, struct err **err)
{
	struct stat st;

	if (fstatat(at->copy, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return take_below(m, at, name, &st, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (take_plain(m, at, name, err) < 0)
		return -1;
	if (!(st.st_mode & 077))
		(void)unlinkat(at->copy, name, 0);
	return 0;
}

static int take_directory(struct mirror *m, const struct place *at, struct err **err)
{
	struct strv there cleanup_strv = {0}, here cleanup_strv = {0};
	struct map present cleanup_map = {0};

	if (names(at->copy, at->path, &there, err) < 0)
		return -1;
	for (size_t i = 0; i < there.count; i++) {
		map_set(&present, there.items[i], m);
		if (take_entry(m, at, there.items[i], err) < 0)
			return -1;
	}
	if (names(at->from, at->path, &here, err) < 0)
		return -1;
	for (size_t i = 0; i < here.count; i++)
		if (!map_get(&present, here.items[i]))
			remove_known(m, at, here.items[i]);
	return 0;
}

int mirror_take_back(struct mirror *m, struct err **err)
{
	return take_directory(m, &(struct place){m->from, m->copy, "", 0}, err);
}

void mirror_free(struct mirror *m)
{
	if (!m)
		return;
	fd_closep(&m->copy);
	map_clear(&m->entries);
	arena_free(m->arena);
	free(m);
}
