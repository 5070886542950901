/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/table.h"

#include <string.h>
#include <unistd.h>

#include "media/crc32.h"

#define SECTOR 512u
#define HEADER 92u
#define ENTRIES_MAX (1u << 20)
#define NAME_UNITS 36

struct header {
	uint64_t own, other, entries; /* sectors */
	uint32_t count, entry_size, crc;
	unsigned char disk[16];
};

static uint64_t number(const unsigned char *p, int size)
{
	uint64_t v = 0;

	while (size--)
		v = v << 8 | p[size];
	return v;
}

uint64_t table_disk_size(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);

	return end > 0 ? (uint64_t)end : 0;
}

static const char *read_header(int fd, uint64_t sector, struct header *ret)
{
	unsigned char s[SECTOR];
	uint32_t crc;

	if (sector > INT64_MAX / SECTOR || pread(fd, s, SECTOR, (off_t)(sector * SECTOR)) != SECTOR)
		return "the disk ends before it";
	if (memcmp(s, "EFI PART", 8) != 0)
		return "there is none";
	crc = (uint32_t)number(s + 16, 4);
	memset(s + 16, 0, 4);
	if (number(s + 12, 4) != HEADER || crc32_of(s, HEADER) != crc)
		return "its header is damaged (check sum)";
	ret->own = number(s + 24, 8);
	ret->other = number(s + 32, 8);
	memcpy(ret->disk, s + 56, sizeof(ret->disk));
	ret->entries = number(s + 72, 8);
	ret->count = (uint32_t)number(s + 80, 4);
	ret->entry_size = (uint32_t)number(s + 84, 4);
	ret->crc = (uint32_t)number(s + 88, 4);
	if (ret->own != sector)
		return "its header is of another place";
	return ret->entry_size < 128 || ret->count > ENTRIES_MAX / ret->entry_size
		       ? "its header has impossible sizes"
		       : NULL;
}

/* The entries; NULL and *RET_WHY. Heap. */
static unsigned char *read_entries(int fd, const struct header *h, const char **ret_why)
{
	size_t len = (size_t)h->count * h->entry_size;
	unsigned char *entries = xcalloc(1, len + 1);

	if (h->entries > INT64_MAX / SECTOR ||
	    pread(fd, entries, len, (off_t)(h->entries * SECTOR)) != (ssize_t)len)
		*ret_why = "its entries are cut";
	else if (crc32_of(entries, len) != h->crc)
		*ret_why = "its entries are damaged (check sum)";
	else
		return entries;
	free(entries);
	return NULL;
}

static void guid_text(const unsigned char *g, char ret[37])
{
	snprintf(ret, 37, "%08X-%04X-%04X-%02X%02X-%02X%02X%02X%02X%02X%02X",
		 (unsigned)number(g, 4), (unsigned)number(g + 4, 2), (unsigned)number(g + 6, 2),
		 g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

/* Of UTF-16; what is no plain letter becomes '?', as names of partitions are ASCII. */
static void name_text(const unsigned char *p, char *ret)
{
	for (size_t i = 0; i < NAME_UNITS; i++) {
		unsigned c = (unsigned)number(p + 2 * i, 2);

		*ret = '\0';
		if (!c)
			return;
		*ret++ = (char)(c >= ' ' && c < 0x7f ? c : '?');
	}
	*ret = '\0';
}

static void add_parts(const struct header *h, const unsigned char *entries, struct gpt_parts *ret)
{
	for (uint32_t i = 0; i < h->count; i++) {
		const unsigned char *e = entries + (size_t)i * h->entry_size;
		uint64_t first = number(e + 32, 8), last = number(e + 40, 8);
		struct gpt_part *p;

		if (!number(e, 8) || last < first || last >= INT64_MAX / SECTOR)
			continue;
		p = gpt_parts_at_end(ret);
		p->number = i + 1;
		p->start = first * SECTOR;
		p->size = (last - first + 1) * SECTOR;
		p->attrs = number(e + 48, 8);
		guid_text(e, p->type);
		guid_text(e + 16, p->uuid);
		name_text(e + 56, p->name);
	}
}

static unsigned char *read_copy(int fd, uint64_t sector, struct header *h, struct table_copy *ret)
{
	unsigned char *entries = NULL;

	ret->why = read_header(fd, sector, h);
	if (!ret->why)
		entries = read_entries(fd, h, &ret->why);
	ret->valid = entries != NULL;
	return entries;
}

/* The first sector; an MBR counts where there is no GPT. */
static void read_first(int fd, struct table *t)
{
	unsigned char s[SECTOR];

	if (pread(fd, s, SECTOR, 0) != SECTOR || s[510] != 0x55 || s[511] != 0xaa)
		return;
	for (const unsigned char *e = s + 446; e < s + 510; e += 16)
		t->protective |= e[4] == 0xee;
	t->gpt |= t->protective;
	for (const unsigned char *e = s + 446; !t->gpt && e < s + 510; e += 16) {
		struct gpt_part *p;

		if (!e[4] || !number(e + 12, 4) || e[0] & 0x7f)
			continue;
		p = gpt_parts_at_end(&t->parts);
		p->number = (unsigned)(e - s - 446) / 16 + 1;
		p->start = number(e + 8, 4) * SECTOR;
		p->size = number(e + 12, 4) * SECTOR;
		snprintf(p->type, sizeof(p->type), "0x%02x", e[4]);
	}
}

/* Of a disk whose last sector is LAST; 0: there is none with so many. */
static uint64_t said_size(uint64_t last)
{
	return last > 1 && last < INT64_MAX / SECTOR ? (last + 1) * SECTOR : 0;
}

void table_read(int fd, uint64_t size, struct table *ret)
{
	struct header one = {0}, two = {0};
	unsigned char *first cleanup_free = NULL, *second cleanup_free = NULL;

	*ret = (struct table){.size = size};
	first = read_copy(fd, 1, &one, &ret->primary);
	if (first && one.other <= one.own)
		ret->backup.why = "the primary has no other place for it";
	else
		second = read_copy(fd, first ? one.other : size / SECTOR - 1, &two, &ret->backup);
	if (first || second) {
		add_parts(first ? &one : &two, first ? first : second, &ret->parts);
		ret->said = said_size(first ? one.other : two.own);
		ret->gpt = true;
	}
	read_first(fd, ret);
	ret->equal = first && second && two.other == one.own && one.count == two.count &&
		     one.crc == two.crc && !memcmp(one.disk, two.disk, sizeof(one.disk));
}

void table_clear(struct table *t)
{
	gpt_parts_clear(&t->parts);
}
