/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define PIECE (1u << 20)

/* ---- blocks by content ---- */

/* Contents as 64-bit numbers: two of 2^20 blocks are taken for one once in 2^24 images. */
struct contents {
	uint64_t *slots; /* 0: free */
	size_t size;     /* a power of two */
	size_t count;
	uint64_t met; /* of them, by forget() */
};

static uint64_t content_of(const unsigned char *block)
{
	uint64_t h = 0x9e3779b97f4a7c15, word;

	for (size_t i = 0; i < BLOCK_BYTES; i += sizeof(word)) {
		memcpy(&word, block + i, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccd;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

static uint64_t *slot_of(const struct contents *c, uint64_t content)
{
	size_t at = content & (c->size - 1);

	while (c->slots[at] && c->slots[at] != content)
		at = (at + 1) & (c->size - 1);
	return &c->slots[at];
}

static void grow(struct contents *c)
{
	struct contents larger = {.size = c->size ? c->size * 2 : 1024};

	larger.slots = xcalloc(larger.size, sizeof(*larger.slots));
	for (size_t i = 0; i < c->size; i++) {
		if (c->slots[i])
			*slot_of(&larger, c->slots[i]) = c->slots[i];
	}
	free(c->slots);
	c->slots = larger.slots;
	c->size = larger.size;
}

static void remember(struct contents *c, const unsigned char *block)
{
	uint64_t content = content_of(block), *slot;

	if (c->count * 2 >= c->size)
		grow(c);
	slot = slot_of(c, content);
	c->count += !*slot;
	*slot = content;
}

/* ---- reading ---- */

struct reader {
	const struct block_place *place;
	int fd;
	unsigned char *buf; /* PIECE bytes; NULL: nothing was read yet */
};

static int reader_open(struct reader *r, const struct block_place *place, struct err **err)
{
	r->place = place;
	r->fd = open(place->file, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", place->file);
	return 0;
}

static void reader_close(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->buf);
}
#define cleanup_reader __attribute__((cleanup(reader_close)))

/* The first block from AT on that may be other than zeros; UINT64_MAX: there is none. */
static uint64_t reader_next(const struct reader *r, uint64_t at)
{
	uint64_t start = r->place->at, data;

	if (at >= r->place->size || at > UINT64_MAX - start)
		return UINT64_MAX;
	data = fd_next_data(r->fd, start + at);
	if (data == UINT64_MAX || data - start >= r->place->size)
		return UINT64_MAX;
	return (data - start) / BLOCK_BYTES * BLOCK_BYTES;
}

/* LEN bytes of the image from AT on, zeros where it has ended. */
static int reader_get(struct reader *r, uint64_t at, size_t len, struct err **err)
{
	bool there = at < r->place->size && r->place->at <= INT64_MAX - at - len;
	uint64_t left = there ? r->place->size - at : 0;
	size_t want = left < len ? (size_t)left : len, got = 0;

	if (!r->buf)
		r->buf = xmalloc(PIECE);
	while (got < want) {
		ssize_t n =
			pread(r->fd, r->buf + got, want - got, (off_t)(r->place->at + at + got));

		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'",
					 r->place->file);
		if (!n)
			break;
		got += (size_t)n;
	}
	memset(r->buf + got, 0, len - got);
	return 0;
}

/* ---- comparing ---- */

static bool is_zero(const unsigned char *block)
{
	return !*block && !memcmp(block, block + 1, BLOCK_BYTES - 1);
}

static void note_change(struct block_ranges *list, uint64_t at)
{
	struct block_range *last = list->count ? &list->items[list->count - 1] : NULL;

	if (last && last->at + last->size == at)
		last->size += BLOCK_BYTES;
	else
		block_ranges_push(list, (struct block_range){at, BLOCK_BYTES});
}

static void compare_block(struct blocks *ret, struct contents *c, const unsigned char *before,
			  const unsigned char *after, uint64_t at)
{
	bool zero = is_zero(after);

	ret->zero += zero;
	if (!memcmp(before, after, BLOCK_BYTES))
		return;
	ret->changed++;
	note_change(&ret->changes, at);
	if (!zero)
		remember(c, after);
}

/* What of C is somewhere in R is not to be fetched. */
static int find_contents(struct reader *r, struct contents *c, struct err **err)
{
	for (uint64_t at = reader_next(r, 0); c->count && at < r->place->size;
	     at = reader_next(r, at + PIECE)) {
		if (reader_get(r, at, PIECE, err) < 0)
			return -1;
		for (size_t i = 0; i < PIECE; i += BLOCK_BYTES) {
			uint64_t content = content_of(r->buf + i);

			if (*slot_of(c, content) != content)
				continue;
			c->met++;
			/* not 0, which would end a chain of slots */
			*slot_of(c, content) = ~content ? ~content : 1;
		}
	}
	return 0;
}

/* The first block from AT on in which A and B may differ; UINT64_MAX: there is none. */
static uint64_t next_block(const struct reader *a, const struct reader *b, uint64_t at)
{
	uint64_t x = reader_next(a, at), y = reader_next(b, at);

	return x < y ? x : y;
}

static int compare(struct reader *a, struct reader *b, struct contents *c, struct blocks *ret,
		   struct err **err)
{
	uint64_t size = b->place->size, read = 0;

	for (uint64_t at = next_block(a, b, 0); at < size; at = next_block(a, b, at + PIECE)) {
		size_t len = size - at < PIECE ? (size_t)(size - at) : PIECE;

		if (reader_get(a, at, PIECE, err) < 0 || reader_get(b, at, PIECE, err) < 0)
			return -1;
		for (size_t i = 0; i < len; i += BLOCK_BYTES, read++)
			compare_block(ret, c, a->buf + i, b->buf + i, at + i);
	}
	/* the others are holes in both */
	ret->blocks = size / BLOCK_BYTES + (size % BLOCK_BYTES != 0);
	ret->zero += ret->blocks - read;
	if (find_contents(a, c, err) < 0)
		return -1;
	ret->fetched = c->count - c->met;
	return 0;
}

int blocks_compare(const struct block_place *before, const struct block_place *after,
		   struct blocks *ret, struct err **err)
{
	struct reader a cleanup_reader = {.fd = -1}, b cleanup_reader = {.fd = -1};
	struct contents c = {0};
	int rc;

	*ret = (struct blocks){0};
	if (reader_open(&a, before, err) < 0 || reader_open(&b, after, err) < 0)
		return -1;
	rc = compare(&a, &b, &c, ret, err);
	free(c.slots);
	return rc;
}

/* 0, 1: no; -1: nobody can say. */
static int is_one_file(const struct reader *a, const struct reader *b, struct err **err)
{
	struct stat x, y;

	if (fstat(a->fd, &x) < 0 || fstat(b->fd, &y) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot look at '%s'", a->place->file);
	return x.st_dev != y.st_dev || x.st_ino != y.st_ino || a->place->at != b->place->at;
}

int blocks_same(const struct block_place *a, const struct block_place *b, bool *ret,
		struct err **err)
{
	struct reader x cleanup_reader = {.fd = -1}, y cleanup_reader = {.fd = -1};
	uint64_t at = 0;
	int rc;

	*ret = false;
	if (a->size != b->size)
		return 0;
	if (reader_open(&x, a, err) < 0 || reader_open(&y, b, err) < 0)
		return -1;
	rc = is_one_file(&x, &y, err);
	if (rc == 1) {
		while ((at = next_block(&x, &y, at)) < a->size) {
			if (reader_get(&x, at, PIECE, err) < 0 ||
			    reader_get(&y, at, PIECE, err) < 0)
				return -1;
			if (memcmp(x.buf, y.buf, PIECE) != 0)
				return 0;
			at += PIECE;
		}
	}
	*ret = rc >= 0;
	return rc < 0 ? -1 : 0;
}

uint64_t blocks_fetched(const struct blocks *b)
{
	return b->fetched * BLOCK_BYTES + b->blocks * BLOCK_INDEX_BYTES;
}

uint64_t blocks_written(const struct blocks *b)
{
	return b->changed * BLOCK_BYTES;
}

int blocks_sample(const struct block_place *before, const struct block_place *after, unsigned count,
		  unsigned *ret_permille, struct err **err)
{
	struct reader a cleanup_reader = {.fd = -1}, b cleanup_reader = {.fd = -1};
	uint64_t blocks = after->size / BLOCK_BYTES, step = blocks / count + 1;
	unsigned looked = 0, same = 0;

	if (reader_open(&a, before, err) < 0 || reader_open(&b, after, err) < 0)
		return -1;
	for (uint64_t i = 0; i < blocks; i += step) {
		if (reader_get(&b, i * BLOCK_BYTES, BLOCK_BYTES, err) < 0)
			return -1;
		if (is_zero(b.buf))
			continue;
		if (reader_get(&a, i * BLOCK_BYTES, BLOCK_BYTES, err) < 0)
			return -1;
		looked++;
		same += !memcmp(a.buf, b.buf, BLOCK_BYTES);
	}
	*ret_permille = looked ? same * 1000 / looked : 0;
	return 0;
}

void blocks_clear(struct blocks *b)
{
	block_ranges_clear(&b->changes);
}
