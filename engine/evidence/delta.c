/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"
#include "evidence/delta_priv.h"

const struct delta_title delta_titles[DELTA_SECTIONS] = {
	[DELTA_PARTITIONS] = {"partitions", "Partitions"},
	[DELTA_PACKAGES] = {"packages", "Packages"},
	[DELTA_UNITS] = {"units", "Units"},
	[DELTA_ACCOUNTS] = {"accounts", "Users and groups"},
	[DELTA_BOOT] = {"boot", "Kernel arguments"},
	[DELTA_KERNEL] = {"kernel", "Kernel configuration"},
	[DELTA_FILES] = {"files", "Files"},
};

struct delta_row *delta_add(struct delta_part *p, enum delta_section section, const char *name,
			    const char *change)
{
	struct delta_row *row = delta_rows_at_end(&p->rows[section]);

	row->name = name;
	row->change = change;
	return row;
}

/* ---- a part ---- */

static void compare_trees(struct delta_part *p, struct arena *arena, const struct look *a,
			  const struct look *b)
{
	p->has_sizes = true;
	p->sizes = (struct sizes){.arena = arena, .compared = true};
	delta_system(p, arena, a->tree, b->tree);
	delta_files(p, arena, a->tree, b->tree);
	sizes_count(&p->sizes, SIZES_BEFORE, a->tree, "");
	sizes_count(&p->sizes, SIZES_NOW, b->tree, "");
}

/* A link that leads elsewhere. */
static bool has_moved(const struct subject_part *a, const struct subject_part *b)
{
	return a->target && b->target && !str_eq(a->target, b->target);
}

static const char *note_of(struct arena *arena, const struct subject_part *a,
			   const struct subject_part *b)
{
	const char *why = b->unread ? b->unread : a->unread;

	if (why)
		return arena_printf(arena, "compared as bytes: %s: %s",
				    b->unread ? "after" : "before", why);
	if (!str_eq(a->look.format, b->look.format))
		return arena_printf(arena, "%s before, %s now", a->look.format, b->look.format);
	if (has_moved(a, b))
		return arena_printf(arena, "leads to %s now, to %s before", b->target, a->target);
	return NULL;
}

static bool has_bytes(const struct look *l)
{
	return !l->disk && l->file && !str_eq(l->format, "directory");
}

static int compare(struct delta *d, const struct subject_part *a, const struct subject_part *b,
		   struct err **err)
{
	struct delta_part *p = delta_parts_at_end(&d->parts);
	struct block_place before = subject_place(a), after = subject_place(b);
	bool bytes = !(a->look.tree && b->look.tree) && has_bytes(&a->look) && has_bytes(&b->look);

	p->name = arena_strdup(d->arena, b->name);
	p->note = note_of(d->arena, a, b);
	p->differs = !str_eq(a->look.format, b->look.format) || has_moved(a, b);
	if (a->look.disk && b->look.disk && delta_disk(p, d->arena, &a->look, &b->look, err) < 0)
		return -1;
	if (a->look.tree && b->look.tree)
		compare_trees(p, d->arena, &a->look, &b->look);
	for (size_t i = 0; i < DELTA_SECTIONS; i++)
		p->differs |= p->rows[i].count > 0;
	if ((a->image && b->image) || bytes) {
		p->has_blocks = a->image && b->image;
		if (blocks_compare(&before, &after, &p->blocks, err) < 0)
			return -1;
		p->differs |= p->blocks.changed || before.size != after.size;
	}
	if (!p->note && p->differs && (a->look.attributes_left_out || b->look.attributes_left_out))
		p->note = "compared without attributes of files, which may be capabilities: orch "
			  "cannot read those of squashfs";
	return 0;
}

static void add_lone(struct delta *d, const struct subject_part *s, const char *note)
{
	struct delta_part *p = delta_parts_at_end(&d->parts);

	p->name = arena_strdup(d->arena, s->name);
	p->note = note;
	p->differs = true;
}

static void add_equal(struct delta *d, const struct subject_part *s)
{
	delta_parts_at_end(&d->parts)->name = arena_strdup(d->arena, s->name);
}

/* Whether both are closed and have the same bytes. */
static int are_equal(const struct subject_part *a, const struct subject_part *b, bool *ret,
		     struct err **err)
{
	struct block_place before = subject_place(a), after = subject_place(b);

	*ret = false;
	if (!a->path || !b->path || !str_eq(a->path, b->path))
		return 0;
	return blocks_same(&before, &after, ret, err);
}

static int open_part(struct subject *s, const struct subject_part *p, struct err **err)
{
	size_t i = 0;

	while (s->parts.items[i] != p)
		i++;
	return p->path ? subject_open_part(s, i, err) : 0;
}

/*
 * Compares part I of AFTER, of which CURSOR says where its partner is expected. 1: it was opened,
 * and what is there now is to be compared.
 */
static int compare_part(struct delta *d, struct subject *before, struct subject *after, size_t i,
			size_t *cursor, struct err **err)
{
	const struct subject_part *b = after->parts.items[i];
	const struct subject_part *a = subject_partner_near(after, b, before, cursor);
	bool equal, closed = a && (a->path || b->path);

	if (!a) {
		add_lone(d, b, "only after");
		return 0;
	}
	if (are_equal(a, b, &equal, err) < 0)
		return -1;
	if (equal) {
		add_equal(d, b);
		return 0;
	}
	if (open_part(before, a, err) < 0 || open_part(after, b, err) < 0)
		return -1;
	return closed ? 1 : compare(d, a, b, err);
}

int delta_make(struct delta *d, struct subject *before, struct subject *after, struct err **err)
{
	size_t cursor = 0;

	for (size_t i = 0; i < after->parts.count;) {
		int rc;

		if (d->progress)
			d->progress(d->progress_arg, after->parts.items[i]->name, i + 1,
				    after->parts.count);
		rc = compare_part(d, before, after, i, &cursor, err);
		if (rc < 0)
			return -1;
		i += rc == 0;
	}
	cursor = 0;
	for (size_t i = 0; i < before->parts.count; i++) {
		const struct subject_part *a = before->parts.items[i];

		if (!subject_partner_near(before, a, after, &cursor))
			add_lone(d, a, "only before");
	}
	d->payload[0] = before->payload;
	d->payload[1] = after->payload;
	return 0;
}

bool delta_differs(const struct delta *d)
{
	for (size_t i = 0; i < d->parts.count; i++) {
		if (d->parts.items[i].differs)
			return true;
	}
	return false;
}

void delta_clear(struct delta *d)
{
	for (size_t i = 0; i < d->parts.count; i++) {
		struct delta_part *p = &d->parts.items[i];

		for (size_t k = 0; k < DELTA_SECTIONS; k++)
			delta_rows_clear(&p->rows[k]);
		sizes_clear(&p->sizes);
		blocks_clear(&p->blocks);
	}
	delta_parts_clear(&d->parts);
}
