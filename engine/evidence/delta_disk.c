/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks: their tables. */
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

void delta_disk(struct delta_part *p, struct arena *arena, const struct look *a,
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
