/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/leftovers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/vec.h"

#define NOTES_MAX (1u << 20)

struct leftovers {
	char *path; /* of the file */
	int fd;     /* holds its lock */
	struct strv noted;
};

static void remove_lines(char *text)
{
	char *next = text, *line;

	while ((line = strsep(&next, "\n"))) {
		struct err *ignored cleanup_err = NULL;

		if (line[0] == '/' && line[1])
			(void)!path_remove(line, &ignored);
	}
}

/* Clears up after the process that wrote the notes at PATH, unless it lives. */
static void sweep_file(const char *path)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fd_read_all(fd, path, NOTES_MAX, &text, &ignored) == 0)
		remove_lines(text.buf);
	unlink(path);
}

static void sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path cleanup_free = path_join(dir, e->d_name);

		if (str_skip(e->d_name, "notes-"))
			sweep_file(path);
	}
	if (d)
		closedir(d);
}

int leftovers_open(const char *dir, struct leftovers **ret, struct err **err)
{
	char *lock cleanup_free = path_join(dir, "lock");
	char *path = NULL;
	int lock_fd cleanup_fd = -1, fd;

	if (path_mkdirs(dir, err) < 0 || lock_file(lock, LOCK_EXCLUSIVE, true, &lock_fd, err) < 0)
		return -1;
	sweep(dir);
	path = path_join(dir, "notes-XXXXXX");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		err_errno(err, E_SCRATCH_FAILED, errno, "cannot create '%s'", path);
		free(path);
		return -1;
	}
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->path = path;
	(*ret)->fd = fd;
	return 0;
}

void leftovers_note(struct leftovers *l, const char *path)
{
	char *line cleanup_free = xasprintf("%s\n", path);
	struct err *ignored cleanup_err = NULL;

	for (size_t i = 0; i < l->noted.count; i++) {
		if (str_eq(l->noted.items[i], path))
			return;
	}
	strv_push(&l->noted, path);
	(void)!fd_write_all(l->fd, l->path, line, strlen(line), &ignored);
}

void leftovers_close(struct leftovers *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->noted.count; i++) {
		struct err *ignored cleanup_err = NULL;

		(void)!path_remove(l->noted.items[i], &ignored);
	}
	unlink(l->path);
	close(l->fd);
	strv_clear(&l->noted);
	free(l->path);
	free(l);
}
