/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the running system names its disk and partitions: by names that last, that a rule makes, and
 * that mean a partition which is there.
 */
#include <ctype.h>

#include "check/view.h"
#include "kinds/device/device_opts.h"

#define MAX_TEXT_BYTES (256 * 1024)
#define PARTITION "{partition}"

const char *check_unstable_name(const char *value)
{
	static const char *const tags[] = {"UUID=", "LABEL=", "/by-uuid/", "/by-label/"};
	static const char *const devices[] = {"mmcblk",  "nvme",    "/dev/sd",
					      "/dev/hd", "/dev/vd", "/dev/xvd"};
	const char *p;

	for (size_t i = 0; i < array_len(devices); i++) {
		p = strstr(value, devices[i]);
		if (p && isalnum((unsigned char)p[strlen(devices[i])]))
			return devices[i];
	}
	for (size_t i = 0; i < array_len(tags); i++) {
		p = strstr(value, tags[i]);
		if (p && (tags[i][0] == '/' || p == value || !isalpha((unsigned char)p[-1])))
			return tags[i];
	}
	return NULL;
}

static void names_are_stable(struct check_view *v, const struct conf_entries *e, bool slots_only)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct conf_entry *c = &e->items[i];
		const char *bad = check_unstable_name(c->key);

		if (!bad && (!slots_only || str_skip(c->section, "slot.")))
			bad = check_unstable_name(c->value);
		if (!bad)
			continue;
		check_say(v, CHECK_STABLE_NAMES, c->pos,
			  "'%s' does not name one disk for ever: both slots carry the same file "
			  "system, and the kernel numbers cards as it finds them; name the system "
			  "disk by a udev rule",
			  bad);
	}
}

/* The names of partitions, as the device's recipe has them. */
struct naming {
	const char *before;  /* "/dev/system/" */
	const char *disk;    /* "/dev/system/disk", or NULL */
	const char *escaped; /* BEFORE as systemd escapes it in a unit's name: "dev-system-" */
};

/* Whether what a device path begins with is a directory of systemd's own rules, or the kernel's. */
static bool is_common(const char *path)
{
	static const char *const dirs[] = {"/dev/disk/", "/dev/mapper/", "/dev/mtd", "/dev/ubi"};

	for (size_t i = 0; i < array_len(dirs); i++)
		if (str_skip(path, dirs[i]))
			return true;
	return !strchr(path + strlen("/dev/"), '/');
}

/* Whether a udev rule that ships names something below the directory of PATH ("/dev/system/x"). */
static bool is_made(const struct check_view *v, const char *path)
{
	const char *name = path + strlen("/dev/"), *slash = strrchr(name, '/');
	char *dir cleanup_free = xstrndup(name, slash ? (size_t)(slash - name) + 1 : 0);

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		const char *text;

		if (!check_ships(v, f->image) || !str_ends(f->target, ".rules"))
			continue;
		text = f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);
		for (const char *p = text; p && (p = strstr(p, "SYMLINK")); p++) {
			size_t len = strcspn(p, "\n");

			if (memmem(p, len, dir, strlen(dir)))
				return true;
		}
	}
	return false;
}

static void name_is_made(struct check_view *v, struct pos pos, const char *path)
{
	if (str_skip(path, "/dev/") && !is_common(path) && !is_made(v, path))
		check_say(v, CHECK_DEVICE_NAMES, pos,
			  "no udev rule of the image makes '%s': name it as one does, or by "
			  "/dev/disk/by-partlabel/",
			  path);
}

static bool is_partition(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->partitions.count; i++)
		if (str_eq(v->partitions.items[i].name, name))
			return true;
	return false;
}

static size_t name_length(const char *p)
{
	size_t n = 0;

	while (isalnum((unsigned char)p[n]) || (p[n] && strchr("._+-\\", p[n])))
		n++;
	return n;
}

/* The name at P, of LEN bytes, as the table has it: "root\x2da" of a unit's name is "root-a". */
static char *partition_name(const char *p, size_t len, bool escaped)
{
	char *name = xstrndup(p, len), *x;

	if (escaped && str_ends(name, ".device"))
		name[strlen(name) - strlen(".device")] = 0;
	while (escaped && (x = strstr(name, "\\x2d"))) {
		*x = '-';
		memmove(x + 1, x + 4, strlen(x + 4) + 1);
	}
	return name;
}

