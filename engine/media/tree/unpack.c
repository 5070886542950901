/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/unpack.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include "base/str.h"

#define GZIP_WINDOW (15 + 16) /* zlib.h: the largest window, and gzip alone */

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

	return err_set(err, num == ENOSPC || num == ENOMEM ? E_DISK_FULL : E_UNPACK_FAILED,
		       "'%s': %s", u->name, text ? text : "cannot be read as an archive");
}

/*
 * ---- what is decompressed ----
 * A stream of its own under the archive, which the end mark of a tar does not end: what follows it
 * is read as well, for check sums stand there. libarchive does not look at gzip's, zlib does.
 */
struct unpacked {
	struct archive *raw; /* NULL: gzip, by zlib */
	z_stream z;
	size_t left; /* bytes that zlib was not given yet: it counts in 32 bits */
	bool ended;
	const char *wrong; /* what, once it is known */
	unsigned char out[64 * 1024];
};

static void gunzip_feed(struct unpacked *s)
{
	if (s->z.avail_in || !s->left)
		return;
	s->z.avail_in = s->left < INT_MAX ? (uInt)s->left : INT_MAX;
	s->left -= s->z.avail_in;
}

/* Whether another member follows; padding is ignored, as by gzip(1). */
static bool gunzip_goes_on(const struct unpacked *s)
{
	return s->z.avail_in + s->left >= 2 && s->z.next_in[0] == 0x1f && s->z.next_in[1] == 0x8b;
}

static void gunzip_some(struct unpacked *s)
{
	int rc;

	gunzip_feed(s);
	rc = inflate(&s->z, Z_NO_FLUSH);
	if (rc == Z_STREAM_END)
		s->ended = !gunzip_goes_on(s) || inflateReset(&s->z) != Z_OK;
	else if (rc == Z_BUF_ERROR && !s->z.avail_in)
		s->wrong = "truncated gzip input";
	else if (rc != Z_OK)
		s->wrong = s->z.msg ? s->z.msg : "damaged gzip input";
}

static la_ssize_t next_gunzipped(struct unpacked *s, const void **ret)
{
	s->z.next_out = s->out;
	s->z.avail_out = sizeof(s->out);
	while (!s->ended && !s->wrong && s->z.avail_out == sizeof(s->out))
		gunzip_some(s);
	*ret = s->out;
	return s->wrong ? -1 : (la_ssize_t)(sizeof(s->out) - s->z.avail_out);
}

static la_ssize_t next_raw(struct unpacked *s, const void **ret)
{
	la_int64_t at;
	size_t n = 0;
	int rc;

	do {
		rc = archive_read_data_block(s->raw, ret, &n, &at);
	} while (rc == ARCHIVE_OK && !n);
	if (rc == ARCHIVE_OK)
		return (la_ssize_t)n;
	if (rc == ARCHIVE_EOF)
		return 0;
	s->wrong = archive_error_string(s->raw);
	if (!s->wrong)
		s->wrong = "damaged";
	return -1;
}

/* The next bytes; 0 at the end, -1 when .wrong says what is. */
static la_ssize_t unpacked_next(struct unpacked *s, const void **ret)
{
	return s->raw ? next_raw(s, ret) : next_gunzipped(s, ret);
}

static la_ssize_t unpacked_read(struct archive *a, void *data, const void **ret)
{
	struct unpacked *s = data;
	la_ssize_t n = unpacked_next(s, ret);

	if (n < 0)
		archive_set_error(a, s->raw ? archive_errno(s->raw) : EINVAL, "%s", s->wrong);
	return n;
}

static int unpacked_close(struct archive *a, void *data)
{
	struct unpacked *s = data;

	if (s->raw)
		archive_read_free(s->raw);
	else
		inflateEnd(&s->z);
	free(s);
	return ARCHIVE_OK;
}

static int gunzip_open(struct unpacked *s, const char *name, const void *data, size_t len,
		       struct err **err)
{
	if (inflateInit2(&s->z, GZIP_WINDOW) != Z_OK)
		return err_set(err, E_NO_MEMORY, "'%s': zlib has no memory", name);
	s->z.next_in = (z_const Bytef *)data;
	s->left = len;
	return 0;
}

