/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/fat_name.h"

#include <ctype.h>
#include <stdio.h>

#define ATTR_LONG 0x0f
#define MAX_TAIL 999999

/* One character of UTF-8 at *P, or -1. Overlong forms and surrogates are refused. */
static int32_t utf8_next(const unsigned char **p)
{
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	const unsigned char *s = *p;
	int more = *s < 0x80 ? 0 : *s >> 5 == 6 ? 1 : *s >> 4 == 14 ? 2 : *s >> 3 == 30 ? 3 : -1;
	int32_t c;

	if (more < 0)
		return -1;
	c = more ? *s & (0x3f >> more) : *s;
	for (int i = 1; i <= more; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[more] || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return -1;
	*p = s + more + 1;
	return c;
}

static const char *to_utf16(const char *name, struct fat_name *ret)
{
	const unsigned char *p = (const unsigned char *)name;

	ret->len = 0;
	while (*p) {
		int32_t c = utf8_next(&p);

		if (c < 0)
			return "is not valid UTF-8";
		if (c < 0x20 || (c < 0x80 && strchr("\"*/:<>?\\|\x7f", (int)c)))
			return "has a character that FAT does not know";
		if (ret->len + 2 > FAT_LONG_MAX)
			return "is too long for FAT";
		if (c >= 0x10000) {
			c -= 0x10000;
			ret->utf16[ret->len++] = (uint16_t)(0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		ret->utf16[ret->len++] = (uint16_t)c;
	}
	if (name[strlen(name) - 1] == '.' || name[strlen(name) - 1] == ' ')
		return "ends in a dot or a blank";
	return NULL;
}

static bool short_char(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'()-@^_`{}~", c));
}

/* Fills SHORTNAME from NAME in capitals; true when nothing was lost but the case. */
static bool basis(const char *name, unsigned char shortname[FAT_SHORT])
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name), n = 0;
	bool exact = true;

	memset(shortname, ' ', FAT_SHORT);
	for (size_t i = 0; i < stem; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == ' ' || c == '.' || n == 8) {
			exact = false;
			continue;
		}
		exact = exact && short_char(c);
		shortname[n++] = short_char(c) ? (unsigned char)toupper(c) : '_';
	}
	exact = exact && n > 0;
	if (!n)
		shortname[n++] = '_';
	for (size_t i = stem + 1, k = 0; stem < strlen(name) && name[i]; i++) {
		unsigned char c = (unsigned char)name[i];

		if (k == 3) {
			exact = false;
			break;
		}
		exact = exact && short_char(c);
		shortname[8 + k++] = short_char(c) ? (unsigned char)toupper(c) : '_';
	}
	return exact;
}

static char *short_key(struct arena *arena, const unsigned char shortname[FAT_SHORT])
{
	return arena_printf(arena, "s%.*s", FAT_SHORT, (const char *)shortname);
}

/* Puts "~N" behind the stem, cut as needed. */
static void add_tail(unsigned char shortname[FAT_SHORT], const unsigned char base[FAT_SHORT],
		     unsigned n)
{
	char tail[12];
	size_t len = (size_t)snprintf(tail, sizeof(tail), "~%u", n), stem = 8;

	memcpy(shortname, base, FAT_SHORT);
	while (stem > 1 && base[stem - 1] == ' ')
		stem--;
	if (stem > 8 - len)
		stem = 8 - len;
	memcpy(shortname + stem, tail, len);
}

static bool make_short(const char *name, struct map *taken, struct arena *arena,
		       struct fat_name *ret)
{
	unsigned char base[FAT_SHORT];
	bool exact = basis(name, base);
	char *key;

	memcpy(ret->shortname, base, FAT_SHORT);
	key = short_key(arena, base);
	for (unsigned n = 1; !exact || map_get(taken, key); n++) {
		if (n > MAX_TAIL)
			return false;
		exact = true;
		add_tail(ret->shortname, base, n);
		key = short_key(arena, ret->shortname);
	}
	map_set(taken, key, taken);
	return true;
}

const char *fat_name_make(const char *name, struct map *taken, struct arena *arena,
			  struct fat_name *ret)
{
	const char *why = to_utf16(name, ret);
	char *folded = arena_printf(arena, "l%s", name);
	unsigned char exact[FAT_SHORT];

	if (why)
		return why;
	for (char *p = folded + 1; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (map_get(taken, folded))
		return "differs from another name only in upper and lower case";
	map_set(taken, folded, taken);
	if (!make_short(name, taken, arena, ret))
		return "has too many like it in one folder";
	ret->plain = basis(name, exact) && str_eq(folded + 1, name) &&
		     memcmp(exact, ret->shortname, FAT_SHORT) == 0;
	return NULL;
}

size_t fat_name_slots(const struct fat_name *n)
{
	return n->plain ? 1 : 1 + (n->len + FAT_SLOT_CHARS - 1) / FAT_SLOT_CHARS;
}

static unsigned char checksum(const unsigned char shortname[FAT_SHORT])
{
	unsigned char sum = 0;

	for (int i = 0; i < FAT_SHORT; i++)
		sum = (unsigned char)((sum >> 1 | sum << 7) + shortname[i]);
	return sum;
}

unsigned char *fat_name_write(const struct fat_name *n, unsigned char *to)
{
	static const unsigned char place[FAT_SLOT_CHARS] = {1,  3,  5,  7,  9,  14, 16,
							    18, 20, 22, 24, 28, 30};
	size_t slots = fat_name_slots(n) - 1;

	for (size_t slot = slots; slot > 0; slot--, to += FAT_SLOT) {
		memset(to, 0, FAT_SLOT);
		to[0] = (unsigned char)(slot | (slot == slots ? 0x40 : 0));
		to[11] = ATTR_LONG;
		to[13] = checksum(n->shortname);
		for (size_t i = 0; i < FAT_SLOT_CHARS; i++) {
			size_t k = (slot - 1) * FAT_SLOT_CHARS + i;
			uint16_t c = k < n->len ? n->utf16[k] : k == n->len ? 0 : 0xffff;

			to[place[i]] = (unsigned char)c;
			to[place[i] + 1] = (unsigned char)(c >> 8);
		}
	}
	return to;
}
