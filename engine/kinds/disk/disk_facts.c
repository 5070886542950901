/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The facts of kind disk: where its partitions and reserved areas lie. A start needs the sizes of
 * what comes before it, and no more, so that a partition may have the size of one before it.
 */
#include <ctype.h>

#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"
#include "kinds/image/image_ids.h"
#include "media/disk/mbr.h"
#include "recipe/facts.h"

const struct fact_help disk_fact_help[] = {
	{"PART.start", "Bytes from the beginning of the disk."},
	{"PART.size", "Bytes; of its region, 'region: 2x' takes two."},
	{"PART.number", "Its number in the table; the first is 1."},
	{"PART.guid", "Its PARTUUID, lower case: its own GUID; in an MBR made of the disk's "
		      "signature and its number."},
	{"RESERVED.at", "Bytes from the beginning of the disk."},
	{"RESERVED.size", "Bytes."},
	{"size", "Of the disk, bytes."},
	{"first-usable", "The table's first usable byte: the start of the first partition."},
	{NULL, NULL},
};

/* The list under KEY, of which one entry may stand alone. */
static struct list entries_of(const struct recipe *r, const char *key)
{
	struct yaml *const *at = NULL;

	for (size_t i = 0; i < r->map->count; i++)
		if (str_eq(r->map->keys[i]->text, key))
			at = &r->map->items[i];
	if (!at)
		return (struct list){0};
	if ((*at)->type == YAML_LIST)
		return (struct list){(*at)->items, (*at)->count};
	return (struct list){(void *)at, 1};
}

/* The entry of LIST whose name is NAME; its index, or LIST's count. */
static size_t entry_index(struct facts *f, const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *is = facts_scalar(f, LIST_AT(*list, struct yaml *, i), "name");

		if (is && str_eq(is, name))
			return i;
	}
	return list->count;
}

static enum fact_result number(uint64_t n, struct str *ret)
{
	str_printf(ret, "%llu", (unsigned long long)n);
	return FACT_KNOWN;
}

/* What the recipe says of the disk as a whole, into L. 0, or 1 as it is wrong. */
static int shape_of(struct facts *f, const struct recipe *r, struct layout *l)
{
	const char *table = facts_scalar(f, r->map, "table");
	const char *entries = facts_scalar(f, r->map, "gpt-entries");
	uint64_t n = 0;

	if (!yaml_get(r->map, "table"))
		table = disk_tables[LAYOUT_GPT];
	if (!table || (yaml_get(r->map, "gpt-entries") && (!entries || str_u64(entries, &n))))
		return 1;
	while (disk_tables[l->table] && !str_eq(disk_tables[l->table], table))
		l->table++;
	l->entries = (unsigned)n;
	return !disk_tables[l->table] || n > UINT16_MAX ||
	       (yaml_get(r->map, "gpt-entries-offset") &&
		facts_size(f, r->map, "gpt-entries-offset", &l->entries_at)) ||
	       (yaml_get(r->map, "align") && facts_size(f, r->map, "align", &l->align)) ||
	       (yaml_get(r->map, "size") && facts_size(f, r->map, "size", &l->size));
}

/* The size of the image that FROM names, of what is called OF; RET as for a fact. */
static enum fact_result image_size(struct facts *f, const struct ref *from, const char *of,
				   const char *name, uint64_t *ret_size, struct str *ret)
{
	char *node cleanup_free = xstrndup(from->text, strcspn(from->text, ":"));
	struct str text cleanup_str = STR_INIT;
	enum fact_result result = facts_of(f, node, "size", &text);

	if (result == FACT_REFUSED)
		return result;
	if (result == FACT_KNOWN)
		return str_u64(text.buf, ret_size) ? FACT_REFUSED : FACT_KNOWN;
	str_printf(ret,
		   "the size of what %s '%s' takes is known when it is built: give the %s a 'size'",
		   of, name, of);
	return FACT_MISSING;
}

