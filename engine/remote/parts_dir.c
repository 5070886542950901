/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "remote/parts.h"

/* The directory of volume I of an artifact with COUNT parts. Caller frees. */
static char *volume_dir(const char *dir, size_t count, size_t i)
{
	return count > PARTS_PER_MAP ? xasprintf("%s/%03zx", dir, i) : xstrdup(dir);
}

static int save_part(const char *dir, int fd, const char *name, const struct part *part,
		     struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *path cleanup_free = path_join(dir, digest_hex(&part->digest, hex));
	char *bytes cleanup_free = NULL;
	ssize_t n;

	if (path_exists(path))
		return 0;
	bytes = xmalloc(part->len);
	n = pread(fd, bytes, part->len, (off_t)part->offset);
	if (n != (ssize_t)part->len)
		return err_errno(err, E_READ_FAILED, n < 0 ? errno : EIO, "cannot read '%s'", name);
	return file_write(path, bytes, part->len, 0644, false, err);
}

static int save_volume(const char *dir, int fd, const char *name, const struct artifact *a,
		       const struct parts *parts, size_t first, size_t count, struct err **err)
{
	char *path cleanup_free = path_join(dir, "map");
	struct str map cleanup_str = STR_INIT;

	if (path_mkdirs(dir, err) < 0)
		return -1;
	for (size_t i = first; i < first + count; i++)
		if (save_part(dir, fd, name, &parts->items[i], err) < 0)
			return -1;
	parts_map(a, parts, first, count, &map);
	return file_write(path, map.buf, map.len, 0644, false, err);
}

int parts_dir_save(int fd, const char *name, const struct artifact *a, const char *dir,
		   struct err **err)
{
	struct parts parts = {0};
	int rc = parts_cut(fd, name, a->type, NULL, NULL, &parts, err);

	for (size_t first = 0, i = 0; rc == 0 && (first < parts.count || i == 0); i++) {
		char *volume cleanup_free = volume_dir(dir, parts.count, i);
		size_t left = parts.count - first,
		       count = left < PARTS_PER_MAP ? left : PARTS_PER_MAP;

		rc = save_volume(volume, fd, name, a, &parts, first, count, err);
		first += count;
	}
	parts_clear(&parts);
	return rc;
}

static int load_part(const char *dir, int fd, const char *path, const struct part *part,
		     struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *file cleanup_free = path_join(dir, digest_hex(&part->digest, hex));
	struct str bytes cleanup_str = STR_INIT;
	struct digest d;

	if (file_read_foreign(file, part->len, &bytes, err) < 0)
		return -1;
	digest_data(bytes.buf, bytes.len, &d);
	if (bytes.len != part->len || !digest_eq(&d, &part->digest))
		return err_set(err, E_REMOTE_DAMAGED, "part '%s' is not what its name says", file);
	return parts_put(fd, path, part, bytes.buf, err);
}

static int load_volume(const char *dir, const struct artifact *a, int fd, const char *path,
		       struct parts *parts, struct err **err)
{
	char *file cleanup_free = path_join(dir, "map");
	struct str map cleanup_str = STR_INIT;
	size_t first = parts->count;

	if (file_read_foreign(file, PARTS_MAP_MAX, &map, err) < 0 ||
	    parts_map_parse(a, map.buf, map.len, parts, err) < 0)
		return -1;
	for (size_t i = first; i < parts->count; i++)
		if (load_part(dir, fd, path, &parts->items[i], err) < 0)
			return -1;
	return 0;
}

/* "000" says that there are several. */
static int load_all(const char *dir, const struct artifact *a, int fd, const char *path,
		    struct parts *parts, struct err **err)
{
	char *first cleanup_free = path_join(dir, "000");

	if (!path_exists(first))
		return load_volume(dir, a, fd, path, parts, err);
	for (size_t i = 0; i < PARTS_VOLUMES_MAX; i++) {
		char *volume cleanup_free = xasprintf("%s/%03zx", dir, i);

		if (!path_exists(volume))
			break;
		if (load_volume(volume, a, fd, path, parts, err) < 0)
			return -1;
	}
	return 0;
}

int parts_dir_load(const char *dir, const struct artifact *a, const char *path, struct err **err)
{
	struct parts parts = {0};
	int fd cleanup_fd = -1;
	int rc;

	if (parts_file(path, a, &fd, err) < 0)
		return -1;
	rc = load_all(dir, a, fd, path, &parts, err);
	parts_clear(&parts);
	return rc;
}
