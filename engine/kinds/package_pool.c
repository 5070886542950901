/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/package_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

/* The key of `pools:` that is about the archives of all Debian packages. */
#define POOLS_OF_DEBIAN "debian"

bool pool_is_url(const char *text)
{
	return strstr(text, "://") || str_skip(text, "file:/");
}

const char *pool_path(struct arena *arena, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(d, hex);
	return arena_printf(arena, "sha256/%.2s/%s", hex, hex);
}

static void push(const char **list, size_t *count, const char *text)
{
	for (size_t i = 0; i < *count; i++)
		if (str_eq(list[i], text))
			return;
	list[(*count)++] = text;
}

/* What one key of `pools:` lists; the first directory is the one that is filled. */
static void take_pair(struct arena *arena, const struct pair *pair, const char *base,
		      struct pools *ret)
{
	const struct list *items = pair->data;
	bool first = true;

	for (size_t i = 0; i < items->count; i++) {
		const char *text = LIST_AT(*items, const char *, i);
		char *path cleanup_free = pool_is_url(text) ? NULL : path_join(base, text);
		const char *normal;

		if (!path) {
			size_t n = strlen(text);

			while (n && text[n - 1] == '/')
				n--;
			push(ret->urls, &ret->url_count, arena_strndup(arena, text, n));
			continue;
		}
		normal = arena_strdup(arena, path);
		push(ret->dirs, &ret->dir_count, normal);
		if (first)
			push(ret->filled, &ret->filled_count, normal);
		first = false;
	}
}

void pools_find(struct arena *arena, const struct user_config *config, const char *own,
		const char *alias, struct pools *ret)
{
	char *path cleanup_free = user_config_path();
	char *base cleanup_free = path ? path_dir(path) : xstrdup("/");
	size_t most = 1;

	for (size_t i = 0; i < config->pools.count; i++)
		most += ((const struct list *)LIST_AT(config->pools, struct pair *, i)->data)
				->count;
	*ret = (struct pools){.dirs = arena_alloc(arena, most * sizeof(char *)),
			      .urls = arena_alloc(arena, most * sizeof(char *)),
			      .filled = arena_alloc(arena, most * sizeof(char *))};
	if (own)
		ret->dirs[ret->dir_count++] = ret->filled[ret->filled_count++] = own;
	for (size_t i = 0; i < config->pools.count; i++) {
		const struct pair *pair = LIST_AT(config->pools, struct pair *, i);

		if (!alias || str_eq(pair->key, alias) || str_eq(pair->key, POOLS_OF_DEBIAN))
			take_pair(arena, pair, base, ret);
	}
}

/* ---- taking ---- */

/* A pipe would hold us, and a directory is none. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		fd_closep(&fd);
	return fd;
}

/* 0; 1: PATH has other bytes. What is compared is the copy. */
static int take_file(int fd, const char *path, const struct digest *d, uint64_t size,
		     const char *dest, struct err **err)
{
	char *tmp cleanup_free = xasprintf("%s.%ld.part", dest, (long)getpid());
	struct digest have;
	struct stat st;
	int rc = 1;

	if (fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot look at '%s'", path);
	if (size && (uint64_t)st.st_size != size)
		return 1;
	if (unlink(tmp) < 0 && errno != ENOENT)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot remove '%s'", tmp);
	if (file_copy_from(fd, path, tmp, 0444, err) < 0 || digest_file(tmp, &have, err) < 0)
		rc = -1;
	else if (digest_eq(&have, d))
		rc = 0;
	if (rc == 0 && rename(tmp, dest) < 0)
		rc = err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", dest);
	if (rc)
		unlink(tmp);
	return rc;
}

int pool_copy(const char *path, const struct digest *d, uint64_t size, const char *dest,
	      bool *ret_there, struct err **err)
{
	int fd cleanup_fd = open_regular(path);

	*ret_there = fd >= 0;
	return fd < 0 ? 1 : take_file(fd, path, d, size, dest, err);
}

int pools_copy(struct arena *arena, const struct pools *p, const struct digest *d, uint64_t size,
	       const char *dest, const char **ret_damaged, struct err **err)
{
	*ret_damaged = NULL;
	for (size_t i = 0; i < p->dir_count; i++) {
		const char *path = arena_printf(arena, "%s/%s", p->dirs[i], pool_path(arena, d));
		bool there;
		int rc = pool_copy(path, d, size, dest, &there, err);

		if (rc <= 0)
			return rc;
		if (there)
			*ret_damaged = path;
	}
	return 1;
}
