/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "media/tree/tree.h"

/* What a file has from AT on: bytes, or NULL for a hole. *I: the segment to look from. */
static const char *run_at(const struct tree_inode *n, size_t *i, uint64_t at, uint64_t *ret_len)
{
	const struct tree_segment *s;

	while (*i < n->segment_count && n->segments[*i].offset + n->segments[*i].len <= at)
		++*i;
	s = *i < n->segment_count ? &n->segments[*i] : NULL;
	*ret_len = !s ? UINT64_MAX : s->offset > at ? s->offset - at : s->offset + s->len - at;
	return s && s->offset <= at ? (const char *)s->data + (at - s->offset) : NULL;
}

/* The first of LEN bytes that differ; LEN: none. NULL is zeros. */
static uint64_t first_difference(const char *a, const char *b, uint64_t len)
{
	uint64_t i = 0;

	if (a == b || (a && b && memcmp(a, b, len) == 0))
		return len;
	while (i < len && (a ? a[i] : 0) == (b ? b[i] : 0))
		i++;
	return i;
}

uint64_t tree_inode_difference(const struct tree_inode *a, const struct tree_inode *b)
{
	uint64_t size = a->size < b->size ? a->size : b->size, len, other, at = 0;
	size_t i = 0, k = 0;

	while (at < size) {
		const char *x = run_at(a, &i, at, &len), *y = run_at(b, &k, at, &other);
		uint64_t same;

		if (other < len)
			len = other;
		if (len > size - at)
			len = size - at;
		same = first_difference(x, y, len);
		if (same < len)
			return at + same;
		at += len;
	}
	return a->size == b->size ? UINT64_MAX : size;
}
