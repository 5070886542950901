/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks: their tables, and the bytes that are in no partition. */
#include <string.h>

#include "base/str.h"
#include "evidence/delta_priv.h"

static const struct gpt_part *find_partition(const struct gpt_parts *parts, const char *name,
					     size_t *ret)
{
	for (size_t i = 0; i < parts->count; i++) {
		char *one cleanup_free = look_part_name(parts, i);

		*ret = i;
		if (str_eq(one, name))
			return &parts->items[i];
	}
	return NULL;
}

static const char *partition_text(struct arena *arena, const struct gpt_part *p)
{
	char *size cleanup_free = str_bytes(p->size), *start cleanup_free = str_bytes(p->start);

	return arena_printf(arena, "number %u, %s at %s, %s, %s", p->number, size, start, p->type,
			    p->uuid);
}

/* Devices in the field cannot follow what moved or shrank. */
static const char *partition_change(const struct gpt_part *a, const struct gpt_part *b,
				    bool *ret_alarm)
{
	*ret_alarm = true;
	if (a->start != b->start)
		return "moved";
	if (b->size < a->size)
		return "shrunk";
	*ret_alarm = a->number != b->number;
	if (a->size != b->size)
		return "grown";
	if (a->number != b->number)
		return "renumbered";
	return str_eq(a->type, b->type) && str_eq(a->uuid, b->uuid) && a->attrs == b->attrs
		       ? NULL
		       : "changed";
}

static void add_partition(struct delta_part *p, struct arena *arena, const char *name,
			  const struct gpt_part *a, const struct gpt_part *b)
{
	bool alarm = !b;
	const char *change = !a ? "added" : !b ? "removed" : partition_change(a, b, &alarm);
	struct delta_row *row;

	if (!change)
		return;
	row = delta_add(p, DELTA_PARTITIONS, arena_strdup(arena, name), change);
	row->before = a ? partition_text(arena, a) : NULL;
	row->after = b ? partition_text(arena, b) : NULL;
	row->alarm = alarm;
}

static void compare_tables(struct delta_part *p, struct arena *arena, const struct look *a,
			   const struct look *b)
{
	size_t at;

	for (size_t i = 0; i < b->parts.count; i++) {
		char *name cleanup_free = look_part_name(&b->parts, i);

		add_partition(p, arena, name, find_partition(&a->parts, name, &at),
			      &b->parts.items[i]);
	}
	for (size_t i = 0; i < a->parts.count; i++) {
		char *name cleanup_free = look_part_name(&a->parts, i);

		if (!find_partition(&b->parts, name, &at))
			add_partition(p, arena, name, &a->parts.items[i], NULL);
	}
	if (!str_eq(a->format, b->format)) {
		struct delta_row *row = delta_add(p, DELTA_PARTITIONS, "(table)", "changed");

		row->before = a->format;
		row->after = b->format;
		row->alarm = true;
	}
}

/* ---- what is in no partition: boot loaders, an environment, the table itself ---- */

#define TABLE_START 440u            /* after the code of the MBR: its signature and entries */
#define GPT_END (34u * 512)         /* of the first copy */
#define GPT_BACKUP_SIZE (33u * 512) /* at the end */

/* Bytes that are compared elsewhere. */
struct taken {
	uint64_t from, to;
	const char *name; /* of a partition; NULL: of the table */
};
DEFINE_VEC(takens, struct taken)

static int by_start(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static void take(struct takens *list, uint64_t from, uint64_t size, const char *name)
{
	uint64_t to = size > UINT64_MAX - from ? UINT64_MAX : from + size;

	takens_push(list, (struct taken){from, to, name});
}

static void take_table(struct takens *list, const struct look *l)
{
	bool gpt = str_eq(l->format, "gpt");

	take(list, TABLE_START, (gpt ? GPT_END : 512) - TABLE_START, NULL);
	if (gpt && l->size > GPT_BACKUP_SIZE)
		take(list, l->size - GPT_BACKUP_SIZE, GPT_BACKUP_SIZE, NULL);
}

/* A table of which rows tell already is not told again. */
static void list_taken(struct arena *arena, const struct look *a, const struct look *b,
		       bool table_told, struct takens *ret)
{
	for (size_t i = 0; i < b->parts.count; i++) {
		char *name cleanup_free = look_part_name(&b->parts, i);

		take(ret, b->parts.items[i].start, b->parts.items[i].size,
		     arena_strdup(arena, name));
	}
	if (table_told) {
		take_table(ret, a);
		take_table(ret, b);
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_start);
}

/* The bytes from FROM to TO, which are called WHERE. */
static int compare_gap(struct delta_part *p, struct arena *arena, const struct look *a,
		       const struct look *b, uint64_t from, uint64_t to, const char *where,
		       struct err **err)
{
	const struct block_place before = {a->file, a->offset + from, to - from};
	const struct block_place after = {b->file, b->offset + from, to - from};
	struct blocks blocks cleanup_blocks = {0};
	struct delta_row *row;

	if (blocks_compare(&before, &after, &blocks, err) < 0)
		return -1;
	if (blocks.changed) {
		char *size cleanup_free = str_bytes(to - from),
			   *start cleanup_free = str_bytes(from);
		char *bytes cleanup_free = str_bytes(blocks.changed * BLOCK_BYTES);
		char *first cleanup_free = str_bytes(from + blocks.changes.items[0].at);

		row = delta_add(p, DELTA_PARTITIONS, where, "content");
		row->before = arena_printf(arena, "%s at %s", size, start);
		row->after = arena_printf(arena, "%s differ, at %s", bytes, first);
	}
	return 0;
}

static const char *name_gap(struct arena *arena, const struct takens *list, size_t next)
{
	for (size_t i = next; i < list->count; i++) {
		if (list->items[i].name)
			return arena_printf(arena, "before %s", list->items[i].name);
	}
	for (size_t i = next; i > 0; i--) {
		if (list->items[i - 1].name)
			return arena_printf(arena, "after %s", list->items[i - 1].name);
	}
	return "(no partition)";
}

static int compare_beside(struct delta_part *p, struct arena *arena, const struct look *a,
			  const struct look *b, const struct takens *list, struct err **err)
{
	uint64_t at = 0, size = a->size > b->size ? a->size : b->size;
	int rc = 0;

	for (size_t i = 0; i <= list->count && rc == 0; i++) {
		uint64_t to = i < list->count ? list->items[i].from : size;

		if (to > size)
			to = size;
		if (to > at)
			rc = compare_gap(p, arena, a, b, at, to, name_gap(arena, list, i), err);
		if (i < list->count && list->items[i].to > at)
			at = list->items[i].to;
	}
	return rc;
}

static void compare_size(struct delta_part *p, struct arena *arena, const struct look *a,
			 const struct look *b)
{
	char *before cleanup_free = str_bytes(a->size), *after cleanup_free = str_bytes(b->size);
	struct delta_row *row;

	if (a->size == b->size)
		return;
	row = delta_add(p, DELTA_PARTITIONS, "(disk)", a->size < b->size ? "grown" : "shrunk");
	row->before = arena_strdup(arena, before);
	row->after = arena_strdup(arena, after);
}

int delta_disk(struct delta_part *p, struct arena *arena, const struct look *a,
	       const struct look *b, struct err **err)
{
	struct takens taken = {0};
	int rc;

	compare_tables(p, arena, a, b);
	list_taken(arena, a, b, p->rows[DELTA_PARTITIONS].count > 0, &taken);
	compare_size(p, arena, a, b);
	rc = compare_beside(p, arena, a, b, &taken, err);
	takens_clear(&taken);
	return rc;
}
