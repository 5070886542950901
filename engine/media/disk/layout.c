/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/layout.h"

#include <ctype.h>

#include "base/str.h"

#define RESERVED_ALIGN ((uint64_t)4 << 20)

/* Names and GUIDs of the Discoverable Partitions Specification and the UEFI specification. */
#define TYPES(X)                                                   \
	X("esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")           \
	X("xbootldr", "BC13C2FF-59E6-4262-A352-B275FD6F7172")      \
	X("root-arm64", "B921B045-1DF0-41C3-AF44-4C6F280D3FAE")    \
	X("root-arm", "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3")      \
	X("root-x86-64", "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709")   \
	X("root-x86", "44479540-F297-41B2-9AF7-D131D5F0458A")      \
	X("root-riscv64", "72EC70A6-CF74-40E6-BD49-4BDA08E8F224")  \
	X("usr-arm64", "B0E01050-EE5F-4390-949A-9101B17104E9")     \
	X("usr-x86-64", "8484680C-9521-48C6-9C11-B0720656F69E")    \
	X("home", "933AC7E1-2EB4-4F13-B844-0E14E2AEF915")          \
	X("srv", "3B8F8425-20E0-4F3B-907F-1A25A76F98E8")           \
	X("var", "4D21B016-B534-45C2-A9FB-5C16E091FD2D")           \
	X("tmp", "7EC6F557-3BC5-4ACA-B293-16EF5DF639D1")           \
	X("swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F")          \
	X("linux-generic", "0FC63DAF-8483-4772-8E79-3D69D8477DE4") \
	X("basic-data", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7")    \
	X("bios-boot", "21686148-6449-6E6F-744E-656564454649")

#define WORD(word, guid) word,
#define GUID(word, guid) guid,
const char *const layout_type_words[] = {TYPES(WORD) NULL};
static const char *const type_guids[] = {TYPES(GUID) NULL};

static bool is_guid(const char *s)
{
	if (strlen(s) != 36)
		return false;
	for (int i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

const char *layout_type_guid(const char *type, char buf[37])
{
	for (size_t i = 0; layout_type_words[i]; i++)
		if (str_eq(type, layout_type_words[i]))
			return type_guids[i];
	if (!is_guid(type))
		return NULL;
	for (int i = 0; i < 37; i++)
		buf[i] = (char)toupper((unsigned char)type[i]);
	return buf;
}

void layout_clear(struct layout *l)
{
	layout_areas_clear(&l->areas);
	layout_parts_clear(&l->parts);
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* "1 MiB (1048576)": sizes in messages can be compared and computed with. */
static char *bytes(uint64_t n)
{
	char *s cleanup_free = str_bytes(n);

	return xasprintf("%s (%llu)", s, (unsigned long long)n);
}

static int check_areas(const struct layout *l, struct err **err)
{
	for (size_t i = 0; i < l->areas.count; i++) {
		const struct layout_area *a = &l->areas.items[i];

		if (a->at < LAYOUT_GPT_HEAD)
			return err_set(err, E_DISK_LAYOUT,
				       "reserved area '%s' at byte %llu lies over the partition "
				       "table, which takes the first %d bytes",
				       a->name, (unsigned long long)a->at, LAYOUT_GPT_HEAD);
		for (size_t k = 0; k < i; k++) {
			const struct layout_area *b = &l->areas.items[k];

			if (a->at < b->at + b->size && b->at < a->at + a->size)
				return err_set(err, E_DISK_LAYOUT,
					       "reserved areas '%s' and '%s' overlap", b->name,
					       a->name);
		}
	}
	return 0;
}

/* Where the first partition may start. */
static uint64_t gap_end(const struct layout *l)
{
	uint64_t end = 0;

	for (size_t i = 0; i < l->areas.count; i++)
		if (l->areas.items[i].at + l->areas.items[i].size > end)
			end = l->areas.items[i].at + l->areas.items[i].size;
	return end ? round_up(end, RESERVED_ALIGN) : LAYOUT_ALIGN;
}

/* A start that was asked for: whole mebibytes, after what is there. */
static int place_at(const struct layout *l, const struct layout_part *p, uint64_t cursor,
		    bool is_first, struct err **err)
{
	char *wish cleanup_free = bytes(p->at), *end cleanup_free = bytes(cursor);

	if (p->at % LAYOUT_ALIGN)
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s' cannot start at %s: it is not a multiple of 1 MiB",
			       p->name, wish);
	for (size_t i = 0; is_first && i < l->areas.count; i++)
		if (p->at < l->areas.items[i].at + l->areas.items[i].size)
			return err_set(
				err, E_DISK_LAYOUT,
				"partition '%s' at %s would overwrite the reserved area '%s'",
				p->name, wish, l->areas.items[i].name);
	if (is_first ? p->at < LAYOUT_ALIGN : p->at < cursor)
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s' cannot start at %s: the space up to %s is taken",
			       p->name, wish, end);
	return 0;
}

/* Gives the last partition what is left. */
static int place_rest(const struct layout *l, struct layout_part *p, bool is_last, struct err **err)
{
	uint64_t end = l->size / LAYOUT_ALIGN * LAYOUT_ALIGN;

	if (!is_last || !l->size)
		return err_set(
			err, E_DISK_LAYOUT,
			"partition '%s' needs a size: only the last one of a disk with a size may "
			"take the rest",
			p->name);
	if (end < LAYOUT_ALIGN || p->start + LAYOUT_ALIGN > end - LAYOUT_ALIGN)
		return err_set(err, E_DISK_LAYOUT,
			       "no room is left for partition '%s': raise the disk's size",
			       p->name);
	p->size = end - LAYOUT_ALIGN - p->start;
	return 0;
}

static int check_names(const struct layout *l, struct err **err)
{
	char buf[37];

	for (size_t i = 0; i < l->parts.count; i++) {
		const struct layout_part *p = &l->parts.items[i];

		if (strlen(p->name) > 36)
			return err_set(err, E_DISK_LAYOUT,
				       "partition '%s': a name has at most 36 characters", p->name);
		if (!layout_type_guid(p->type, buf))
			return err_set(err, E_DISK_LAYOUT,
				       "partition '%s': '%s' is neither a known type nor a GUID",
				       p->name, p->type);
		for (size_t k = 0; k < i; k++)
			if (str_eq(p->name, l->parts.items[k].name))
				return err_set(err, E_DISK_LAYOUT, "two partitions are called '%s'",
					       p->name);
	}
	return 0;
}

static int finish(struct layout *l, uint64_t end, struct err **err)
{
	uint64_t need = end + LAYOUT_ALIGN; /* the backup table lies in the last of it */
	char *needs cleanup_free = bytes(need), *has cleanup_free = bytes(l->size);

	if (!l->size)
		l->size = need;
	if (l->size % 512)
		return err_set(err, E_DISK_LAYOUT,
			       "the size of the disk, %s, is not a multiple of 512 bytes", has);
	if (l->size < need)
		return err_set(
			err, E_DISK_LAYOUT,
			"the partitions need %s, but the disk has %s: raise its size or make a "
			"partition smaller",
			needs, has);
	return 0;
}

int layout_place(struct layout *l, struct err **err)
{
	uint64_t cursor = gap_end(l);

	if (!l->parts.count)
		return err_set(err, E_DISK_LAYOUT, "a disk needs at least one partition");
	if (check_areas(l, err) < 0 || check_names(l, err) < 0)
		return -1;
	for (size_t i = 0; i < l->parts.count; i++) {
		struct layout_part *p = &l->parts.items[i];

		if (p->at && place_at(l, p, cursor, i == 0, err) < 0)
			return -1;
		p->start = p->at ? p->at : cursor;
		if (!p->size && place_rest(l, p, i + 1 == l->parts.count, err) < 0)
			return -1;
		p->size = layout_round(p->size);
		if (p->size > INT64_MAX / 4 / (p->regions ? p->regions : 1))
			return err_set(err, E_DISK_LAYOUT, "partition '%s' is too large", p->name);
		cursor = p->start + p->size * (p->regions ? p->regions : 1);
		if (cursor > INT64_MAX / 2)
			return err_set(err, E_DISK_LAYOUT,
				       "the disk is too large up to partition '%s'", p->name);
	}
	l->first = l->parts.items[0].start;
	return finish(l, cursor, err);
}
