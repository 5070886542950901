/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/chunks.h"

#include <errno.h>
#include <stdio.h>

#include "base/file.h"

struct walk {
	int fd;
	const char *name;
	char *buf; /* CHUNK_SIZE */
	struct str *map;
	struct hasher *hasher;
	uint64_t next; /* first chunk that is not yet looked at */
	struct chunk_info *info;
};

#define BLOCK 4096 /* what file systems allocate */

/* Of the LEN bytes at P, how many are in blocks that are not all zero. */
static size_t data_in(const char *p, size_t len)
{
	size_t data = 0;

	for (size_t at = 0; at < len; at += BLOCK) {
		size_t n = len - at < BLOCK ? len - at : BLOCK;

		if (p[at] || memcmp(p + at, p + at + 1, n - 1) != 0)
			data += n;
	}
	return data;
}

static void map_line(struct walk *w, const char *text, size_t len)
{
	hasher_update(w->hasher, text, len);
	if (w->map)
		str_append_len(w->map, text, len);
}

static int one_chunk(struct walk *w, uint64_t index, struct err **err)
{
	uint64_t at = index * CHUNK_SIZE;
	uint64_t left = w->info->size - at;
	size_t want = left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE, got = 0, data;
	char hex[DIGEST_HEX + 1], line[DIGEST_HEX + 32];
	struct digest d;
	int n;

	while (got < want) {
		ssize_t r = pread(w->fd, w->buf + got, want - got, (off_t)(at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", w->name);
		if (r == 0)
			return err_set(err, E_CHANGED_WHILE_READ,
				       "'%s' became shorter while it was read", w->name);
		got += (size_t)r;
	}
	data = data_in(w->buf, want);
	if (!data)
		return 0;
	digest_data(w->buf, want, &d);
	n = snprintf(line, sizeof(line), "%llu %s\n", (unsigned long long)index,
		     digest_hex(&d, hex));
	map_line(w, line, (size_t)n);
	w->info->allocated += data;
	return 0;
}

static int on_extent(void *arg, uint64_t offset, uint64_t len, struct err **err)
{
	struct walk *w = arg;
	uint64_t first = offset / CHUNK_SIZE, last = (offset + len - 1) / CHUNK_SIZE;

	for (uint64_t i = first < w->next ? w->next : first; i <= last; i++) {
		if (one_chunk(w, i, err) < 0)
			return -1;
	}
	if (last + 1 > w->next)
		w->next = last + 1;
	return 0;
}

int chunks_digest(int fd, const char *name, struct str *map, struct chunk_info *ret,
		  struct err **err)
{
	char *buf cleanup_free = xmalloc(CHUNK_SIZE);
	struct chunk_info info = {0};
	struct walk w = {.fd = fd, .name = name, .buf = buf, .map = map, .info = &info};
	char head[64];
	struct stat st;
	int n;

	if (fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
	info.size = (uint64_t)st.st_size;
	w.hasher = hasher_new();
	n = snprintf(head, sizeof(head), "orch-chunks 1\nsize %llu\n",
		     (unsigned long long)info.size);
	map_line(&w, head, (size_t)n);
	if (fd_extents(fd, name, info.size, on_extent, &w, err) < 0) {
		hasher_free(w.hasher);
		return -1;
	}
	hasher_finish(w.hasher, &info.digest);
	*ret = info;
	return 0;
}
