/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What outlives updates: its partition is mounted, as the file system that the disk makes there; it
 * grows, and nothing else does; what the device promises to keep is named by what devices run.
 */
#include "base/path.h"
#include "check/view.h"
#include "kinds/device/device_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"

#define MAX_TEXT_BYTES (256 * 1024)
#define PARTITION "{partition}"

static const struct disk_part *part_named(const struct check_view *v, const char *name)
{
	const struct disk_opts *o = v->disk ? v->disk->recipe->opts : NULL;

	for (size_t i = 0; o && i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		if (str_eq(p->name, name))
			return p;
	}
	return NULL;
}

/* How the running system names partition NAME; heap. */
static char *device_path(const struct device_opts *o, const char *name)
{
	const char *at = strstr(o->paths, PARTITION);

	return at ? xasprintf("%.*s%s%s", (int)(at - o->paths), o->paths, name,
			      at + strlen(PARTITION))
		  : NULL;
}

/* Whether TEXT has WORD as a whole path, or before what lies below it. */
static bool names_path(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; p && (p = strstr(p, word)); p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
			    p[len]) ||
		    !p[len])
			return true;
	return false;
}

/* Whether some file of a device names PATH, one that ends in SUFFIX. */
static bool is_named(const struct check_view *v, const char *path, const char *suffix)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		const char *text =
			f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);

		if (check_ships(v, f->image) && str_ends(f->target, suffix) &&
		    names_path(text, path))
			return true;
	}
	return false;
}

/* The line of fstab that mounts DEVICE, or NULL. */
static const struct conf_entry *mount_of(const struct check_view *v, const char *device)
{
	for (size_t i = 0; i < v->fstab.count; i++)
		if (str_eq(v->fstab.items[i].key, device))
			return &v->fstab.items[i];
	return NULL;
}

static void state_is_mounted(struct check_view *v, const struct device_opts *o)
{
	const struct disk_part *p = part_named(v, o->state->partition);
	char *device cleanup_free = device_path(o, o->state->partition);
	const struct conf_entry *e = device ? mount_of(v, device) : NULL;
	const char *type = e ? e->value + strcspn(e->value, " \t") : "";

	type += strspn(type, " \t");
	if (!device || !p || !v->files.count)
		return;
	if (!e && !is_named(v, device, ".mount"))
		check_say(v, CHECK_STATE_MOUNTED, recipe_pos(v->device->recipe, "state"),
			  "nothing mounts '%s': fstab has no line for it, and no mount unit of the "
			  "project names it",
			  device);
	if (e && p->filesystem != IMAGE_FS_NONE && !str_skip(type, "auto") &&
	    !str_skip(type, image_fs_words[p->filesystem]))
		check_say(v, CHECK_STATE_MOUNTED, e->pos,
			  "partition '%s' holds %s (%s:%u), and is mounted as %.*s", p->name,
			  image_fs_words[p->filesystem], p->pos.file, p->pos.line,
			  (int)strcspn(type, " \t"), type);
}

/* What is kept lies below where the partition is mounted, at least some of it. */
static void paths_are_mounted(struct check_view *v, const struct device_opts *o)
{
	char *device cleanup_free = device_path(o, o->state->partition);
	const struct conf_entry *e = device ? mount_of(v, device) : NULL;
	char *place cleanup_free = e ? xstrndup(e->value, strcspn(e->value, " \t")) : NULL;
	const struct pair *p = NULL;

	for (size_t i = 0; e && i < o->state->paths.count; i++) {
		const char *rest;

		p = LIST_AT(o->state->paths, struct pair *, i);
		rest = str_skip(p->key, place);
		if (rest && (*rest == '/' || !*rest))
			return;
	}
	if (p)
		check_say(v, CHECK_STATE_MOUNTED, e->pos,
			  "'%s' is mounted at '%s', and none of what it keeps lies there, as '%s' "
			  "(%s:%u)",
			  device, place, p->key, p->pos.file, p->pos.line);
}

/* What a card has at PATH of partition P, which is mounted at PLACE, must be KEY of system.conf. */
static void rauc_looks_at(struct check_view *v, const struct disk_part *p, const char *place,
			  const char *key, const char *path)
{
	const struct conf_entry *e = conf_find(&v->system, "system", key);
	const char *rest = e ? str_skip(e->value, place) : NULL;

	if (!rest || !str_eq(rest, path))
		check_say(v, CHECK_ADAPTIVE_INDEX, p->pos,
			  "RAUC would not find what is 'installed': its '%s' on a new card is "
			  "'%s%s', and system.conf has %s%s%s",
			  key, place, path, e ? "'" : "none", e ? e->value : "", e ? "'" : "");
}

