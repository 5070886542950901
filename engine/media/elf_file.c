/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/elf_file.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

struct elf {
	const unsigned char *data;
	size_t len;
	bool wide, big; /* 64 bits; most significant byte first */
};

/* SIZE bytes at AT, or 0 where the file has ended. */
static uint64_t number(const struct elf *e, uint64_t at, unsigned size)
{
	uint64_t n = 0;

	if (at > e->len || size > e->len - at)
		return 0;
	for (unsigned i = 0; i < size; i++)
		n = n << 8 | e->data[at + (e->big ? i : size - 1 - i)];
	return n;
}

/* A field of a struct: of class 32 at NARROW with 4 bytes, of class 64 at WIDE with 8. */
static uint64_t word(const struct elf *e, uint64_t at, unsigned narrow, unsigned wide)
{
	return e->wide ? number(e, at + wide, 8) : number(e, at + narrow, 4);
}

/* ---- notes ---- */

static void set_id(const struct elf *e, uint64_t at, uint64_t size, struct elf_facts *ret)
{
	static const char digits[] = "0123456789abcdef";

	if (!size || size > ELF_ID_HEX / 2 || at > e->len || size > e->len - at)
		return;
	for (uint64_t i = 0; i < size; i++) {
		ret->build_id[2 * i] = digits[e->data[at + i] >> 4];
		ret->build_id[2 * i + 1] = digits[e->data[at + i] & 15];
	}
}

static uint64_t round_up(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

/* Notes: sizes of name and description, the type, then both, padded to 4 bytes each. */
static void read_notes(const struct elf *e, uint64_t at, uint64_t size, struct elf_facts *ret)
{
	uint64_t end;

	if (at > e->len || size > e->len - at)
		return;
	end = at + size;
	while (!*ret->build_id && end - at >= 12) {
		uint64_t name = number(e, at, 4), desc = number(e, at + 4, 4);
		uint64_t type = number(e, at + 8, 4), from = at + 12 + round_up(name);
		uint64_t next = from + round_up(desc);

		if (from > end || desc > end - from)
			return;
		if (type == NT_GNU_BUILD_ID && name == 4 && !memcmp(e->data + at + 12, "GNU", 4))
			set_id(e, from, desc, ret);
		if (next > end)
			return;
		at = next;
	}
}

/* ---- tables ---- */

static void read_segments(const struct elf *e, struct elf_facts *ret)
{
	uint64_t at = word(e, 0, 28, 32), size = number(e, e->wide ? 54 : 42, 2);
	uint64_t count = number(e, e->wide ? 56 : 44, 2);

	for (uint64_t i = 0; i < count; i++) {
		uint64_t p = at + i * size;

		if (p < at || p >= e->len)
			return;
		if (number(e, p, 4) == PT_NOTE)
			read_notes(e, word(e, p, 4, 8), word(e, p, 16, 32), ret);
	}
}

static bool is_debug(const struct elf *e, uint64_t name)
{
	static const char *const names[] = {".debug_info", ".zdebug_info"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t len = strlen(names[i]) + 1;

		if (name <= e->len && len <= e->len - name &&
		    !memcmp(e->data + name, names[i], len))
			return true;
	}
	return false;
}

static void read_sections(const struct elf *e, struct elf_facts *ret)
{
	uint64_t at = word(e, 0, 32, 40), size = number(e, e->wide ? 58 : 46, 2);
	uint64_t count = number(e, e->wide ? 60 : 48, 2), index = number(e, e->wide ? 62 : 50, 2);
	uint64_t names = word(e, at + index * size, 16, 24); /* where the names of sections are */

	for (uint64_t i = 0; i < count && size; i++) {
		uint64_t s = at + i * size, type;

		if (s < at || s >= e->len)
			return;
		type = number(e, s + 4, 4);
		if (type == SHT_NOTE)
			read_notes(e, word(e, s, 16, 24), word(e, s, 20, 32), ret);
		if (type == SHT_PROGBITS && is_debug(e, names + number(e, s, 4)))
			ret->has_debug = true;
	}
}

bool elf_read(const void *data, size_t len, struct elf_facts *ret)
{
	struct elf e = {.data = data, .len = len};

	*ret = (struct elf_facts){0};
	if (len < sizeof(Elf32_Ehdr) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return false;
	e.wide = e.data[EI_CLASS] == ELFCLASS64;
	e.big = e.data[EI_DATA] == ELFDATA2MSB;
	if ((!e.wide && e.data[EI_CLASS] != ELFCLASS32) ||
	    (!e.big && e.data[EI_DATA] != ELFDATA2LSB))
		return false;
	ret->is_object = number(&e, 16, 2) == ET_REL;
	read_segments(&e, ret);
	read_sections(&e, ret);
	return true;
}
