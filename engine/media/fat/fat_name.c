/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/fat/fat_name.h"

#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <wctype.h>

#include "base/utf8.h"

#define MAX_TAIL 999999

static const char *to_utf16(const char *name, struct fat_name *ret)
{
	struct utf8 u = utf8_start(name, strlen(name));

	ret->len = 0;
	while (utf8_next(&u)) {
		uint32_t c = u.code;

		if (u.bad)
			return "is not valid UTF-8";
		if (c < 0x20 || (c < 0x80 && strchr("\"*/:<>?\\|\x7f", (int)c)))
			return "has a character that FAT does not know";
		if (ret->len + (c < 0x10000 ? 1 : 2) > FAT_LONG_MAX)
			return "is too long for FAT";
		if (c >= 0x10000) {
			c -= 0x10000;
			ret->utf16[ret->len++] = (uint16_t)(0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		ret->utf16[ret->len++] = (uint16_t)c;
	}
	if (name[strlen(name) - 1] == '.' || name[strlen(name) - 1] == ' ')
		return "ends in a dot or a space";
	return NULL;
}

/*
 * By Unicode's CaseFolding.txt (C and S), but to capitals, as short names have them: there and back
 * again, for U+212A (Kelvin) is no letter's capital and yet one with 'k'. U+0130 is folded in
 * Turkish alone.
 */
static wint_t fold_char(wint_t c, locale_t utf8)
{
	if (c == 0x130)
		return c;
	if (!utf8)
		return towupper(c);
	return towupper_l(towlower_l(towupper_l(c, utf8), utf8), utf8);
}

/* A key that names have in common which differ only in case: "l" and folded code points. */
static char *fold(struct arena *arena, const char *name)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	struct utf8 u = utf8_start(name, strlen(name));
	struct str key cleanup_str = STR_INIT;

	str_append_char(&key, 'l');
	while (utf8_next(&u)) {
		wint_t c = fold_char(u.code, utf8);

		str_printf(&key, c < 0x80 ? "%c" : "<%x>", (int)c);
	}
	if (utf8)
		freelocale(utf8);
	return arena_strdup(arena, key.buf);
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

/* The keys of a short name: as such, and as whoever writes it out would look it up. */
static char *short_key(struct arena *arena, const unsigned char shortname[FAT_SHORT])
{
	return arena_printf(arena, "s%.*s", FAT_SHORT, (const char *)shortname);
}

static char *written_key(struct arena *arena, const unsigned char shortname[FAT_SHORT])
{
	const char *p = (const char *)shortname;
	int stem = 8, end = FAT_SHORT;

	while (stem && p[stem - 1] == ' ')
		stem--;
	while (end > 8 && p[end - 1] == ' ')
		end--;
	return arena_printf(arena, end > 8 ? "l%.*s.%.*s" : "l%.*s", stem, p, end - 8, p + 8);
}

/* Puts "~N" after the stem, cut as needed. */
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

/* Whether SHORTNAME is a name of another file already. OWN is the key of the file's long name. */
static bool is_taken(const unsigned char shortname[FAT_SHORT], const char *own,
		     const struct map *taken, struct arena *arena)
{
	const char *written = written_key(arena, shortname);

	return map_get(taken, short_key(arena, shortname)) ||
	       (!str_eq(written, own) && map_get(taken, written));
}

const char *fat_name_long(const char *name, struct map *taken, struct arena *arena,
			  struct fat_name *ret)
{
	const char *why = to_utf16(name, ret);
	char *key;

	if (why)
		return why;
	key = fold(arena, name);
	if (map_get(taken, key))
		return "differs from another name only in upper and lower case";
	map_set(taken, key, taken);
	return NULL;
}

const char *fat_name_short(const char *name, struct map *taken, struct arena *arena,
			   struct fat_name *ret)
{
	const char *own = fold(arena, name);
	unsigned char base[FAT_SHORT];
	bool exact = basis(name, base), as_it_is = exact;
	const char *tails;
	uintptr_t n;

	memcpy(ret->shortname, base, FAT_SHORT);
	tails = arena_printf(arena, "t%.*s", FAT_SHORT, (const char *)base);
	n = (uintptr_t)map_get(taken, tails); /* lower ones are given away */
	while (!as_it_is || is_taken(ret->shortname, own, taken, arena)) {
		if (++n > MAX_TAIL)
			return "has too many like it in one directory";
		as_it_is = true;
		add_tail(ret->shortname, base, (unsigned)n);
	}
	map_set(taken, tails, (void *)n);
	map_set(taken, short_key(arena, ret->shortname), taken);
	ret->plain = exact && str_eq(own + 1, name) && memcmp(base, ret->shortname, FAT_SHORT) == 0;
	return NULL;
}

size_t fat_name_slots(const struct fat_name *n)
{
	return n->plain ? 1 : 1 + (n->len + FAT_SLOT_CHARS - 1) / FAT_SLOT_CHARS;
}

const unsigned char fat_name_place[FAT_SLOT_CHARS] = {1,  3,  5,  7,  9,  14, 16,
						      18, 20, 22, 24, 28, 30};

unsigned char fat_name_sum(const unsigned char shortname[FAT_SHORT])
{
	unsigned char sum = 0;

	for (int i = 0; i < FAT_SHORT; i++)
		sum = (unsigned char)((sum >> 1 | sum << 7) + shortname[i]);
	return sum;
}

unsigned char *fat_name_write(const struct fat_name *n, unsigned char *to)
{
	size_t slots = fat_name_slots(n) - 1;

	for (size_t slot = slots; slot > 0; slot--, to += FAT_SLOT) {
		memset(to, 0, FAT_SLOT);
		to[0] = (unsigned char)(slot | (slot == slots ? 0x40 : 0));
		to[11] = FAT_ATTR_LONG;
		to[13] = fat_name_sum(n->shortname);
		for (size_t i = 0; i < FAT_SLOT_CHARS; i++) {
			size_t k = (slot - 1) * FAT_SLOT_CHARS + i;
			uint16_t c = k < n->len ? n->utf16[k] : k == n->len ? 0 : 0xffff;

			to[fat_name_place[i]] = (unsigned char)c;
			to[fat_name_place[i] + 1] = (unsigned char)(c >> 8);
		}
	}
	return to;
}
