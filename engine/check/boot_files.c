/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kernels are told by files that a boot loader or a firmware reads by itself, where no script
 * starts the kernel: extlinux.conf (U-Boot, "Boot Methods"), entries of the Boot Loader
 * Specification, cmdline.txt of a Raspberry Pi's firmware ("config.txt"), and by 'cmdline' of an
 * image with systemd-boot.
 */
#include <strings.h>

#include "base/path.h"
#include "base/str.h"
#include "check/view.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"

static void add_told(struct check_view *v, const char *words, struct pos pos)
{
	conf_entries_push(&v->told, (struct conf_entry){"", "bootargs", words, pos});
}

/* Whether a script has U-Boot read extlinux.conf. */
static bool runs_sysboot(const struct check_view *v)
{
	for (size_t i = 0; i < v->texts.count; i++)
		for (size_t k = 0; k < v->texts.items[i].lines.count; k++)
			if (str_eq(v->texts.items[i].lines.items[k].key, "sysboot"))
				return true;
	return false;
}

static bool is_script_there(const struct check_view *v)
{
	bool any = v->grubs.count;

	for (size_t i = 0; i < v->texts.count; i++)
		any |= v->texts.items[i].starts_kernel;
	return any;
}

static bool is_key(const struct conf_entry *e, const char *key)
{
	return strcasecmp(e->key, key) == 0;
}

/* The label that starts by itself: the one of 'default', else the first; or NULL. */
static const struct conf_entry *first_label(const struct conf_entries *lines)
{
	const struct conf_entry *wanted = NULL, *first = NULL;

	for (size_t i = 0; i < lines->count; i++)
		if (is_key(&lines->items[i], "default"))
			wanted = &lines->items[i];
	for (size_t i = 0; i < lines->count; i++) {
		const struct conf_entry *e = &lines->items[i];

		if (!is_key(e, "label"))
			continue;
		first = first ? first : e;
		if (wanted && str_eq(e->value, wanted->value))
			return e;
	}
	return first;
}

/* What the label tells the kernel; without 'append' it is told what a script has set before. */
static void from_extlinux(struct check_view *v, const struct conf_entries *lines)
{
	const struct conf_entry *label = first_label(lines);
	const struct conf_entry *end = lines->items + lines->count, *e = label;
	const struct conf_entry *append = NULL;

	while (label && ++e < end && !is_key(e, "label"))
		if (is_key(e, "append"))
			append = e;
	if (append)
		add_told(v, append->value, append->pos);
	else if (label && !v->told.count)
		add_told(v, "", label->pos);
}

/* An entry's 'options' are one text, in however many lines. */
static void from_entry(struct check_view *v, const struct conf_entries *lines)
{
	struct str words cleanup_str = STR_INIT;
	struct pos pos = {0};

	for (size_t i = 0; i < lines->count; i++) {
		const struct conf_entry *e = &lines->items[i];

		if (!is_key(e, "options"))
			continue;
		pos = words.len ? pos : e->pos;
		str_printf(&words, "%s%s", words.len ? " " : "", e->value);
	}
	if (words.len)
		add_told(v, arena_strdup(v->arena, words.buf), pos);
}

typedef void told_fn(struct check_view *v, const struct conf_entries *lines);

static bool is_extlinux(const char *target)
{
	return str_ends(target, "/extlinux/extlinux.conf");
}

static bool is_entry(const char *target)
{
	return strstr(target, "/loader/entries/") && str_ends(target, ".conf");
}

/* Reads all files that IS knows; how many, or -1. */
static int read_tables(struct check_view *v, bool (*is)(const char *), told_fn *fn,
		       struct err **err)
{
	int n = 0, rc = 0;

	for (size_t i = 0; rc == 0 && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		struct conf_entries lines = {0};

		if (!check_ships(v, f->image) || !is(f->target))
			continue;
		rc = conf_read_table(v->arena, v->g->project->dir, f->path, f->filled, &lines, err);
		if (rc == 0)
			fn(v, &lines);
		conf_entries_clear(&lines);
		n++;
	}
	return rc < 0 ? -1 : n;
}

static void from_images(struct check_view *v)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct image_opts *o =
			n->recipe->kind == &kind_image ? n->recipe->opts : NULL;

		if (o && check_ships(v, n) && o->bootloader == IMAGE_BOOT_SYSTEMD && o->cmdline &&
		    !strstr(o->cmdline, "${"))
			add_told(v, o->cmdline, recipe_pos(n->recipe, "cmdline"));
	}
}

/* What the file of arguments NAME beside CONFIG tells the kernel: its first line. */
static int from_arguments(struct check_view *v, const struct check_file *config, const char *name,
			  struct err **err)
{
	char *dir cleanup_free = path_dir(config->target), *target cleanup_free = NULL;
	struct conf_entries lines = {0};
	const struct check_file *f;
	int rc = 0;

	target = path_join(dir, name);
	f = check_target_file(v, target);
	if (f)
		rc = conf_read_lines(v->arena, v->g->project->dir, f->path, f->filled, &lines, err);
	if (rc == 0 && lines.count)
		add_told(v, lines.items[0].value, lines.items[0].pos);
	conf_entries_clear(&lines);
	return rc;
}

/* The names of the files of arguments: one for each condition under which CONFIG has one. */
static void argument_files(const struct check_view *v, const struct conf_entries *config,
			   struct strs *ret)
{
	const char *prefix = "";

	for (size_t i = 0; i < config->count; i++) {
		const struct conf_entry *e = &config->items[i];

		prefix = str_eq(e->key, "os_prefix") ? e->value : prefix;
		if (str_eq(e->key, "kernel") && strstr(e->value, "u-boot")) {
			strs_clear(ret); /* which tells Linux what it likes */
			return;
		}
	}
	for (size_t i = 0; i < config->count; i++)
		if (str_eq(config->items[i].key, "cmdline"))
			strs_push(ret,
				  arena_printf(v->arena, "%s%s", prefix, config->items[i].value));
	if (!ret->count)
		strs_push(ret, arena_printf(v->arena, "%scmdline.txt", prefix));
}

/* What the firmware that reads CONFIG tells kernels. */
static int from_firmware(struct check_view *v, const struct check_file *config, struct err **err)
{
	struct conf_entries conf = {0};
	struct strs names = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, config->path, config->filled, &conf,
			       err);

	if (rc == 0)
		argument_files(v, &conf, &names);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = from_arguments(v, config, names.items[i], err);
	strs_clear(&names);
	conf_entries_clear(&conf);
	return rc;
}

int check_boot_files_gather(struct check_view *v, struct err **err)
{
	bool script = is_script_there(v);
	int found = 0;

	if (!script || runs_sysboot(v))
		found = read_tables(v, is_extlinux, from_extlinux, err);
	if (found || script)
		return found < 0 ? -1 : 0;
	from_images(v);
	if (read_tables(v, is_entry, from_entry, err) < 0)
		return -1;
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && str_eq(path_base(f->target), "config.txt") &&
		    from_firmware(v, f, err) < 0)
			return -1;
	}
	return 0;
}
