/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MAX_OPEN 64 /* levels whose directory stays open; others are found again by ".." */

struct level {
	int fd; /* or -1 */
	dev_t dev;
	ino_t ino;
	int mode;         /* to be given back, or -1 */
	struct strv dirs; /* names; the last is the next */
};
DEFINE_VEC(levels, struct level)

struct walking {
	const struct walk *w;
	struct levels stack;
};

static struct level *top(struct walking *k)
{
	return &k->stack.items[k->stack.count - 1];
}

/* Opens a directory, whose mode is changed if that is what it takes. Sets errno. */
static int open_dir(const struct walk *w, int at, const char *name, int *ret_mode)
{
	struct stat st;
	int fd;

	*ret_mode = -1;
	if (w->how != WALK_FORCE) {
		fd = openat(at, name, FLAGS);
		if (fd >= 0 && (w->how == WALK_AS_IT_IS || faccessat(fd, ".", X_OK, 0) == 0))
			return fd;
		if (fd < 0 && (errno != EACCES || w->how == WALK_AS_IT_IS))
			return -1;
		if (fd >= 0)
			close(fd);
	}
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_mode & 0700) != 0700 && fchmodat(at, name, 0700, 0) == 0 && w->how == WALK_OPEN)
		*ret_mode = (int)(st.st_mode & 07777);
	return openat(at, name, FLAGS);
}

/* Visits all entries but the directories, which are noted. */
static int list(struct walking *k, DIR *dir, struct err **err)
{
	int rc = 0;

	for (struct dirent *e; rc == 0 && (e = readdir(dir));) {
		bool is_dir = e->d_type == DT_DIR;
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (e->d_type == DT_UNKNOWN)
			is_dir = fstatat(top(k)->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
				 S_ISDIR(st.st_mode);
		if (is_dir)
			strv_push(&top(k)->dirs, e->d_name);
		else
			rc = k->w->entry(k->w->arg, top(k)->fd, e->d_name, false, err);
	}
	return rc;
}

/* FD, taken over, is the next level. NAME is for messages. */
static int enter(struct walking *k, int fd, int mode, const char *name, struct err **err)
{
	struct level *l = levels_at_end(&k->stack);
	int listed = fcntl(fd, F_DUPFD_CLOEXEC, 0), rc;
	DIR *dir = listed < 0 ? NULL : fdopendir(listed);
	struct stat st;

	*l = (struct level){.fd = fd, .mode = mode};
	if (!dir || fstat(fd, &st) < 0) {
		rc = err_errno(err, E_FILE_UNREADABLE, errno, "cannot read directory '%s'", name);
		if (listed >= 0 && !dir)
			close(listed);
	} else {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		rc = list(k, dir, err);
	}
	if (dir)
		closedir(dir);
	return rc;
}

static int descend(struct walking *k, const char *name, struct err **err)
{
	struct level *l = top(k);
	int mode;
	int fd = open_dir(k->w, l->fd, name, &mode), why = errno;
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_dev != l->dev) {
		close(fd);
		fd = -1;
		why = EXDEV;
	}
	if (fd < 0)
		return k->w->shut && k->w->shut(k->w->arg, name, why, err) < 0 ? -1 : 1;
	if (k->stack.count > MAX_OPEN) {
		struct level *far = &k->stack.items[k->stack.count - 1 - MAX_OPEN];

		close(far->fd);
		far->fd = -1;
	}
	return enter(k, fd, mode, name, err) < 0 ? -1 : 0;
}

/* The level on top, one of whose directories is CHILD, has its descriptor again. */
static int come_back(struct walking *k, int child, struct err **err)
{
	struct level *l = top(k);
	struct stat st;

	if (l->fd >= 0)
		return 0;
	l->fd = openat(child, "..", FLAGS);
	if (l->fd >= 0 && fstat(l->fd, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		return 0;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	return err_set(err, E_CHANGED_WHILE_READ, "a directory was moved while it was being read");
}

static void leave(struct level *l)
{
	if (l->fd >= 0) {
		if (l->mode >= 0)
			(void)!fchmod(l->fd, (mode_t)l->mode);
		close(l->fd);
	}
	strv_clear(&l->dirs);
}

/* The directory that was noted last, and all in it, has been looked at. */
static int finish_dir(struct walking *k, struct err **err)
{
	struct level *l = top(k);
	char *name cleanup_free = l->dirs.items[--l->dirs.count];

	return k->w->entry(k->w->arg, l->fd, name, true, err);
}

static int step(struct walking *k, struct err **err)
{
	struct level *l = top(k), done;
	int rc;

	if (l->dirs.count) {
		rc = descend(k, l->dirs.items[l->dirs.count - 1], err);
		return rc > 0 ? finish_dir(k, err) : rc;
	}
	done = *l;
	rc = --k->stack.count ? come_back(k, done.fd, err) : 0;
	leave(&done);
	return rc == 0 && k->stack.count ? finish_dir(k, err) : rc;
}

int walk_below(const char *path, const struct walk *w, struct err **err)
{
	struct walking k = {.w = w};
	int mode;
	int fd = open_dir(w, AT_FDCWD, path, &mode), rc;

	if (fd < 0)
		return w->shut ? w->shut(w->arg, path, errno, err) : 0;
	rc = enter(&k, fd, mode, path, err);
	while (rc == 0 && k.stack.count)
		rc = step(&k, err);
	while (k.stack.count)
		leave(&k.stack.items[--k.stack.count]);
	levels_clear(&k.stack);
	return rc;
}

static int is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* alphasort(3) has the order of the user's language. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int walk_names(const char *dir, struct strv *ret, struct err **err)
{
	struct dirent **list;
	int count = scandir(dir, &list, is_shown, by_bytes);

	if (count < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read directory '%s'", dir);
	for (int i = 0; i < count; i++) {
		strv_push(ret, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return 0;
}