/* The partition of one entry of 'partitions', with its size as it is on the disk. */
static enum fact_result part_of(struct facts *f, struct yaml *entry, uint64_t align,
				struct layout_part *ret_part, struct str *ret)
{
	struct disk_part *p = facts_decode(f, &disk_part_schema, entry);
	enum fact_result result = FACT_KNOWN;

	if (!p)
		return FACT_REFUSED;
	if (!p->size && p->from)
		result = image_size(f, p->from, "partition", p->name, &p->size, ret);
	*ret_part = disk_layout_part(p, layout_round(p->size, align));
	return result;
}

/* Adds a reserved area. Its size does not matter where the first partition says where it is. */
static enum fact_result add_area(struct facts *f, struct yaml *entry, bool needs_size,
				 struct layout_areas *areas, struct str *ret)
{
	const struct disk_area *a = facts_decode(f, &disk_area_schema, entry);
	enum fact_result result = FACT_KNOWN;
	uint64_t size = 1;

	if (!a)
		return FACT_REFUSED;
	if (a->size)
		size = a->size;
	else if (needs_size)
		result = image_size(f, a->from, "reserved area", a->name, &size, ret);
	layout_areas_push(areas, (struct layout_area){a->name, a->at, size});
	return result;
}

/* The disk up to partition LAST, placed. */
static enum fact_result place(struct facts *f, const struct recipe *r, size_t last,
			      struct layout *ret_layout, struct str *ret)
{
	struct list areas = entries_of(r, "reserved"), parts = entries_of(r, "partitions");
	struct err *reported_there cleanup_err = NULL;
	enum fact_result result = FACT_KNOWN;
	bool at = parts.count && yaml_get(LIST_AT(parts, struct yaml *, 0), "at");

	if (shape_of(f, r, ret_layout))
		return FACT_REFUSED;
	for (size_t i = 0; i < areas.count && result == FACT_KNOWN; i++)
		result = add_area(f, LIST_AT(areas, struct yaml *, i), !at || last >= parts.count,
				  &ret_layout->areas, ret);
	for (size_t i = 0; i <= last && i < parts.count && result == FACT_KNOWN; i++)
		result = part_of(f, LIST_AT(parts, struct yaml *, i), ret_layout->align,
				 layout_parts_at_end(&ret_layout->parts), ret);
	if (result != FACT_KNOWN)
		return result;
	/* how many are in the MBR shows at the end only, and does not move anything */
	if (last < parts.count && ret_layout->table == LAYOUT_HYBRID)
		ret_layout->table = LAYOUT_GPT;
	return layout_place(ret_layout, &reported_there) < 0 ? FACT_REFUSED : FACT_KNOWN;
}

static enum fact_result disk_size(struct facts *f, const struct recipe *r, struct str *ret)
{
	struct layout l cleanup_layout = {0};
	enum fact_result result;

	if (yaml_get(r->map, "size") && facts_size(f, r->map, "size", &l.size))
		return FACT_REFUSED;
	result = l.size ? FACT_KNOWN : place(f, r, SIZE_MAX - 1, &l, ret);
	return result == FACT_KNOWN ? number(l.size, ret) : result;
}

/* Of an MBR it matters whether there are more than four. */
static size_t last_needed(struct facts *f, const struct recipe *r, size_t index)
{
	struct layout shape = {0};

	if (shape_of(f, r, &shape) || shape.table != LAYOUT_MBR || index < 3)
		return index;
	return SIZE_MAX - 1;
}

static enum fact_result part_start(struct facts *f, const struct recipe *r, size_t index,
				   struct str *ret)
{
	struct layout l cleanup_layout = {0};
	enum fact_result result = place(f, r, last_needed(f, r, index), &l, ret);

	return result == FACT_KNOWN ? number(l.parts.items[index].start, ret) : result;
}

static enum fact_result part_size(struct facts *f, const struct recipe *r, struct yaml *entry,
				  struct str *ret)
{
	struct layout shape = {0};
	struct layout_part p;
	enum fact_result result =
		shape_of(f, r, &shape) ? FACT_REFUSED : part_of(f, entry, shape.align, &p, ret);

