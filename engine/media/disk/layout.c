/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/layout.h"

#include <ctype.h>

#include "base/str.h"

#define RESERVED_ALIGN ((uint64_t)4 << 20)
#define MBR_END ((uint64_t)LAYOUT_SECTOR << 32) /* sectors are numbered in 32 bits */
#define MAX_ENTRIES 1024

void layout_clear(struct layout *l)
{
	layout_areas_clear(&l->areas);
	layout_parts_clear(&l->parts);
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static uint64_t unit_of(const struct layout *l)
{
	return l->align ? l->align : LAYOUT_ALIGN;
}

static unsigned entries_of(const struct layout *l)
{
	return l->entries ? l->entries : LAYOUT_ENTRIES;
}

static uint64_t entries_bytes(const struct layout *l)
{
	return round_up((uint64_t)entries_of(l) * LAYOUT_ENTRY, LAYOUT_SECTOR);
}

static uint64_t entries_start(const struct layout *l)
{
	return l->entries_at ? l->entries_at : LAYOUT_ENTRIES_AT;
}

uint64_t layout_head(const struct layout *l)
{
	if (layout_has_gpt(l->table))
		return entries_start(l) + entries_bytes(l);
	return l->table == LAYOUT_MBR ? LAYOUT_SECTOR : 0;
}

uint64_t layout_tail(const struct layout *l)
{
	return layout_has_gpt(l->table) ? entries_bytes(l) + LAYOUT_SECTOR : 0;
}

unsigned layout_number(enum layout_table table, size_t index, size_t count)
{
	bool logical = table == LAYOUT_MBR && count > 4 && index >= 3;

	return (unsigned)index + (logical ? 2 : 1);
}

bool layout_is_logical(const struct layout *l, size_t index)
{
	return layout_number(l->table, index, l->parts.count) > index + 1;
}

/* "1 MiB (1048576)": sizes in messages can be compared and computed with. */
static char *bytes(uint64_t n)
{
	char *s cleanup_free = str_bytes(n);

	return xasprintf("%s (%llu)", s, (unsigned long long)n);
}

static int check_table(const struct layout *l, struct err **err)
{
	unsigned n = entries_of(l);

	if (!l->parts.count)
		return err_set(err, E_DISK_LAYOUT, "a disk needs at least one partition");
	if (l->align % LAYOUT_SECTOR)
		return err_set(err, E_DISK_LAYOUT, "'align' is not a multiple of 512 bytes");
	if (!layout_has_gpt(l->table))
		return 0;
	if (n % 4 || n > MAX_ENTRIES || n < l->parts.count)
		return err_set(err, E_DISK_LAYOUT,
			       "a table cannot have %u entries: it has one for each partition, at "
			       "most %d, and a multiple of 4",
			       n, MAX_ENTRIES);
	if (entries_start(l) % LAYOUT_SECTOR || entries_start(l) < LAYOUT_ENTRIES_AT)
		return err_set(err, E_DISK_LAYOUT,
			       "the entries of the table begin at a multiple of 512 bytes, from "
			       "%d on, not at %llu",
			       LAYOUT_ENTRIES_AT, (unsigned long long)entries_start(l));
	return 0;
}

/* How a blob at AT can have its place all the same. */
static char *table_remedy(const struct layout *l, uint64_t at)
{
	unsigned fewer = at > LAYOUT_ENTRIES_AT
				 ? (unsigned)((at - LAYOUT_ENTRIES_AT) / LAYOUT_SECTOR * 4)
				 : 0;

	if (l->table != LAYOUT_MBR && at >= LAYOUT_ENTRIES_AT && fewer >= 4 &&
	    fewer >= l->parts.count && entries_start(l) == LAYOUT_ENTRIES_AT)
		return xasprintf("say 'gpt-entries: %u', or put it at %llu or after", fewer,
				 (unsigned long long)layout_head(l));
	if (l->table != LAYOUT_MBR && at >= LAYOUT_ENTRIES_AT)
		return xasprintf("move the table's entries after it with 'gpt-entries-offset', or "
				 "put it at %llu or after",
				 (unsigned long long)layout_head(l));
	return xasprintf("put it at %llu or after", (unsigned long long)layout_head(l));
}

/* Whether [AT, AT + SIZE) lies over the head of the disk's table. */
static bool over_table(const struct layout *l, uint64_t at, uint64_t size)
{
	if (l->table == LAYOUT_NONE)
		return false;
	if (l->table == LAYOUT_MBR)
		return at < LAYOUT_SECTOR;
	return at < LAYOUT_ENTRIES_AT || (at < layout_head(l) && entries_start(l) < at + size);
}

static int check_area_place(const struct layout *l, const struct layout_area *a, struct err **err)
{
	char *remedy cleanup_free = NULL;

	if (a->at % LAYOUT_SECTOR)
		return err_set(err, E_DISK_LAYOUT,
			       "reserved area '%s' cannot begin at byte %llu: it is not a multiple "
			       "of 512",
			       a->name, (unsigned long long)a->at);
	if (a->size > INT64_MAX / 2 || a->at > INT64_MAX / 2)
		return err_set(err, E_DISK_LAYOUT, "reserved area '%s' is too large", a->name);
	if (!a->at && l->table != LAYOUT_NONE && a->size <= LAYOUT_SECTOR)
		return 0;
	if (!over_table(l, a->at, a->size))
		return 0;
	remedy = table_remedy(l, a->at);
	return err_set(err, E_DISK_LAYOUT,
		       "reserved area '%s' at byte %llu lies over the partition table, which takes "
		       "the first %llu bytes: %s",
		       a->name, (unsigned long long)a->at, (unsigned long long)layout_head(l),
		       remedy);
}

static int check_areas(struct layout *l, struct err **err)
{
	for (size_t i = 0; i < l->areas.count; i++) {
		const struct layout_area *a = &l->areas.items[i];

		l->bad_area = a;
		if (check_area_place(l, a, err) < 0)
			return -1;
		for (size_t k = 0; k < i; k++) {
			const struct layout_area *b = &l->areas.items[k];

			if (a->at < b->at + b->size && b->at < a->at + a->size)
				return err_set(err, E_DISK_LAYOUT,
					       "reserved areas '%s' and '%s' overlap: '%s' ends at "
					       "byte %llu, '%s' begins at %llu",
					       b->name, a->name, b->name,
					       (unsigned long long)(b->at + b->size), a->name,
					       (unsigned long long)a->at);
		}
	}
	l->bad_area = NULL;
	return 0;
}

/* Where the first partition starts if nobody says. */
static uint64_t gap_end(const struct layout *l)
{
	uint64_t end = 0;

	for (size_t i = 0; i < l->areas.count; i++)
		if (l->areas.items[i].at + l->areas.items[i].size > end)
			end = l->areas.items[i].at + l->areas.items[i].size;
	if (end > layout_head(l))
		return round_up(end, l->align ? l->align : RESERVED_ALIGN);
	return round_up(layout_head(l), unit_of(l));
}

/* A start that was asked for: whole sectors, after what is there. */
static int place_at(const struct layout *l, size_t index, uint64_t cursor, struct err **err)
{
	const struct layout_part *p = &l->parts.items[index];
	uint64_t free_from = index ? cursor : layout_head(l);
	char *wish cleanup_free = bytes(p->at), *end cleanup_free = NULL;

	if (layout_is_logical(l, index))
		free_from += unit_of(l);
	if (p->at % LAYOUT_SECTOR)
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s' cannot start at %s: it is not a multiple of 512 "
			       "bytes",
			       p->name, wish);
	end = bytes(free_from);
	if (p->at >= free_from)
		return 0;
	if (!index)
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s' at %s would lie over the partition table: start it "
			       "at %s or after",
			       p->name, wish, end);
	return err_set(err, E_DISK_LAYOUT,
		       "partition '%s' cannot start at %s: the space up to %s is taken", p->name,
		       wish, end);
}

