/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"
#include "media/tree/tree.h"
#include "media/tree/unpack.h"

static void read_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

int tree_expand(const char *name, const void *data, size_t len, int fd, uint64_t offset,
		uint64_t *ret_len, struct err **err)
{
	struct archive *a __attribute__((cleanup(read_freep))) = NULL;
	struct unpack u = {.name = name};
	struct archive_entry *ae;
	const void *block;
	size_t n;
	la_int64_t at;
	int rc;

	*ret_len = 0;
	a = archive_read_new();
	if (!a)
		return err_set(err, E_INTERNAL, "libarchive has no reader");
	u.a = a;
	archive_read_support_format_raw(a);
	if (unpack_open(&u, data, len, err) < 0)
		return -1;
	if (archive_read_next_header(a, &ae) != ARCHIVE_OK)
		return unpack_fail(&u, err);
	while ((rc = archive_read_data_block(a, &block, &n, &at)) == ARCHIVE_OK) {
		if (unpack_check(&u, 0, err) < 0 ||
		    fd_pwrite_all(fd, name, block, n, offset + (uint64_t)at, err) < 0)
			return -1;
		*ret_len = (uint64_t)at + n;
	}
	return rc == ARCHIVE_EOF ? unpack_end(&u, err) : unpack_fail(&u, err);
}
