/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/bmap.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/str.h"

static uint64_t block_count(const struct bmap *m)
{
	return (m->size + BMAP_BLOCK - 1) / BMAP_BLOCK;
}

static void set(struct bmap *m, uint64_t first, uint64_t end, bool on)
{
	if (!m->bits)
		m->bits = xcalloc(1, block_count(m) / 8 + 1);
	for (uint64_t b = first; b < end && b < block_count(m); b++) {
		if (on)
			m->bits[b / 8] |= (unsigned char)(1u << b % 8);
		else
			m->bits[b / 8] &= (unsigned char)~(1u << b % 8);
	}
}

void bmap_map(struct bmap *m, uint64_t at, uint64_t size)
{
	set(m, at / BMAP_BLOCK, (at + size + BMAP_BLOCK - 1) / BMAP_BLOCK, true);
}

void bmap_unmap(struct bmap *m, uint64_t at, uint64_t size)
{
	set(m, (at + BMAP_BLOCK - 1) / BMAP_BLOCK, (at + size) / BMAP_BLOCK, false);
}

bool bmap_is_mapped(const struct bmap *m, uint64_t block)
{
	return m->bits && m->bits[block / 8] & 1u << block % 8;
}

/* The blocks from FIRST to before END: their digest. */
static int hash_range(const struct bmap *m, int fd, const char *image, uint64_t first, uint64_t end,
		      struct digest *ret, struct err **err)
{
	struct hasher *h = hasher_new();
	unsigned char buf[16 * BMAP_BLOCK];
	uint64_t stop = end * BMAP_BLOCK < m->size ? end * BMAP_BLOCK : m->size;

	for (uint64_t at = first * BMAP_BLOCK; at < stop;) {
		size_t want = stop - at < sizeof(buf) ? (size_t)(stop - at) : sizeof(buf);
		ssize_t n = pread(fd, buf, want, (off_t)at);

		if (n <= 0) {
			hasher_free(h);
			return err_errno(err, E_READ_FAILED, n ? errno : EIO, "cannot read '%s'",
					 image);
		}
		hasher_update(h, buf, (size_t)n);
		at += (uint64_t)n;
	}
	hasher_finish(h, ret);
	return 0;
}

static int add_ranges(const struct bmap *m, int fd, const char *image, struct str *s,
		      struct err **err)
{
	uint64_t count = block_count(m), end;

	for (uint64_t b = 0; b < count; b = end) {
		struct digest digest;
		char hex[DIGEST_HEX + 1];

		end = b + 1;
		if (!bmap_is_mapped(m, b))
			continue;
		while (end < count && bmap_is_mapped(m, end))
			end++;
		if (hash_range(m, fd, image, b, end, &digest, err) < 0)
			return -1;
		str_printf(s, "        <Range chksum=\"%s\"> %llu", digest_hex(&digest, hex),
			   (unsigned long long)b);
		if (end > b + 1)
			str_printf(s, "-%llu", (unsigned long long)end - 1);
		str_append(s, " </Range>\n");
	}
	return 0;
}

static uint64_t mapped_count(const struct bmap *m)
{
	uint64_t n = 0;

	for (uint64_t b = 0; b < block_count(m); b++)
		n += bmap_is_mapped(m, b);
	return n;
}

/* Its own digest is that of the text with zeros in its place. */
static int seal(struct str *text, size_t at, const char *path, struct err **err)
{
	struct digest digest;
	char hex[DIGEST_HEX + 1];

	digest_data(text->buf, text->len, &digest);
	memcpy(text->buf + at, digest_hex(&digest, hex), DIGEST_HEX);
	return file_write(path, text->buf, text->len, 0644, false, err);
}

int bmap_write(const struct bmap *m, const char *image, const char *path, struct err **err)
{
	int fd cleanup_fd = open(image, O_RDONLY | O_CLOEXEC);
	struct str s cleanup_str = STR_INIT;
	size_t digest_at;

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", image);
	str_printf(&s,
		   "<?xml version=\"1.0\" ?>\n<bmap version=\"2.0\">\n"
		   "    <ImageSize> %llu </ImageSize>\n    <BlockSize> %d </BlockSize>\n"
		   "    <BlocksCount> %llu </BlocksCount>\n"
		   "    <MappedBlocksCount> %llu </MappedBlocksCount>\n"
		   "    <ChecksumType> sha256 </ChecksumType>\n    <BmapFileChecksum> ",
		   (unsigned long long)m->size, BMAP_BLOCK, (unsigned long long)block_count(m),
		   (unsigned long long)mapped_count(m));
	digest_at = s.len;
	for (int i = 0; i < DIGEST_HEX; i++)
		str_append_char(&s, '0');
	str_append(&s, " </BmapFileChecksum>\n    <BlockMap>\n");
	if (add_ranges(m, fd, image, &s, err) < 0)
		return -1;
	str_append(&s, "    </BlockMap>\n</bmap>\n");
	return seal(&s, digest_at, path, err);
}

void bmap_clear(struct bmap *m)
{
	free(m->bits);
	m->bits = NULL;
}
