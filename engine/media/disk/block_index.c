/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/block_index.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "media/disk/blocks.h"

#define PIECE (1u << 20)

/* PIECE bytes of the file from AT on, or what is left, to BUF. */
static int read_piece(int fd, const char *name, uint64_t at, unsigned char *buf, size_t len,
		      struct err **err)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = pread(fd, buf + got, len - got, (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if (n == 0)
			return err_set(err, E_CHANGED_WHILE_READ,
				       "'%s' became shorter while it was read", name);
		got += (size_t)n;
	}
	return 0;
}

static void add_blocks(struct str *hashes, const unsigned char *data, size_t len)
{
	struct digest d;

	for (size_t i = 0; i < len; i += BLOCK_BYTES) {
		digest_data(data + i, BLOCK_BYTES, &d);
		str_append_len(hashes, d.b, sizeof(d.b));
	}
}

static int hash_all(int fd, const char *name, struct hasher *h, struct block_index *ret,
		    struct err **err)
{
	unsigned char *buf cleanup_free = xmalloc(PIECE), *zeros cleanup_free = xcalloc(PIECE, 1);
	uint64_t data = fd_next_data(fd, 0);
	struct str hole cleanup_str = STR_INIT;

	add_blocks(&hole, zeros, PIECE);
	for (uint64_t at = 0; at < ret->size; at += PIECE) {
		size_t len = ret->size - at < PIECE ? (size_t)(ret->size - at) : PIECE;

		if (data < at)
			data = fd_next_data(fd, at);
		if (data >= at + len) {
			hasher_update(h, zeros, len);
			str_append_len(&ret->hashes, hole.buf,
				       len / BLOCK_BYTES * BLOCK_INDEX_BYTES);
			continue;
		}
		if (read_piece(fd, name, at, buf, len, err) < 0)
			return -1;
		hasher_update(h, buf, len);
		add_blocks(&ret->hashes, buf, len);
	}
	return 0;
}

int block_index_make(const char *path, const char *name, struct block_index *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct hasher *h;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", name);
	if (!st.st_size || st.st_size % BLOCK_BYTES)
		return err_set(
			err, E_INVALID_VALUE,
			"'%s' has %llu bytes: RAUC makes an index only of whole blocks of %u", name,
			(unsigned long long)st.st_size, BLOCK_BYTES);
	ret->size = (uint64_t)st.st_size;
	h = hasher_new();
	if (hash_all(fd, name, h, ret, err) < 0) {
		hasher_free(h);
		return -1;
	}
	hasher_finish(h, &ret->image);
	return 0;
}

void block_index_clear(struct block_index *x)
{
	str_release(&x->hashes);
}