static void slot_is_installed(struct check_view *v, const struct device_opts *o,
			      const struct pair *slot)
{
	char *section cleanup_free = xasprintf("slot.%s", slot->key);
	char *device cleanup_free = device_path(o, slot->value);
	const struct conf_entry *e = conf_find(&v->system, section, "device");

	if (!e)
		check_say(v, CHECK_ADAPTIVE_INDEX, slot->pos,
			  "system.conf has no slot '%s' that could be installed", slot->key);
	else if (device && !str_eq(e->value, device))
		check_say(v, CHECK_ADAPTIVE_INDEX, slot->pos,
			  "slot '%s' is '%s' (%s:%u), not partition '%s'", slot->key, e->value,
			  e->pos.file, e->pos.line, slot->value);
}

/* Indexes of what a new card has installed are where RAUC looks for them. */
static void installed_are_found(struct check_view *v, const struct device_opts *o,
				const struct disk_part *p)
{
	char *device cleanup_free = device_path(o, p->name);
	const struct conf_entry *e = device ? mount_of(v, device) : NULL;
	char *place cleanup_free = e ? xstrndup(e->value, strcspn(e->value, " \t")) : NULL;

	if (!p->installed || !v->system.count)
		return;
	if (place && str_eq(place, "/"))
		*place = '\0';
	if (place) {
		rauc_looks_at(v, p, place, "data-directory", p->installed->data_directory);
		rauc_looks_at(v, p, place, "statusfile", disk_statusfile(v->arena, p->installed));
	}
	for (size_t i = 0; i < p->installed->slots.count; i++)
		slot_is_installed(v, o, LIST_AT(p->installed->slots, struct pair *, i));
}

static void state_is_named(struct check_view *v, const struct device_opts *o)
{
	for (size_t i = 0; v->files.count && i < o->state->paths.count; i++) {
		const struct pair *p = LIST_AT(o->state->paths, struct pair *, i);

		if (!is_named(v, p->key, ""))
			check_say(v, CHECK_STATE_NAMED, p->pos,
				  "'%s' is promised to outlive updates, and no file that devices "
				  "get names it",
				  p->key);
	}
}

/* How many partitions of the disk have the type GUID. */
static size_t count_of_type(const struct check_view *v, const char *guid)
{
	const struct disk_opts *o = v->disk->recipe->opts;
	size_t count = 0;
	char buf[37];

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);
		const char *is = layout_type_guid(p->type, buf);

		count += is && str_eq(is, guid);
	}
	return count;
}

/* F is a definition of systemd-repart: one partition is what it is about. */
static int one_partition_grows(struct check_view *v, const struct check_file *f, struct err **err)
{
	struct conf_entries e = {0};
	const struct conf_entry *type;
	const char *guid;
	char buf[37];

	if (conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &e, err) < 0)
		return -1;
	type = conf_find(&e, "Partition", "Type");
	guid = type ? layout_type_guid(type->value, buf) : NULL;
	if (!guid)
		check_say(v, CHECK_GROWING_TYPE, type ? type->pos : (struct pos){f->path, 1, 1},
			  "systemd-repart is told no type of partition that is known here");
	else if (count_of_type(v, guid) != 1)
		check_say(v, CHECK_GROWING_TYPE, type->pos,
			  "disk '%s' (%s) has %zu partitions of type %s: systemd-repart finds what "
			  "grows by it, and makes a new one where there is none",
			  v->disk->name, v->disk->recipe->file, count_of_type(v, guid),
			  type->value);
	conf_entries_clear(&e);
	return 0;
}

int check_state_rules(struct check_view *v, struct err **err)
{
	const struct device_opts *o = v->device ? v->device->recipe->opts : NULL;
	const struct disk_opts *disk = v->disk ? v->disk->recipe->opts : NULL;

	if (o && o->state) {
		state_is_mounted(v, o);
		paths_are_mounted(v, o);
		state_is_named(v, o);
	}
	for (size_t i = 0; o && disk && i < disk->partitions.count; i++)
		installed_are_found(v, o, LIST_AT(disk->partitions, struct disk_part *, i));
	for (size_t i = 0; v->disk && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && strstr(f->target, "/repart.d/") &&
		    one_partition_grows(v, f, err) < 0)
			return -1;
	}
	return 0;
}
