/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/unpack.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* Magic numbers: RFC 1952, .xz format 1.1, RFC 8878, bzip2, LZ4 frame format 1.6. */
static const struct magic {
	int filter;
	const char *name, *bytes;
	size_t len;
} magics[] = {
	{ARCHIVE_FILTER_GZIP, "gzip", "\x1f\x8b", 2},
	{ARCHIVE_FILTER_XZ, "xz",
	 "\xfd"
	 "7zXZ\0",
	 6},
	{ARCHIVE_FILTER_ZSTD, "zstd", "\x28\xb5\x2f\xfd", 4},
	{ARCHIVE_FILTER_BZIP2, "bzip2", "BZh", 3},
	{ARCHIVE_FILTER_LZ4, "lz4", "\x04\x22\x4d\x18", 4},
};

static const struct magic *find_magic(const void *data, size_t len)
{
	for (size_t i = 0; i < array_len(magics); i++)
		if (len >= magics[i].len && memcmp(data, magics[i].bytes, magics[i].len) == 0)
			return &magics[i];
	return NULL;
}

uint64_t unpack_most(uint64_t len)
{
	uint64_t most;

	if (__builtin_mul_overflow(len, UNPACK_RATIO, &most) || most > UNPACK_MOST - UNPACK_FREE)
		return UNPACK_MOST;
	return UNPACK_FREE + most;
}

int unpack_fail(const struct unpack *u, struct err **err)
{
	const char *text = archive_error_string(u->a);
	int num = archive_errno(u->a);

	return err_set(err, num == ENOSPC || num == ENOMEM ? ERR_RESOURCE : ERR_BUILD, "'%s': %s",
		       u->name, text ? text : "cannot be read as an archive");
}

int unpack_open(struct unpack *u, const void *data, size_t len, struct err **err)
{
	const struct magic *m = find_magic(data, len);

	u->compressed = m != NULL;
	u->packed = len;
	u->most = m ? unpack_most(len) : UINT64_MAX;
	/* ARCHIVE_WARN: the library lacks it and would start a program. */
	if (m && archive_read_append_filter(u->a, m->filter) != ARCHIVE_OK)
		return err_set(err, ERR_ENV, "'%s': this machine's libarchive has no %s", u->name,
			       m->name);
	if (archive_read_open_memory(u->a, data, len) != ARCHIVE_OK)
		return unpack_fail(u, err);
	return 0;
}

int unpack_check(const struct unpack *u, uint64_t more, struct err **err)
{
	la_int64_t done = archive_filter_bytes(u->a, 0);
	uint64_t all = done > 0 ? (uint64_t)done : 0;
	char *packed cleanup_free = NULL, *most cleanup_free = NULL;

	if (all <= u->most && more <= u->most - all)
		return 0;
	packed = str_bytes(u->packed);
	most = str_bytes(u->most);
	return err_set(
		err, ERR_BUILD,
		"'%s' has %s and would become more than %s, which nothing that is made to be "
		"unpacked does; if it is right so, decompress it in a node of kind 'run'",
		u->name, packed, most);
}
