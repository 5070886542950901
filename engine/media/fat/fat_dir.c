/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories of a FAT file system: names short and long, times. */
#include <time.h>

#include "base/utf8.h"
#include "media/fat/fat_priv.h"

#define LAST_LONG 0x40  /* in the number of the slot that comes first */
#define LOWER_STEM 0x08 /* in byte 12: the short name in small letters */
#define LOWER_ENDING 0x10

/* ---- names ---- */

/* Bytes from 0x80 on of short names, in code page 437, as Linux takes them by default. */
static const uint16_t oem[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
	0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
	0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
	0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
	0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
	0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
	0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
	0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
	0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
	0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
	0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};

static void append_code(struct str *s, uint32_t c)
{
	char bytes[4];

	str_append_len(s, bytes, utf8_encode(c, bytes));
}

static bool is_name(const struct str *s)
{
	return s->len && strlen(s->buf) == s->len && !strchr(s->buf, '/') && !str_eq(s->buf, ".") &&
	       !str_eq(s->buf, "..");
}

static void append_short(struct str *s, const unsigned char *p, size_t len, bool lower)
{
	while (len && p[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		bool capital = p[i] >= 'A' && p[i] <= 'Z';

		append_code(s, p[i] >= 0x80       ? oem[p[i] - 0x80]
			       : lower && capital ? p[i] + 32u
						  : p[i]);
	}
}

static void short_name(const unsigned char *slot, struct str *ret)
{
	unsigned char name[FAT_SHORT];
	size_t dot;

	memcpy(name, slot, FAT_SHORT);
	if (name[0] == 0x05) /* stands for what would mark a removed file */
		name[0] = 0xe5;
	append_short(ret, name, 8, slot[12] & LOWER_STEM);
	dot = ret->len;
	append_short(ret, name + 8, 3, slot[12] & LOWER_ENDING);
	if (ret->len > dot) {
		char *ending cleanup_free = xstrdup(ret->buf + dot);

		ret->len = dot;
		str_printf(ret, ".%s", ending);
	}
}

/* The slots of a long name, which come before its entry, the last part first. */
struct long_name {
	uint16_t utf16[20 * FAT_SLOT_CHARS];
	unsigned slots, left; /* of these: still to come */
	unsigned char sum;
};

static void take_slot(struct long_name *n, const unsigned char *slot)
{
	unsigned number = slot[0] & 0x3f;

	if (slot[0] & LAST_LONG) {
		n->slots = number <= 20 ? number : 0;
		n->left = n->slots;
		n->sum = slot[13];
	}
	if (!n->slots || number != n->left || slot[13] != n->sum) {
		n->slots = 0;
		return;
	}
	n->left--;
	for (size_t i = 0; i < FAT_SLOT_CHARS; i++)
		n->utf16[n->left * FAT_SLOT_CHARS + i] =
			(uint16_t)fat_get16(slot + fat_name_place[i]);
}

/* Whether N is the long name of the entry at SLOT, and one that a file can have. */
static bool long_name(const struct long_name *n, const unsigned char *slot, struct str *ret)
{
	size_t len = n->slots * (size_t)FAT_SLOT_CHARS;

	if (!n->slots || n->left || fat_name_sum(slot) != n->sum)
		return false;
	for (size_t i = 0; i < len && n->utf16[i]; i++) {
		uint32_t c = n->utf16[i], low = i + 1 < len ? n->utf16[i + 1] : 0;

		if (c >= 0xd800 && c < 0xe000) {
			if (c >= 0xdc00 || (low & 0xfc00) != 0xdc00)
				return false;
			c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			i++;
		}
		append_code(ret, c);
	}
	return is_name(ret);
}

/* ---- entries ---- */

/* What is no date becomes the nearest, as in Linux. */
static int64_t read_time(const unsigned char *slot)
{
	uint32_t t = fat_get16(slot + 22), d = fat_get16(slot + 24), month = d >> 5 & 15,
		 day = d & 31;
	struct tm tm = {.tm_year = (int)(80 + (d >> 9)),
			.tm_mon = (int)(month ? month - 1 : 0),
			.tm_mday = (int)(day ? day : 1),
			.tm_hour = (int)(t >> 11),
			.tm_min = (int)(t >> 5 & 63),
			.tm_sec = (int)(t & 31) * 2};

	return timegm(&tm);
}

static const char *read_entry(const unsigned char *slot, const struct long_name *n, bool wide,
			      struct fat_entry *ret)
{
	str_clear(&ret->name);
	if (!long_name(n, slot, &ret->name)) {
		str_clear(&ret->name);
		short_name(slot, &ret->name);
	}
	ret->attr = slot[11];
	ret->cluster = (wide ? fat_get16(slot + 20) << 16 : 0) | fat_get16(slot + 26);
	ret->size = fat_get32(slot + 28);
	ret->mtime = read_time(slot);
	return is_name(&ret->name) ? NULL : "has an entry with a name that no file can have";
}

static bool is_dots(const unsigned char *slot)
{
	return !memcmp(slot, ".          ", FAT_SHORT) || !memcmp(slot, "..         ", FAT_SHORT);
}

bool fat_dir_next(struct fat_dir *d)
{
	struct long_name n = {0};

	while (d->at < d->len && !d->bad) {
		const unsigned char *slot = d->data + d->at;

		d->at += FAT_SLOT;
		if (!slot[0]) {
			d->at = d->len;
		} else if (slot[0] == 0xe5) {
			n.slots = 0;
		} else if ((slot[11] & 0x3f) == FAT_ATTR_LONG) {
			take_slot(&n, slot);
		} else if ((slot[11] & FAT_ATTR_LABEL) || is_dots(slot)) {
			n.slots = 0;
		} else {
			d->bad = read_entry(slot, &n, d->wide, &d->entry);
			return !d->bad;
		}
	}
	return false;
}

/* ---- directories ---- */

static void append(struct fat_dir *d, const struct fat_disk *disk, uint64_t at, uint64_t size)
{
	d->data = xrealloc(d->data, d->len + size);
	memcpy(d->data + d->len, disk->map + at, size);
	d->len += size;
	fat_runs_push(&d->runs, (struct fat_run){at, size});
}

const char *fat_dir_open(struct fat_disk *disk, uint32_t cluster, struct fat_dir *ret)
{
	uint64_t most = (uint64_t)FAT_DIR_SLOTS_MAX * FAT_SLOT;
	struct fat_chain c = {.disk = disk, .next = cluster};

	*ret = (struct fat_dir){.entry.name = STR_INIT, .wide = disk->bits == 32};
	if (!cluster)
		return "has no clusters, which a directory must have";
	while (ret->len < most && fat_chain_run(&c, most - ret->len))
		append(ret, disk, c.at, c.size);
	return c.bad ? c.bad : c.next ? "is larger than a directory can be" : NULL;
}

const char *fat_dir_root(struct fat_disk *disk, struct fat_dir *ret)
{
	if (disk->bits == 32)
		return fat_dir_open(disk, disk->root_cluster, ret);
	*ret = (struct fat_dir){.entry.name = STR_INIT};
	if (disk->root_size)
		append(ret, disk, disk->root, disk->root_size);
	return NULL;
}

void fat_dir_close(struct fat_dir *d)
{
	free(d->data);
	fat_runs_clear(&d->runs);
	str_release(&d->entry.name);
}
