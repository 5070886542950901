/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/place.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

#define SUGGEST_FILES_MAX 4096

void place_clear(struct place *p)
{
	free(p->real);
}

/* Where an open file really is, absolute; caller frees. NULL: nowhere. */
static char *real_path(int fd)
{
	char link[64], target[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	return n > 0 ? xstrndup(target, (size_t)n) : NULL;
}

struct place place_find(int dirfd, const char *path)
{
	struct err *err cleanup_err = NULL;
	int fd cleanup_fd = path_open_beneath(dirfd, path, O_PATH, &err);
	struct place p = {0};
	struct stat st;

	if (fd < 0) {
		p.type = err->errnum == 0 ? 'o' : 0;
	} else if (fstat(fd, &st) == 0) {
		char *root cleanup_free = real_path(dirfd), *real cleanup_free = real_path(fd);
		const char *below = root && real ? str_skip(real, root) : NULL;

		p.type = S_ISREG(st.st_mode) ? 'f' : S_ISDIR(st.st_mode) ? 'd' : 's';
		p.dev = st.st_dev;
		p.ino = st.st_ino;
		p.real = below && *below == '/' ? xstrdup(below + 1) : NULL;
	}
	return p;
}

char place_type(int dirfd, const char *path)
{
	struct place p cleanup_place = place_find(dirfd, path);

	return p.type;
}

char *place_near(int dirfd, const char *path)
{
	char *directory cleanup_free = path_dir(path);
	struct strv names cleanup_strv = {0};
	struct err *err cleanup_err = NULL;
	int fd = path_open_beneath(dirfd, directory, O_RDONLY | O_DIRECTORY, &err);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const char *near;
	struct dirent *de;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while ((de = readdir(dir)) && names.count < SUGGEST_FILES_MAX)
		strv_push(&names, de->d_name);
	closedir(dir);
	near = str_nearest(path_base(path), (const char *const *)names.items, names.count);
	if (!near)
		return NULL;
	return str_eq(directory, ".") ? xstrdup(near) : path_join(directory, near);
}

/* Whether one of the two is the other, or lies in it. */
static bool overlap(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b), least = a_len < b_len ? a_len : b_len;

	return strncmp(a, b, least) == 0 &&
	       (a_len == b_len || (a_len < b_len ? b[a_len] : a[b_len]) == '/');
}

void place_hide(struct hidden_list *list, struct arena *arena, int dirfd, const char *path)
{
	struct place p cleanup_place = place_find(dirfd, path);
	struct hidden h = {.path = path, .exists = p.type != 0, .dev = p.dev, .ino = p.ino};

	if (p.real)
		h.real = arena_strdup(arena, p.real);
	hidden_list_push(list, h);
}

const char *place_hidden(const struct hidden_list *list, const char *path, const struct place *p)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct hidden *h = &list->items[i];

		if (overlap(path, h->path) || (p->real && overlap(p->real, h->path)) ||
		    (p->real && h->real && overlap(p->real, h->real)) ||
		    (h->exists && h->dev == p->dev && h->ino == p->ino))
			return h->path;
	}
	return NULL;
}