	return result == FACT_KNOWN ? number(p.size, ret) : result;
}

/* Its number in the table, and by that its name for Linux. */
static enum fact_result part_id(struct facts *f, const struct recipe *r, const char *part,
				size_t index, bool guid, struct str *ret)
{
	struct list parts = entries_of(r, "partitions");
	struct layout shape = {0};
	unsigned char id[16];
	unsigned n;
	char text[37];

	if (shape_of(f, r, &shape))
		return FACT_REFUSED;
	n = layout_number(shape.table, index, parts.count);
	if (shape.table == LAYOUT_NONE) {
		str_printf(ret, "the disk has no partition table, and partition '%s' no number",
			   part);
		return FACT_MISSING;
	}
	if (!guid)
		return number(n, ret);
	if (shape.table == LAYOUT_MBR) {
		disk_identity(shape.table, facts_scalar(f, r->map, "uuid"), facts_project(f)->name,
			      r->identity, id);
		str_printf(ret, "%08x-%02x", mbr_signature(id), n);
		return FACT_KNOWN;
	}
	disk_part_identity(part, facts_scalar(f, LIST_AT(parts, struct yaml *, index), "uuid"),
			   facts_project(f)->name, r->identity, id);
	str_append(ret, uuid_format(id, text));
	return FACT_KNOWN;
}

static enum fact_result part_fact(struct facts *f, const struct recipe *r, const char *part,
				  const char *what, struct str *ret)
{
	struct list parts = entries_of(r, "partitions");
	size_t index = entry_index(f, &parts, part);

	if (index == parts.count)
		return FACT_UNKNOWN;
	if (str_eq(what, "number") || str_eq(what, "guid"))
		return part_id(f, r, part, index, str_eq(what, "guid"), ret);
	if (str_eq(what, "start"))
		return part_start(f, r, index, ret);
	if (str_eq(what, "size"))
		return part_size(f, r, LIST_AT(parts, struct yaml *, index), ret);
	return FACT_UNKNOWN;
}

static enum fact_result area_size(struct facts *f, struct yaml *entry, struct str *ret)
{
	struct layout_areas areas = {0};
	enum fact_result result = add_area(f, entry, true, &areas, ret);

	if (result == FACT_KNOWN)
		number(areas.items[0].size, ret);
	layout_areas_clear(&areas);
	return result;
}

static enum fact_result area_fact(struct facts *f, const struct recipe *r, const char *area,
				  const char *what, struct str *ret)
{
	struct list areas = entries_of(r, "reserved");
	size_t index = entry_index(f, &areas, area);
	uint64_t n;

	if (index == areas.count || (!str_eq(what, "at") && !str_eq(what, "size")))
		return FACT_UNKNOWN;
	if (str_eq(what, "size"))
		return area_size(f, LIST_AT(areas, struct yaml *, index), ret);
	if (facts_size(f, LIST_AT(areas, struct yaml *, index), what, &n))
		return FACT_REFUSED;
	return number(n, ret);
}

enum fact_result disk_fact(struct facts *f, const struct recipe *r, const char *name,
			   struct str *ret)
{
	const char *dot = strrchr(name, '.');
	char *of cleanup_free = dot ? xstrndup(name, (size_t)(dot - name)) : NULL;
	enum fact_result result;

	if (str_eq(name, "size"))
		return disk_size(f, r, ret);
	if (str_eq(name, "first-usable"))
		return part_start(f, r, 0, ret);
	if (!dot)
		return FACT_UNKNOWN;
	result = part_fact(f, r, of, dot + 1, ret);
	return result == FACT_UNKNOWN ? area_fact(f, r, of, dot + 1, ret) : result;
}

static void add_names(struct facts *f, const struct recipe *r, const char *key,
		      const char *const *whats, struct strs *ret)
{
	struct list entries = entries_of(r, key);

	for (size_t i = 0; i < entries.count; i++) {
		const char *name = facts_scalar(f, LIST_AT(entries, struct yaml *, i), "name");

		for (const char *const *what = whats; name && *what; what++)
			strs_push(ret, arena_printf(facts_arena(f), "%s.%s", name, *what));
	}
}