/* Gives the last partition what is left. */
static int place_rest(const struct layout *l, struct layout_part *p, bool is_last, struct err **err)
{
	uint64_t unit = unit_of(l), end = l->size / unit * unit;
	uint64_t tail = round_up(layout_tail(l), unit);

	if (!is_last || !l->size)
		return err_set(
			err, E_DISK_LAYOUT,
			"partition '%s' needs a size: only the last one of a disk with a size may "
			"take the rest",
			p->name);
	if (end < tail || p->start + unit > end - tail)
		return err_set(err, E_DISK_LAYOUT,
			       "no room is left for partition '%s': raise the disk's size",
			       p->name);
	p->size = (end - tail - p->start) / unit * unit;
	return 0;
}

static int check_type(const struct layout *l, const struct layout_part *p, struct err **err)
{
	unsigned char byte;
	char buf[37];

	if (layout_has_gpt(l->table) && !layout_type_guid(p->type, buf))
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s': '%s' is neither a known type nor a GUID", p->name,
			       p->type);
	if ((l->table == LAYOUT_MBR && layout_mbr_type(p->type, &byte)) ||
	    (l->table == LAYOUT_HYBRID && p->mbr_type && layout_mbr_type(p->mbr_type, &byte)))
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s': '%s' is neither a known type of an MBR nor a "
			       "number like 0x83",
			       p->name, l->table == LAYOUT_MBR ? p->type : p->mbr_type);
	return 0;
}