static int raw_open(struct unpacked *s, const struct magic *m, const char *name, const void *data,
		    size_t len, struct err **err)
{
	struct archive_entry *ae;
	struct unpack u = {.name = name};

	s->raw = u.a = archive_read_new();
	if (!s->raw)
		return err_set(err, E_INTERNAL, "libarchive has no reader");
	archive_read_support_format_raw(s->raw);
	/* ARCHIVE_WARN: the library lacks it and would start a program. */
	if (archive_read_append_filter(s->raw, m->filter) != ARCHIVE_OK)
		return err_set(err, E_UNPACK_FORMAT, "'%s': this machine's libarchive has no %s",
			       name, m->name);
	if (archive_read_open_memory(s->raw, data, len) != ARCHIVE_OK ||
	    archive_read_next_header(s->raw, &ae) != ARCHIVE_OK)
		return unpack_fail(&u, err);
	return 0;
}

static int unpacked_open(struct unpack *u, const struct magic *m, const void *data, size_t len,
			 struct err **err)
{
	struct unpacked *s = xcalloc(1, sizeof(*s));
	int rc = m->filter == ARCHIVE_FILTER_GZIP ? gunzip_open(s, u->name, data, len, err)
						  : raw_open(s, m, u->name, data, len, err);

	if (rc < 0) {
		unpacked_close(NULL, s);
		return -1;
	}
	u->unpacked = s;
	if (archive_read_open(u->a, s, NULL, unpacked_read, unpacked_close) != ARCHIVE_OK)
		return unpack_fail(u, err);
	return 0;
}

int unpack_end(const struct unpack *u, struct err **err)
{
	uint64_t more = 0;
	const void *data;
	la_ssize_t n;

	while (u->unpacked && (n = unpacked_next(u->unpacked, &data)) != 0) {
		if (n < 0)
			return err_set(err, E_UNPACK_FAILED, "'%s': %s", u->name,
				       u->unpacked->wrong);
		more += (uint64_t)n;
		if (unpack_check(u, more, err) < 0)
			return -1;
	}
	return 0;
}

int unpack_open(struct unpack *u, const void *data, size_t len, struct err **err)
{
	const struct magic *m = find_magic(data, len);

	u->compressed = m != NULL;
	u->packed = len;
	u->most = m ? unpack_most(len) : UINT64_MAX;
	if (m)
		return unpacked_open(u, m, data, len, err);
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
		err, E_UNPACK_REFUSED,
		"'%s' has %s and would become more than %s, which nothing that is made to be "
		"unpacked does; if it is right so, decompress it in a node of kind 'run'",
		u->name, packed, most);
}

/* ---- a look ---- */

/* Formats that are looked into, by what stands at AT. */
static const struct look {
	size_t at, len;
	const char *bytes;
	int (*support)(struct archive *a);
} looks[] = {
	{0, 4, "PK\3\4", archive_read_support_format_zip},
	{0, 8, "!<arch>\n", archive_read_support_format_ar},
	{257, 5, "ustar", archive_read_support_format_tar},
};

static const struct look *find_look(const void *data, size_t len)
{
	for (size_t i = 0; i < array_len(looks); i++)
		if (len >= looks[i].at + looks[i].len &&
		    memcmp((const char *)data + looks[i].at, looks[i].bytes, looks[i].len) == 0)
			return &looks[i];
	return NULL;
}

static void read_file(struct archive *a, size_t max, struct str *ret)
{
	char block[16 * 1024];
	la_ssize_t n = 1;

	while (ret->len < max && n > 0) {
		n = archive_read_data(a, block, sizeof(block));
		if (n > 0)
			str_append_len(ret, block,
				       (size_t)n < max - ret->len ? (size_t)n : max - ret->len);
	}
}

bool unpack_look(const void *data, size_t len, size_t *left, unpack_look_fn *fn, void *arg)
{
	const struct look *look = find_look(data, len);
	struct err *ignored cleanup_err = NULL;
	struct unpack u = {.name = "file"};
	struct archive_entry *entry;
	bool any = false, enough = false;

	if (!look && !find_magic(data, len))
		return false;
	u.a = archive_read_new();
	if (!u.a)
		return false;
	if (look)
		look->support(u.a);
	else
		archive_read_support_format_raw(u.a);
	if (unpack_open(&u, data, len, &ignored) == 0)
		while (!enough && *left && archive_read_next_header(u.a, &entry) == ARCHIVE_OK) {
			struct str file cleanup_str = STR_INIT;

			read_file(u.a, *left, &file);
			*left -= file.len;
			any |= file.len > 0;
			enough = file.len && fn(arg, file.buf, file.len);
		}
	archive_read_free(u.a);
	return any;
}
