/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/secrets.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"

#define KEY_MAX (256 * 1024) /* bytes in which the key of a file begins and ends */

static void add_file(struct secrets *s, struct arena *arena, int fd, const char *path)
{
	struct err *ignored cleanup_err = NULL;
	struct secret secret;

	if (digest_fd(fd, path, &secret.digest, &ignored))
		return;
	secret.path = arena_strdup(arena, path);
	secrets_push(s, secret);
}

static bool has_key(int fd)
{
	char *bytes cleanup_free = xmalloc(KEY_MAX);
	ssize_t n = pread(fd, bytes, KEY_MAX, 0);

	return n > 0 && private_key_in(bytes, (size_t)n);
}

static void add(struct secrets *s, struct arena *arena, int dirfd, const char *path, bool is_key);

static void add_directory(struct secrets *s, struct arena *arena, int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(dir))) {
		char *below cleanup_free = path_join(path, de->d_name);

		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			add(s, arena, dirfd, below, false);
	}
	closedir(dir);
}

/* IS_KEY: whatever the file holds. */
static void add(struct secrets *s, struct arena *arena, int dirfd, const char *path, bool is_key)
{
	struct err *ignored cleanup_err = NULL;
	int fd cleanup_fd = path_open_beneath(dirfd, path, O_RDONLY | O_NONBLOCK, &ignored);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return;
	if (S_ISDIR(st.st_mode))
		add_directory(s, arena, dirfd, path);
	else if (S_ISREG(st.st_mode) && st.st_size && (is_key || has_key(fd)))
		add_file(s, arena, fd, path);
}

void secrets_add(struct secrets *s, struct arena *arena, int dirfd, const char *path)
{
	add(s, arena, dirfd, path, true);
}

const char *secrets_find(const struct secrets *s, const struct digest *digest)
{
	for (size_t i = 0; i < s->count; i++) {
		if (digest_eq(&s->items[i].digest, digest))
			return s->items[i].path;
	}
	return NULL;
}