static int check_names(struct layout *l, struct err **err)
{
	for (size_t i = 0; i < l->parts.count; i++) {
		const struct layout_part *p = &l->parts.items[i];

		l->bad_part = p;
		if (strlen(p->name) > 36)
			return err_set(err, E_DISK_LAYOUT,
				       "partition '%s': a name has at most 36 characters", p->name);
		if (check_type(l, p, err) < 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (str_eq(p->name, l->parts.items[k].name))
				return err_set(err, E_DISK_LAYOUT, "two partitions are called '%s'",
					       p->name);
	}
	l->bad_part = NULL;
	return 0;
}

/* What partition INDEX takes: its region, and the record before a logical one. */
static int check_over_areas(const struct layout *l, size_t index, struct err **err)
{
	const struct layout_part *p = &l->parts.items[index];
	uint64_t end = p->start + p->size * (p->regions ? p->regions : 1);
	uint64_t start = p->start - (layout_is_logical(l, index) ? unit_of(l) : 0);

	for (size_t i = 0; i < l->areas.count; i++) {
		const struct layout_area *a = &l->areas.items[i];
		char *at cleanup_free = bytes(p->start), *after cleanup_free = NULL;

		if (a->at >= end || start >= a->at + a->size)
			continue;
		after = bytes(a->at + a->size);
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s' at %s would overwrite the reserved area '%s', which "
			       "ends at %s: give it an 'at' after that, or move the area",
			       p->name, at, a->name, after);
	}
	return 0;
}

static int place_part(struct layout *l, size_t index, uint64_t *cursor, struct err **err)
{
	struct layout_part *p = &l->parts.items[index];
	uint64_t unit = unit_of(l), regions = p->regions ? p->regions : 1;
	uint64_t next = round_up(*cursor, unit) + (layout_is_logical(l, index) ? unit : 0);

	if (p->at && place_at(l, index, *cursor, err) < 0)
		return -1;
	p->start = p->at ? p->at : next;
	p->number = layout_number(l->table, index, l->parts.count);
	if (!p->size && place_rest(l, p, index + 1 == l->parts.count, err) < 0)
		return -1;
	if (p->size > INT64_MAX / 4 / regions)
		return err_set(err, E_DISK_LAYOUT, "partition '%s' is too large", p->name);
	p->size = layout_round(p->size, unit);
	*cursor = p->start + p->size * regions;
	if (*cursor > INT64_MAX / 2)
		return err_set(err, E_DISK_LAYOUT, "the disk is too large up to partition '%s'",
			       p->name);
	if (*cursor > MBR_END && (l->table == LAYOUT_MBR || p->mbr_type))
		return err_set(err, E_DISK_LAYOUT,
			       "partition '%s' ends after 2 TiB, where an MBR cannot say: use "
			       "'table: gpt'",
			       p->name);
	return check_over_areas(l, index, err);
}

/* Of a hybrid table: the MBR has three entries beside the one that protects the GPT. */
static int check_hybrid(const struct layout *l, struct err **err)
{
	size_t count = 0;

	for (size_t i = 0; i < l->parts.count; i++)
		count += l->parts.items[i].mbr_type != NULL;
	if (l->table == LAYOUT_HYBRID && (!count || count > 3))
		return err_set(err, E_DISK_LAYOUT,
			       "%zu partitions have an 'mbr-type': in a hybrid table 1 to 3 are in "
			       "the MBR, too",
			       count);
	return 0;
}

static int finish(struct layout *l, uint64_t end, struct err **err)
{
	/* The backup table lies in the last of it. */
	uint64_t need = layout_round(end, unit_of(l)) + layout_round(layout_tail(l), unit_of(l));
	char *needs cleanup_free = bytes(need), *has cleanup_free = bytes(l->size);

	if (!l->size)
		l->size = need;
	if (l->size % LAYOUT_SECTOR)
		return err_set(err, E_DISK_LAYOUT,
			       "the size of the disk, %s, is not a multiple of 512 bytes", has);
	if (l->size < end + (l->align ? layout_tail(l) : layout_round(layout_tail(l), 0)))
		return err_set(
			err, E_DISK_LAYOUT,
			"the partitions need %s, but the disk has %s: raise its size or make a "
			"partition smaller",
			needs, has);
	return 0;
}

int layout_place(struct layout *l, struct err **err)
{
	uint64_t cursor, end = 0;

	l->bad_area = NULL;
	l->bad_part = NULL;
	if (check_table(l, err) < 0 || check_areas(l, err) < 0 || check_names(l, err) < 0 ||
	    check_hybrid(l, err) < 0)
		return -1;
	cursor = gap_end(l);
	for (size_t i = 0; i < l->parts.count; i++) {
		l->bad_part = &l->parts.items[i];
		if (place_part(l, i, &cursor, err) < 0)
			return -1;
	}
	l->bad_part = NULL;
	l->first = l->parts.items[0].start;
	for (size_t i = 0; i < l->areas.count; i++)
		if (l->areas.items[i].at + l->areas.items[i].size > end)
			end = l->areas.items[i].at + l->areas.items[i].size;
	return finish(l, cursor > end ? cursor : end, err);
}
