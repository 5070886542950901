/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/parts.h"

#include <fcntl.h>
#include <inttypes.h>

#include "base/cdc.h"
#include "base/file.h"
#include "base/line.h"

#define BLOCK 4096u
#define WINDOW (4u * CDC_MAX)

/* --- cutting ------------------------------------------------------------------------------- */

struct cutter {
	int fd;
	const char *name;
	bool skips_zeros;
	unsigned char *buf; /* WINDOW bytes, of which LEN are those at AT */
	uint64_t at;
	size_t len;
	part_fn *fn;
	void *arg;
	struct parts *parts;
};

static int fill(struct cutter *c, uint64_t offset, size_t want, struct err **err)
{
	size_t kept =
		offset >= c->at && offset < c->at + c->len ? (size_t)(c->at + c->len - offset) : 0;

	memmove(c->buf, c->buf + c->len - kept, kept);
	c->at = offset;
	c->len = kept;
	while (c->len < want) {
		ssize_t n = pread(c->fd, c->buf + c->len, want - c->len, (off_t)(c->at + c->len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", c->name);
		if (n == 0)
			return err_set(err, E_CHANGED_WHILE_READ,
				       "'%s' became shorter while it was read", c->name);
		c->len += (size_t)n;
	}
	return 0;
}

/* The bytes at OFFSET, *RET_LEN of them: CDC_MAX, or all to END. */
static const unsigned char *view(struct cutter *c, uint64_t offset, uint64_t end, size_t *ret_len,
				 struct err **err)
{
	size_t need = end - offset < CDC_MAX ? (size_t)(end - offset) : CDC_MAX;

	if (offset < c->at || offset + need > c->at + c->len) {
		size_t want = end - offset < WINDOW ? (size_t)(end - offset) : WINDOW;

		if (fill(c, offset, want, err) < 0)
			return NULL;
	}
	*ret_len = need;
	return c->buf + (offset - c->at);
}

static bool is_zero(const unsigned char *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Of the LEN bytes that lie at OFFSET, how many are in blocks that are zeros, or that are not. */
static size_t run_of(const unsigned char *p, size_t len, uint64_t offset, bool zeros)
{
	size_t at = 0;

	while (at < len) {
		size_t block = BLOCK - (size_t)((offset + at) % BLOCK);

		block = block < len - at ? block : len - at;
		if (is_zero(p + at, block) != zeros)
			break;
		at += block;
	}
	return at;
}

static int emit(struct cutter *c, uint64_t offset, const unsigned char *p, size_t len,
		struct err **err)
{
	struct part part = {.offset = offset, .len = (uint32_t)len};

	digest_data(p, len, &part.digest);
	parts_push(c->parts, part);
	return c->fn ? c->fn(c->arg, &part, p, err) : 0;
}

static int cut_extent(void *arg, uint64_t offset, uint64_t extent, struct err **err)
{
	struct cutter *c = arg;
	uint64_t end = offset + extent;

	while (offset < end) {
		size_t len, zeros = 0;
		const unsigned char *p = view(c, offset, end, &len, err);

		if (!p)
			return -1;
		if (c->skips_zeros) {
			zeros = run_of(p, len, offset, true);
			len = zeros ? 0 : run_of(p, len, offset, false);
		}
		len = len ? cdc_cut(p, len) : 0;
		if (len && emit(c, offset, p, len, err) < 0)
			return -1;
		offset += zeros + len;
	}
	return 0;
}

int parts_cut(int fd, const char *name, enum output_type type, part_fn *fn, void *arg,
	      struct parts *ret, struct err **err)
{
	unsigned char *buf cleanup_free = xmalloc(WINDOW);
	struct cutter c = {.fd = fd,
			   .name = name,
			   .skips_zeros = type == OUTPUT_IMAGE,
			   .buf = buf,
			   .fn = fn,
			   .arg = arg,
			   .parts = ret};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
	return fd_extents(fd, name, (uint64_t)st.st_size, cut_extent, &c, err);
}

/* --- maps ---------------------------------------------------------------------------------- */

void parts_map(const struct artifact *a, const struct parts *parts, size_t first, size_t count,
	       struct str *ret)
{
	char *identity cleanup_free = artifact_digest_string(a);
	char hex[DIGEST_HEX + 1];

	str_printf(ret, "orch-parts 1\nsize %" PRIu64 "\nidentity %s\n", a->size, identity);
	for (size_t i = first; i < first + count; i++) {
		const struct part *p = &parts->items[i];

		str_printf(ret, "part %" PRIu64 " %" PRIu32 " %s\n", p->offset, p->len,
			   digest_hex(&p->digest, hex));
	}
}

static int damaged(const struct artifact *a, const char *what, struct err **err)
{
	return err_set(err, E_REMOTE_DAMAGED, "the parts of '%s' %s", a->name, what);
}

/* One line after another, so that a hostile text costs no memory. */
static bool next_line(const char **p, const char *end, char line[static 160])
{
	const char *stop = memchr(*p, '\n', (size_t)(end - *p));
	size_t len = stop ? (size_t)(stop - *p) : 0;

	if (!stop || len >= 160 || memchr(*p, 0, len))
		return false;
	memcpy(line, *p, len);
	line[len] = 0;
	*p = stop + 1;
	return true;
}

static bool head_fits(const struct artifact *a, const char **p, const char *end)
{
	char *identity cleanup_free = artifact_digest_string(a);
	char *size cleanup_free = xasprintf("size %" PRIu64, a->size);
	char *name cleanup_free = xasprintf("identity %s", identity);
	char line[160];

	return next_line(p, end, line) && str_eq(line, "orch-parts 1") && next_line(p, end, line) &&
	       str_eq(line, size) && next_line(p, end, line) && str_eq(line, name);
}

/* "part OFFSET LEN SHA256": 0 or 1. */
static int parse_part(char *line, struct part *ret)
{
	char *save = NULL;
	const char *word = strtok_r(line, " ", &save), *offset = strtok_r(NULL, " ", &save);
	const char *len = strtok_r(NULL, " ", &save), *hex = strtok_r(NULL, "", &save);
	uint64_t bytes;

	if (!hex || !str_eq(word, "part") || str_u64(offset, &ret->offset) != 0 ||
	    str_u64(len, &bytes) != 0 || digest_parse(hex, &ret->digest) != 0)
		return 1;
	ret->len = bytes >= 1 && bytes <= CDC_MAX ? (uint32_t)bytes : 0;
	return ret->len == 0;
}

int parts_map_parse(const struct artifact *a, const char *text, size_t len, struct parts *ret,
		    struct err **err)
{
	const struct part *last = ret->count ? &ret->items[ret->count - 1] : NULL;
	uint64_t from = last ? last->offset + last->len : 0;
	const char *p = text, *end = text + len;
	size_t count = 0;
	char line[160];

	if (len > PARTS_MAP_MAX)
		return damaged(a, "have a map that is too large", err);
	if (!head_fits(a, &p, end))
		return damaged(a, "have a map that is not of this artifact", err);
	for (; p < end; count++) {
		struct part part;

		if (count >= PARTS_PER_MAP || !next_line(&p, end, line) ||
		    parse_part(line, &part) != 0)
			return damaged(a, "have a map that cannot be read", err);
		if (part.offset < from || part.offset > a->size || part.len > a->size - part.offset)
			return damaged(a, "lie in each other or beyond the end", err);
		from = part.offset + part.len;
		parts_push(ret, part);
	}
	return 0;
}

/* --- putting together ---------------------------------------------------------------------- */

int parts_file(const char *path, const struct artifact *a, int *ret_fd, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	if (a->size > INT64_MAX || ftruncate(fd, (off_t)a->size) < 0) {
		err_errno(err, E_WRITE_FAILED, a->size > INT64_MAX ? EFBIG : errno,
			  "cannot create '%s'", path);
		unlink(path);
		return -1;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

int parts_put(int fd, const char *path, const struct part *part, const void *data, struct err **err)
{
	return fd_pwrite_all(fd, path, data, part->len, part->offset, err);
}

int parts_ingest(const char *store_dir, const char *path, const struct artifact *a,
		 struct err **err)
{
	struct artifact got = {.name = a->name};

	if (cas_ingest(store_dir, path, a->type, &got, NULL, err) < 0) {
		unlink(path);
		return -1;
	}
	/* What came out has its own name in the store; no record names it, so gc removes it. */
	return digest_eq(&got.digest, &a->digest) && got.size == a->size
		       ? 0
		       : damaged(a, "do not make what its record names", err);
}
