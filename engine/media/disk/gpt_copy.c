/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/gpt_copy.h"

#include <endian.h>
#include <unistd.h>

#include "base/utf8.h"
#include "media/crc32.h"

#define MAX_ENTRIES 1024

static uint32_t u32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return le32toh(v);
}

static uint64_t u64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return le64toh(v);
}

static bool header_valid(unsigned char *h, uint64_t lba)
{
	uint32_t size = u32(h + 12), crc = u32(h + 16);
	bool ok;

	if (memcmp(h, "EFI PART", 8) || size < 92 || size > GPT_SECTOR || u64(h + 24) != lba)
		return false;
	memset(h + 16, 0, 4);
	ok = crc32_of(h, size) == crc;
	return ok && u32(h + 84) == 128 && u32(h + 80) && u32(h + 80) <= MAX_ENTRIES;
}

/* UTF-16LE of at most 36 units, without surrogates. */
static void copy_name(const unsigned char *p, char *ret)
{
	for (int i = 0; i < 36; i++) {
		unsigned c = p[2 * i] | (unsigned)p[2 * i + 1] << 8;
		char bytes[4];
		size_t n = utf8_encode(c, bytes);

		if (!c)
			break;
		memcpy(ret, bytes, n);
		ret += n;
	}
	*ret = '\0';
}

int gpt_copy_read(int fd, uint64_t lba, struct gpt_slots *ret)
{
	static const unsigned char unused[16];
	unsigned char h[GPT_SECTOR], *entries cleanup_free = NULL;
	struct gpt_slots slots = {0};
	size_t len;

	if (pread(fd, h, sizeof(h), (off_t)(lba * GPT_SECTOR)) != GPT_SECTOR ||
	    !header_valid(h, lba))
		return 1;
	len = (size_t)u32(h + 80) * 128;
	entries = xmalloc(len);
	if (pread(fd, entries, len, (off_t)(u64(h + 72) * GPT_SECTOR)) != (ssize_t)len ||
	    crc32_of(entries, len) != u32(h + 88))
		return 1;
	for (const unsigned char *e = entries; e < entries + len; e += 128) {
		struct gpt_slot *s;

		if (memcmp(e, unused, 16) == 0)
			continue;
		s = gpt_slots_at_end(&slots);
		s->start = u64(e + 32) * GPT_SECTOR;
		s->size = (u64(e + 40) + 1) * GPT_SECTOR - s->start;
		copy_name(e + 56, s->name);
	}
	*ret = slots;
	return 0;
}

int gpt_copy_any(int fd, uint64_t size, struct gpt_slots *ret)
{
	if (gpt_copy_read(fd, 1, ret) == 0)
		return 0;
	return gpt_copy_read(fd, size / GPT_SECTOR - 1, ret);
}

const struct gpt_slot *gpt_slot_named(const struct gpt_slots *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i].name, name) == 0)
			return &v->items[i];
	}
	return NULL;
}
