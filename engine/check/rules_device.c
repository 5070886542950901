/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kind device promises and what the disk has, against files in which somebody wrote it again.
 * A template with the device's facts cannot differ; what is written by hand can.
 */
#include <ctype.h>

#include "base/path.h"
#include "check/view.h"
#include "kinds/device/device_opts.h"

#define MAX_TEXT_BYTES (256 * 1024)
#define RAUC_ATTEMPTS "3" /* its reference, boot-attempts= */

/* Whether A and B are the same value: equal numbers may be written in several ways. */
static bool same_value(const char *a, const char *b)
{
	uint64_t x, y;

	return str_eq(a, b) || (conf_number(a, &x) == 0 && conf_number(b, &y) == 0 && x == y);
}

/* Every entry of WANT, which DEVICE promises, is in HAVE. */
static void entries_agree(struct check_view *v, const struct conf_entries *want,
			  const struct conf_entries *have)
{
	const struct recipe *device = v->device->recipe;

	for (size_t i = 0; i < want->count; i++) {
		const struct conf_entry *w = &want->items[i];
		const struct conf_entry *h = conf_find(have, w->section, w->key);

		if (h && same_value(h->value, w->value))
			continue;
		check_say(v, CHECK_DEVICE_AGREES,
			  h ? h->pos : (struct pos){have->items[0].pos.file, 1, 1},
			  "device '%s' (%s) promises %s=%s in [%s], and here is %s%s", device->name,
			  device->file, w->key, w->value, w->section, h ? "" : "no such line",
			  h ? h->value : "");
	}
}

/* The entries that fact NAME of the device has, which is lines of such a file. */
static int promised(struct check_view *v, const char *name, struct conf_entries *ret,
		    struct err **err)
{
	const char *text = check_fact(v, v->device, name);

	if (!text)
		return 0;
	return conf_read_ini(v->arena, v->g->project->dir, v->device->recipe->file, text, ret, err);
}

static bool is_slot_of(const struct conf_entries *e, const char *section)
{
	for (size_t i = 0; i < e->count; i++)
		if (str_eq(e->items[i].section, section))
			return true;
	return false;
}

static int slots_agree(struct check_view *v, struct err **err)
{
	struct conf_entries want = {0};
	int rc = promised(v, "rauc-slots", &want, err);
	const char *last = "";

	if (rc == 0)
		entries_agree(v, &want, &v->system);
	for (size_t i = 0; rc == 0 && want.count && i < v->system.count; i++) {
		const struct conf_entry *e = &v->system.items[i];

		if (str_skip(e->section, "slot.") && !str_eq(e->section, last) &&
		    !is_slot_of(&want, e->section))
			check_say(v, CHECK_DEVICE_AGREES, e->pos,
				  "device '%s' (%s) has no slot '%s'", v->device->name,
				  v->device->recipe->file, e->section + strlen("slot."));
		last = e->section;
	}
	conf_entries_clear(&want);
	return rc;
}

/*
 * A single value of system.conf that the device promises. Without the line RAUC takes FALLBACK, or
 * does not start (NULL).
 */
static void value_agrees(struct check_view *v, const char *key, const char *want,
			 const char *fallback)
{
	const struct conf_entry *e = conf_find(&v->system, "system", key);
	const char *is = e ? e->value : fallback;

	if (!want || (e && conf_waits(e)) || (is && same_value(is, want)))
		return;
	check_say(v, CHECK_DEVICE_AGREES,
		  e ? e->pos : (struct pos){v->system.items[0].pos.file, 1, 1},
		  "device '%s' (%s) promises %s=%s, and here is %s", v->device->name,
		  v->device->recipe->file, key, want, e ? e->value : "no such line");
}

/* Device, offset and size of each copy; one line of fw_env.config each. */
static int environment_agrees(struct check_view *v, struct err **err)
{
	const char *text = check_fact(v, v->device, "fw-env");
	struct conf_entries want = {0};
	struct pos first;
	int rc;

	if (!text || !v->fw_env.items || !v->fw_env.count)
		return 0;
	first = v->fw_env.items[0].pos;
	rc = conf_read_table(v->arena, v->g->project->dir, v->device->recipe->file, text, &want,
			     err);
	for (size_t i = 0; rc == 0 && i < want.count; i++) {
		const struct conf_entry *w = &want.items[i];
		const struct conf_entry *h = i < v->fw_env.count ? &v->fw_env.items[i] : NULL;

		if (!h || !str_eq(h->key, w->key))
			check_say(
				v, CHECK_DEVICE_AGREES, h ? h->pos : first,
				"device '%s' (%s) promises copy %zu of the environment on %s, and "
				"here is %s",
				v->device->name, v->device->recipe->file, i + 1, w->key,
				h ? h->key : "none");
	}
	conf_entries_clear(&want);
	return rc;
}