void disk_fact_names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	static const char *const of_part[] = {"start", "size", "number", "guid", NULL};
	static const char *const of_area[] = {"at", "size", NULL};

	add_names(f, r, "partitions", of_part, ret);
	add_names(f, r, "reserved", of_area, ret);
	strs_push(ret, "size");
	strs_push(ret, "first-usable");
}

void disk_part_names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	struct list parts = entries_of(r, "partitions");

	for (size_t i = 0; i < parts.count; i++) {
		const char *name = facts_scalar(f, LIST_AT(parts, struct yaml *, i), "name");

		if (name)
			strs_push(ret, name);
	}
}

const char *disk_place_fact(struct facts *f, const struct recipe *r, const char *name)
{
	struct list parts = entries_of(r, "partitions");

	return entry_index(f, &parts, name) < parts.count ? "start" : "at";
}

/* "64MiB", as U-Boot reads it; bytes where it is not a whole number of them. */
static void add_size(struct str *ret, uint64_t n)
{
	if (n % LAYOUT_ALIGN)
		str_printf(ret, "%llu", (unsigned long long)n);
	else
		str_printf(ret, "%lluMiB", (unsigned long long)(n >> 20));
}

static void add_gpt_part(struct str *ret, const struct layout_part *p)
{
	char buf[37], guid[37];

	snprintf(guid, sizeof(guid), "%s", layout_type_guid(p->type, buf));
	for (char *c = guid; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	str_printf(ret, "%sname=%s,start=", ret->len ? ";" : "", p->name);
	add_size(ret, p->start);
	str_append(ret, ",size=");
	if (p->grow)
		str_append_char(ret, '-');
	else
		add_size(ret, p->size);
	str_printf(ret, ",type=%s", guid);
}

enum fact_result disk_gpt_write(struct facts *f, const struct recipe *r, struct str *ret)
{
	struct layout l cleanup_layout = {0};
	enum fact_result result = place(f, r, SIZE_MAX - 1, &l, ret);

	if (result == FACT_KNOWN && !layout_has_gpt(l.table)) {
		str_append(ret, "the disk has no GPT: its 'table' says so");
		return FACT_MISSING;
	}
	for (size_t i = 0; result == FACT_KNOWN && i < l.parts.count; i++)
		add_gpt_part(ret, &l.parts.items[i]);
	return result;
}

/* The file system in P, of its own or in the image that it takes; "none" if nothing is known. */
static enum fact_result filesystem_of(struct facts *f, const struct disk_part *p, struct str *ret)
{
	char *node cleanup_free =
		p->from ? xstrndup(p->from->text, strcspn(p->from->text, ":")) : NULL;
	enum fact_result result = FACT_UNKNOWN;

	if (node)
		result = facts_of(f, node, "filesystem", ret);
	if (result == FACT_REFUSED)
		return result;
	if (result != FACT_KNOWN) {
		str_clear(ret);
		str_append(ret, image_fs_words[p->filesystem]);
	}
	return FACT_KNOWN;
}

enum fact_result disk_slot_type(struct facts *f, const struct recipe *r, const char *name,
				struct str *ret)
{
	struct list parts = entries_of(r, "partitions");
	size_t index = entry_index(f, &parts, name);
	struct str is cleanup_str = STR_INIT;
	const struct disk_part *p;

	if (index == parts.count)
		return FACT_REFUSED;
	p = facts_decode(f, &disk_part_schema, LIST_AT(parts, struct yaml *, index));
	if (!p || filesystem_of(f, p, &is) != FACT_KNOWN)
		return FACT_REFUSED;
	/* others RAUC copies as they are */
	str_append(ret, str_eq(is.buf, "ext4") || str_eq(is.buf, "vfat") ? is.buf : "raw");
	return FACT_KNOWN;
}
