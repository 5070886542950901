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

/*
 * The digest of the file behind FD, if it IS_KEY or has one. Nothing of it stays in memory: this
 * process lives as long as the build does.
 */
static bool digest_key(int fd, const char *path, bool is_key, struct digest *ret)
{
	struct err *ignored cleanup_err = NULL;
	char *bytes cleanup_free = xmalloc(KEY_MAX);
	ssize_t n = pread(fd, bytes, KEY_MAX, 0);
	bool found = n > 0 && (is_key || private_key_in(bytes, (size_t)n));

	if (found && n < KEY_MAX)
		digest_data(bytes, (size_t)n, ret);
	else if (found)
		found = digest_fd(fd, path, ret, &ignored) == 0;
	explicit_bzero(bytes, KEY_MAX);
	return found;
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
	struct secret secret;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return;
	if (S_ISDIR(st.st_mode))
		add_directory(s, arena, dirfd, path);
	if (!S_ISREG(st.st_mode) || !digest_key(fd, path, is_key, &secret.digest))
		return;
	secret.path = arena_strdup(arena, path);
	secrets_push(s, secret);
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