/* The length of "slot.CLASS.NUMBER" at P, or 0. */
static size_t slot_length(const char *p)
{
	size_t n = strlen("slot."), class = n, number;

	while (islower((unsigned char)p[n]) || isdigit((unsigned char)p[n]) || p[n] == '-')
		n++;
	number = n + 1;
	if (n == class || p[n] != '.')
		return 0;
	for (n = number; isdigit((unsigned char)p[n]);)
		n++;
	return n > number ? n : 0;
}

/* Slots by RAUC's names, as programs of the device use them. */
static void slots_are_there(struct check_view *v, const struct check_file *f)
{
	const char *text = f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);
	struct pos pos = {f->path, 1, 1};
	const char *end;

	for (const char *p = text; p && *p; p = *end ? end + 1 : end, pos.line++) {
		const char *at;
		size_t len;

		end = p + strcspn(p, "\n");
		at = p[strspn(p, " \t")] == '#' ? NULL : memmem(p, (size_t)(end - p), "slot.", 5);
		len = at && (at == p || !isalnum((unsigned char)at[-1])) ? slot_length(at) : 0;
		pos.col = at ? (unsigned)(at - p) + 1 : 1;
		if (len && !is_slot_of(&v->system, arena_strndup(v->arena, at, len)))
			check_say(v, CHECK_DEVICE_AGREES, pos, "RAUC has no slot '%.*s'",
				  (int)(len - strlen("slot.")), at + strlen("slot."));
	}
}

/* How many slots of class CLASS system.conf has. */
static size_t slots_of(const struct check_view *v, const char *class)
{
	char *prefix cleanup_free = xasprintf("slot.%s.", class);
	size_t n = 0;

	for (size_t i = 0; i < v->system.count; i++)
		n += str_skip(v->system.items[i].section, prefix) &&
		     str_eq(v->system.items[i].key, "device");
	return n;
}

/* What has no second slot, and is not switched, is half written when the power goes. */
static void slots_are_two(struct check_view *v)
{
	for (size_t i = 0; i < v->system.count; i++) {
		const struct conf_entry *e = &v->system.items[i];
		const struct conf_entry *type = conf_find(&v->system, e->section, "type");
		const char *name = str_skip(e->section, "slot.");
		char *class cleanup_free = name ? xstrndup(name, strcspn(name, ".")) : NULL;

		if (!class || !str_eq(e->key, "device") || slots_of(v, class) > 1 ||
		    (type && str_skip(type->value, "boot-")))
			continue;
		check_say(v, CHECK_SECOND_SLOT, e->pos,
			  "class '%s' has one slot, which an update writes while devices need it: "
			  "give it a second one, or a type that RAUC switches (boot-gpt-switch, "
			  "boot-mbr-switch, boot-emmc)",
			  class);
	}
}

/* The partition of the disk that the slot of SECTION is, or NULL. */
static const struct check_partition *partition_of(const struct check_view *v, const char *section)
{
	const struct conf_entry *device = conf_find(&v->system, section, "device");

	for (size_t i = 0; device && i < v->partitions.count; i++)
		if (str_eq(v->partitions.items[i].name, path_base(device->value)))
			return &v->partitions.items[i];
	return NULL;
}

/* On a new card all slots of a class can be started: they hold one image, or nothing yet. */
static void slots_hold_one_image(struct check_view *v)
{
	for (size_t i = 0; i < v->system.count; i++) {
		const char *section = v->system.items[i].section, *dot = strrchr(section, '.');
		char *first cleanup_free =
			dot ? xasprintf("%.*s.0", (int)(dot - section), section) : NULL;
		const struct check_partition *p, *other;

		if (!first || !str_eq(v->system.items[i].key, "device"))
			continue;
		p = partition_of(v, section);
		other = partition_of(v, first);
		if (p && other && p->from && other->from && p->from != other->from)
			check_say(v, CHECK_SECOND_SLOT, p->pos,
				  "'%s' holds '%s' on a new card and '%s' (%s:%u) holds '%s', "
				  "though both are slots of one class: an update writes either of "
				  "them",
				  p->name, p->from->name, other->name, other->pos.file,
				  other->pos.line, other->from->name);
	}
}

