/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The facts of kind disk: where its partitions and reserved areas lie. A start needs the sizes of
 * what comes before it, and no more, so that a partition may have the size of one before it.
 */
#include <ctype.h>

#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"
#include "kinds/image/image_ids.h"
#include "recipe/facts.h"

const struct fact_help disk_fact_help[] = {
	{"PART.start", "Bytes from the beginning of the disk."},
	{"PART.size", "Bytes; of its region, 'region: 2x' takes two."},
	{"PART.number", "Its number in the table; the first is 1."},
	{"PART.guid", "Its own GUID (PARTUUID), lower case."},
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

/* The size of the image that P takes; RET as for a fact. */
static enum fact_result image_size(struct facts *f, const struct disk_part *p, uint64_t *ret_size,
				   struct str *ret)
{
	char *node cleanup_free = xstrndup(p->from->text, strcspn(p->from->text, ":"));
	struct str text cleanup_str = STR_INIT;
	enum fact_result result = facts_of(f, node, "size", &text);

	if (result == FACT_REFUSED)
		return result;
	if (result == FACT_KNOWN)
		return str_u64(text.buf, ret_size) ? FACT_REFUSED : FACT_KNOWN;
	str_printf(ret,
		   "the size of what partition '%s' takes is known when it is built: give the "
		   "partition a 'size'",
		   p->name);
	return FACT_MISSING;
}

/* The partition of one entry of 'partitions', with its size as it is on the disk. */
static enum fact_result part_of(struct facts *f, struct yaml *entry, struct layout_part *ret_part,
				struct str *ret)
{
	struct disk_part *p = facts_decode(f, &disk_part_schema, entry);
	enum fact_result result = FACT_KNOWN;

	if (!p)
		return FACT_REFUSED;
	if (!p->size && p->from)
		result = image_size(f, p, &p->size, ret);
	*ret_part = disk_layout_part(p, layout_round(p->size));
	return result;
}

/* The disk up to partition LAST, placed. */
static enum fact_result place(struct facts *f, const struct recipe *r, size_t last,
			      struct layout *ret_layout, struct str *ret)
{
	struct list areas = entries_of(r, "reserved"), parts = entries_of(r, "partitions");
	struct err *reported_there cleanup_err = NULL;

	for (size_t i = 0; i < areas.count; i++) {
		const struct disk_area *a =
			facts_decode(f, &disk_area_schema, LIST_AT(areas, struct yaml *, i));

		if (!a)
			return FACT_REFUSED;
		layout_areas_push(&ret_layout->areas,
				  (struct layout_area){a->name, a->at, a->size});
	}
	for (size_t i = 0; i <= last && i < parts.count; i++) {
		struct layout_part *p = layout_parts_at_end(&ret_layout->parts);
		enum fact_result result = part_of(f, LIST_AT(parts, struct yaml *, i), p, ret);

		if (result != FACT_KNOWN)
			return result;
	}
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

static enum fact_result part_start(struct facts *f, const struct recipe *r, size_t index,
				   struct str *ret)
{
	struct layout l cleanup_layout = {0};
	enum fact_result result = place(f, r, index, &l, ret);

	return result == FACT_KNOWN ? number(l.parts.items[index].start, ret) : result;
}

static enum fact_result part_size(struct facts *f, struct yaml *entry, struct str *ret)
{
	struct layout_part p;
	enum fact_result result = part_of(f, entry, &p, ret);

	return result == FACT_KNOWN ? number(p.size, ret) : result;
}

static enum fact_result part_guid(struct facts *f, const struct recipe *r, const char *part,
				  struct str *ret)
{
	unsigned char id[16];
	char text[37];

	image_partition_uuid(facts_project(f)->name, r->identity, part, id);
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
	if (str_eq(what, "number"))
		return number(index + 1, ret);
	if (str_eq(what, "guid"))
		return part_guid(f, r, part, ret);
	if (str_eq(what, "start"))
		return part_start(f, r, index, ret);
	if (str_eq(what, "size"))
		return part_size(f, LIST_AT(parts, struct yaml *, index), ret);
	return FACT_UNKNOWN;
}

static enum fact_result area_fact(struct facts *f, const struct recipe *r, const char *area,
				  const char *what, struct str *ret)
{
	struct list areas = entries_of(r, "reserved");
	size_t index = entry_index(f, &areas, area);
	uint64_t n;

	if (index == areas.count || (!str_eq(what, "at") && !str_eq(what, "size")))
		return FACT_UNKNOWN;
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

enum fact_result disk_gpt_write(struct facts *f, const struct recipe *r, struct str *ret)
{
	struct layout l cleanup_layout = {0};
	enum fact_result result = place(f, r, SIZE_MAX - 1, &l, ret);

	for (size_t i = 0; result == FACT_KNOWN && i < l.parts.count; i++) {
		const struct layout_part *p = &l.parts.items[i];
		char buf[37], guid[37];

		snprintf(guid, sizeof(guid), "%s", layout_type_guid(p->type, buf));
		for (char *c = guid; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		str_printf(ret, "%sname=%s,start=%lluMiB,size=", i ? ";" : "", p->name,
			   (unsigned long long)(p->start >> 20));
		if (p->grow)
			str_append(ret, "-");
		else
			str_printf(ret, "%lluMiB", (unsigned long long)(p->size >> 20));
		str_printf(ret, ",type=%s", guid);
	}
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
