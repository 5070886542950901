/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * device.json: what a device recipe and its disk say, for other programs. Version 1; keys may be
 * added in it. Sizes and places are bytes.
 */
#include <jansson.h>

#include "kinds/device/device_opts.h"
#include "kinds/disk/disk_opts.h"
#include "recipe/facts.h"

#define DEVICE_JSON_VERSION 1

struct building {
	struct facts *f;
	const struct device_opts *o;
	enum fact_result result; /* of what went wrong first */
	struct str *why;
};

/* The fact NAME of the disk. */
static json_t *fact(struct building *b, const char *name)
{
	struct str text cleanup_str = STR_INIT;
	enum fact_result result = facts_of(b->f, b->o->disk, name, &text);
	uint64_t n;

	if (result != FACT_KNOWN && b->result == FACT_KNOWN) {
		b->result = result == FACT_UNKNOWN ? FACT_REFUSED : result;
		str_append(b->why, text.buf ? text.buf : "");
	}
	if (result != FACT_KNOWN)
		return json_null();
	return str_u64(text.buf, &n) == 0 ? json_integer((json_int_t)n) : json_string(text.buf);
}

static json_t *fact_of(struct building *b, const char *of, const char *what)
{
	return fact(b, arena_printf(facts_arena(b->f), "%s.%s", of, what));
}

static json_t *partitions(struct building *b, const struct recipe *disk)
{
	json_t *all = json_array();
	struct strs names = {0};

	disk_part_names(b->f, disk, &names);
	for (size_t i = 0; i < names.count; i++)
		json_array_append_new(all,
				      json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", names.items[i],
						"number", fact_of(b, names.items[i], "number"),
						"start", fact_of(b, names.items[i], "start"),
						"size", fact_of(b, names.items[i], "size"), "guid",
						fact_of(b, names.items[i], "guid")));
	strs_clear(&names);
	return all;
}

static json_t *bootloader(struct building *b, const struct recipe *disk)
{
	const struct device_bootloader *l = b->o->bootloader;
	json_t *areas = json_array();
	json_t *ret =
		json_pack("{s:s, s:o}", "type", device_loaders[l->type], "environment", areas);

	for (size_t i = 0; i < l->environment.count; i++) {
		const char *name = LIST_AT(l->environment, const char *, i);

		json_array_append_new(areas,
				      json_pack("{s:s, s:o, s:o}", "name", name, "at",
						fact_of(b, name, disk_place_fact(b->f, disk, name)),
						"size", fact_of(b, name, "size")));
	}
	if (l->tries)
		json_object_set_new(ret, "tries", json_integer(l->tries));
	if (l->chosen)
		json_object_set_new(ret, "chosen", json_string(l->chosen));
	return ret;
}

static json_t *slot_class(const char *name, const struct device_slot *s)
{
	json_t *slots = json_array(), *ret = json_pack("{s:s, s:o}", "class", name, "slots", slots);
	struct strs parts = {0}, names = {0};

	device_slot_partitions(s, &parts, &names);
	for (size_t i = 0; i < parts.count; i++) {
		json_t *slot = json_pack("{s:s}", "partition", parts.items[i]);

		if (i < names.count)
			json_object_set_new(slot, "bootname", json_string(names.items[i]));
		json_array_append_new(slots, slot);
	}
	if (s->parent)
		json_object_set_new(ret, "parent", json_string(s->parent));
	if (s->type)
		json_object_set_new(ret, "type", json_string(s->type));
	strs_clear(&parts);
	strs_clear(&names);
	return ret;
}

static json_t *state(const struct device_state *s)
{
	json_t *paths = json_object(), *reads = json_array(), *keep = json_array();
	json_t *ret = json_pack("{s:s, s:o, s:o, s:o}", "partition", s->partition, "paths", paths,
				"reads", reads, "keep", keep);

	for (size_t i = 0; i < s->paths.count; i++) {
		const struct pair *p = LIST_AT(s->paths, struct pair *, i);
		const struct device_path *d = p->data;

		json_object_set_new(paths, p->key,
				    d ? json_pack("{s:s, s:s*}", "owner", d->owner, "mode", d->mode)
				      : json_string(p->value));
	}
	for (size_t i = 0; i < s->reads.count; i++)
		json_array_append_new(reads, json_integer(LIST_AT(s->reads, int64_t, i)));
	for (size_t i = 0; s->reset && i < s->reset->keep.count; i++)
		json_array_append_new(keep, json_string(LIST_AT(s->reset->keep, const char *, i)));
	if (s->schema)
		json_object_set_new(ret, "schema", json_integer(s->schema));
	return ret;
}

static json_t *device(struct building *b, const struct recipe *disk)
{
	json_t *classes = json_array();
	json_t *ret =
		json_pack("{s:i, s:s, s:s, s:{s:o, s:o, s:o}, s:o, s:o}", "v", DEVICE_JSON_VERSION,
			  "compatible", b->o->compatible, "paths", b->o->paths, "disk", "size",
			  fact(b, "size"), "first-usable", fact(b, "first-usable"), "partitions",
			  partitions(b, disk), "bootloader", bootloader(b, disk), "slots", classes);

	for (size_t i = 0; i < b->o->slots.count; i++) {
		const struct pair *class = LIST_AT(b->o->slots, struct pair *, i);

		json_array_append_new(classes, slot_class(class->key, class->data));
	}
	if (b->o->disk_path)
		json_object_set_new(ret, "disk-path", json_string(b->o->disk_path));
	if (b->o->state)
		json_object_set_new(ret, "state", state(b->o->state));
	if (b->o->support_until)
		json_object_set_new(ret, "support-until", json_string(b->o->support_until));
	return ret;
}

enum fact_result device_json(struct facts *f, const struct device_opts *o,
			     const struct recipe *disk, struct str *ret)
{
	struct str why cleanup_str = STR_INIT;
	struct building b = {.f = f, .o = o, .result = FACT_KNOWN, .why = &why};
	json_t *json = device(&b, disk);
	char *text cleanup_free = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	json_decref(json);
	if (b.result == FACT_KNOWN && !text)
		return FACT_REFUSED; /* bytes that are not UTF-8, which YAML cannot have */
	str_append(ret, b.result == FACT_KNOWN ? text : why.buf ? why.buf : "");
	if (b.result == FACT_KNOWN)
		str_append_char(ret, '\n');
	return b.result;
}