/* "4M", "768MiB", "0x100000", "8388608" in bytes; 1: something else, such as "-" for the rest. */
static int table_number(const char *text, uint64_t *ret)
{
	char *number cleanup_free = xstrdup(text);

	if (str_ends(number, "iB"))
		number[strlen(number) - 2] = 0;
	return conf_number(number, ret);
}

/* The value of KEY in an item "name=boot,start=4MiB,size=128MiB"; caller frees. */
static char *item_value(const char *item, size_t len, const char *key)
{
	char *text cleanup_free = xstrndup(item, len), *save = NULL;

	for (char *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		const char *value = str_skip(p, key);

		if (value && *value == '=')
			return xstrdup(value + 1);
	}
	return NULL;
}

static void number_agrees(struct check_view *v, struct pos pos, const struct check_partition *p,
			  const char *item, size_t len, const char *key, uint64_t want)
{
	char *text cleanup_free = item_value(item, len, key);
	uint64_t n;

	if (text && want != CHECK_UNKNOWN && table_number(text, &n) == 0 && n != want)
		check_say(v, CHECK_TABLE_RESTORED, pos,
			  "%s=%s of partition '%s' is not that of disk '%s' (%s:%u), 0x%llx", key,
			  text, p->name, v->disk->name, p->pos.file, p->pos.line,
			  (unsigned long long)want);
}

/* One partition of the argument of `gpt write` (doc/usage/cmd/gpt.rst), the one with index I. */
static void item_agrees(struct check_view *v, struct pos pos, size_t i, const char *item,
			size_t len)
{
	const struct check_partition *p = i < v->partitions.count ? &v->partitions.items[i] : NULL;
	char *name cleanup_free = item_value(item, len, "name");

	if (!p || !str_eq(p->name, name)) {
		check_say(
			v, CHECK_TABLE_RESTORED, pos,
			"partition %zu of disk '%s' (%s) is %s%s%s, not '%s': a device whose table "
			"is lost would get another one",
			i + 1, v->disk->name, v->disk->recipe->file, p ? "'" : "",
			p ? p->name : "none", p ? "'" : "", name);
		return;
	}
	number_agrees(v, pos, p, item, len, "start", p->start);
	/* With a region of two there is one partition, and then as much free. */
	number_agrees(v, pos, p, item, len, "size", p->size);
}

/* The tables in T, one after another: a list of items with ';' between, in quotes or not. */
static void tables_agree(struct check_view *v, const struct check_text *t)
{
	struct pos pos = {t->path, 1, 1};
	size_t i = 0;

	if (!strstr(t->text, "gpt write") && !strstr(t->text, "partitions="))
		return;
	for (const char *p = t->text; *p; p += strspn(p, ";")) {
		size_t len = strcspn(p, ";\n\"' \t");
		char *name cleanup_free = item_value(p, len, "name");
		char *size cleanup_free = item_value(p, len, "size");

		if (name && size)
			item_agrees(v, pos, i++, p, len);
		p += len;
		if (*p && *p != ';') {
			i = *p == '\n' || i == 0 ? i : 0;
			pos.line += *p++ == '\n';
		}
	}
}

int check_device_rules(struct check_view *v, struct err **err)
{
	const struct device_opts *o = v->device ? v->device->recipe->opts : NULL;
	int type = o ? o->bootloader->type : 0;

	for (size_t i = 0; v->disk && i < v->texts.count; i++)
		tables_agree(v, &v->texts.items[i]);
	if (!v->system.count)
		return 0;
	slots_are_two(v);
	slots_hold_one_image(v);
	for (size_t i = 0; i < v->files.count; i++)
		if (check_ships(v, v->files.items[i].image))
			slots_are_there(v, &v->files.items[i]);
	if (!v->device) {
		check_note(v, CHECK_DEVICE_AGREES, v->system.items[0].pos,
			   "not checked: the project has no node of kind device");
		return 0;
	}
	value_agrees(v, "compatible", check_fact(v, v->device, "compatible"), NULL);
	if (type != LOADER_SYSTEMD_BOOT) /* which RAUC has learnt late */
		value_agrees(v, "bootloader", device_loaders[type], NULL);
	if (type == LOADER_UBOOT || type == LOADER_BAREBOX) { /* RAUC knows tries of no other */
		const char *tries = check_fact(v, v->device, "tries");

		value_agrees(v, "boot-attempts", tries, RAUC_ATTEMPTS);
		value_agrees(v, "boot-attempts-primary", tries, RAUC_ATTEMPTS);
	}
	if (slots_agree(v, err) < 0)
		return -1;
	return environment_agrees(v, err);
}