/* What stands after BEFORE in the line [P, END) of F is a partition of the disk. */
static void line_names_partitions(struct check_view *v, const struct check_file *f, struct pos pos,
				  const char *p, const char *end, const struct naming *n,
				  bool escaped)
{
	const char *before = escaped ? n->escaped : n->before, *line = p;

	while ((p = memmem(p, (size_t)(end - p), before, strlen(before)))) {
		const char *at = p + strlen(before);
		char *name cleanup_free = partition_name(at, name_length(at), escaped);
		char *whole cleanup_free = xasprintf("%s%s", n->before, name);
		bool unit = escaped && memmem(at, (size_t)(end - at), ".device", 7);

		pos.col = (unsigned)(p - line) + 1;
		if (*name && (!escaped || unit) && !is_partition(v, name) &&
		    !(n->disk && str_eq(whole, n->disk)))
			check_say(v, CHECK_DEVICE_NAMES, pos,
				  "disk '%s' (%s) has no partition '%s', so there is no %s in '%s'",
				  v->disk->name, v->disk->recipe->file, name, whole, f->target);
		p = at;
	}
}

static void file_names_partitions(struct check_view *v, const struct check_file *f,
				  const struct naming *n)
{
	const char *text = f->filled ? NULL : check_text_of(v, f->path, MAX_TEXT_BYTES), *end;
	struct pos pos = {f->path, 1, 1};

	for (const char *p = text; p && *p; p = *end ? end + 1 : end, pos.line++) {
		end = p + strcspn(p, "\n");
		if (p[strspn(p, " \t")] == '#')
			continue;
		line_names_partitions(v, f, pos, p, end, n, false);
		line_names_partitions(v, f, pos, p, end, n, true);
	}
}

/* "/dev/system/" as systemd-escape --path has it, with "-" at the end. */
static const char *escaped_path(const struct check_view *v, const char *path)
{
	struct str s cleanup_str = STR_INIT;

	for (const char *p = path + 1; *p; p++)
		str_printf(&s, *p == '-' ? "\\x2d" : "%c", *p == '/' ? '-' : *p);
	return arena_strdup(v->arena, s.buf);
}

/* The names that the device's recipe gives are made, and files use no other. */
static void names_are_promised(struct check_view *v)
{
	const struct device_opts *o = v->device->recipe->opts;
	const char *at = strstr(o->paths, PARTITION);
	struct naming n = {.disk = o->disk_path};

	name_is_made(v, recipe_pos(v->device->recipe, "paths"), o->paths);
	if (o->disk_path)
		name_is_made(v, recipe_pos(v->device->recipe, "disk-path"), o->disk_path);
	if (!at || at[strlen(PARTITION)] || !str_skip(o->paths, "/dev/"))
		return;
	n.before = arena_strndup(v->arena, o->paths, (size_t)(at - o->paths));
	n.escaped = escaped_path(v, n.before);
	for (size_t i = 0; i < v->files.count; i++)
		if (check_ships(v, v->files.items[i].image))
			file_names_partitions(v, &v->files.items[i], &n);
}

/* PARTNAME=NAME, as the kernel and udev say it of a partition, in TEXT, which is the file PATH. */
static void partnames_are_there(struct check_view *v, const char *path, const char *text)
{
	struct pos pos = {path, 1, 1};
	const char *p = text, *end;

	for (; p && *p; p = *end ? end + 1 : end, pos.line++) {
		const char *at;

		end = p + strcspn(p, "\n");
		at = memmem(p, (size_t)(end - p), "PARTNAME=", 9);
		if (at && name_length(at + 9)) {
			char *name cleanup_free = xstrndup(at + 9, name_length(at + 9));

			pos.col = (unsigned)(at - p) + 1;
			if (!is_partition(v, name))
				check_say(v, CHECK_DEVICE_NAMES, pos,
					  "disk '%s' (%s) has no partition '%s'", v->disk->name,
					  v->disk->recipe->file, name);
		}
	}
}

int check_name_rules(struct check_view *v, struct err **err)
{
	names_are_stable(v, &v->fstab, false);
	names_are_stable(v, &v->fw_env, false);
	names_are_stable(v, &v->system, true);
	for (size_t i = 0; i < v->fstab.count; i++)
		name_is_made(v, v->fstab.items[i].pos, v->fstab.items[i].key);
	if (v->device && v->disk)
		names_are_promised(v);
	for (size_t i = 0; v->disk && i < v->programs.count; i++)
		partnames_are_there(v, v->programs.items[i].path, v->programs.items[i].text);
	return 0;
}
