/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What systemd keeps in /var, where a device has that in memory: the time that its clock does not
 * fall behind (systemd-timesyncd(8)), and the journal.
 */
#include "check/view.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"

#define CLOCK "/var/lib/systemd/timesync"
#define JOURNAL "/var/log/journal"

/* The line of fstab that mounts memory on /var, or NULL. */
static const struct conf_entry *var_in_memory(const struct check_view *v)
{
	for (size_t i = 0; i < v->fstab.count; i++) {
		const struct conf_entry *e = &v->fstab.items[i];
		size_t n = strcspn(e->value, " \t");

		if (n == strlen("/var") && str_skip(e->value, "/var") &&
		    str_skip(e->value + n + strspn(e->value + n, " \t"), "tmpfs"))
			return e;
	}
	return NULL;
}

static bool is_package(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct list *packages = check_list(n, "packages", OPT_STRING);

		for (size_t k = 0; check_ships(v, n) && k < packages->count; k++)
			if (str_eq(LIST_AT(*packages, const char *, k), name))
				return true;
	}
	return false;
}

/* Whether an image that ships says how early its clock may be. */
static bool has_epoch(const struct check_view *v)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct image_opts *o =
			n->recipe->kind == &kind_image ? n->recipe->opts : NULL;

		if (o && o->clock_epoch && check_ships(v, n))
			return true;
	}
	return check_target_has(v, "/usr/lib/clock-epoch");
}

static void clock_is_kept(struct check_view *v, const struct conf_entry *var)
{
	const struct node *image = check_target_file(v, "/etc/fstab")->image;

	if (!is_package(v, "systemd-timesyncd"))
		return;
	if (!has_epoch(v))
		check_say(v, CHECK_CLOCK_KEPT, (struct pos){image->recipe->file, 1, 1},
			  "the clock of a board without a battery starts before its own packages "
			  "were made, and certificates are not valid yet: say 'clock-epoch: true'");
	if (!check_names_path(v, CLOCK, NULL))
		check_say(v, CHECK_CLOCK_KEPT, var->pos,
			  "/var is in memory, and nothing that devices get keeps '" CLOCK "', so "
			  "that a clock without a battery falls back at each boot: mount or link "
			  "it to what outlives them");
}

/* The last words of what systemd-journald is told. */
static int read_journald(struct check_view *v, struct conf_entries *ret, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && strstr(f->target, "/systemd/journald.conf") &&
		    conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, ret, err) < 0)
			return -1;
	}
	return 0;
}

/* A line that is about the journal in /var, or NULL. */
static const struct conf_entry *is_about_disk(const struct conf_entries *conf)
{
	for (size_t i = 0; i < conf->count; i++)
		if (str_skip(conf->items[i].key, "System"))
			return &conf->items[i];
	return NULL;
}

static int journal_is_kept(struct check_view *v, struct err **err)
{
	struct conf_entries conf = {0};
	int rc = read_journald(v, &conf, err);
	const struct conf_entry *storage = conf_find(&conf, "Journal", "Storage");
	const struct conf_entry *disk = is_about_disk(&conf);
	bool none =
		storage && (str_eq(storage->value, "volatile") || str_eq(storage->value, "none"));

	if (none && check_names_path(v, JOURNAL, NULL))
		check_say(v, CHECK_JOURNAL_KEPT, storage->pos,
			  "'Storage=%s' keeps no journal, and a file that devices get lays "
			  "'" JOURNAL "' out for one",
			  storage->value);
	else if (none && disk)
		check_say(v, CHECK_JOURNAL_KEPT, storage->pos,
			  "'Storage=%s' keeps no journal, and '%s' (%s:%u) is about one that is "
			  "kept",
			  storage->value, disk->key, disk->pos.file, disk->pos.line);
	conf_entries_clear(&conf);
	return rc;
}

int check_kept_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *var = var_in_memory(v);

	if (v->device && var)
		clock_is_kept(v, var);
	return journal_is_kept(v, err);
}
