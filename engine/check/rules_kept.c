/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What systemd keeps in /var, where a device has that in memory: the time that its clock does not
 * fall behind (systemd-timesyncd(8)), and the journal.
 */
#include "base/path.h"
#include "check/view.h"
#include "kinds/device/device_opts.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/test/board_opts.h"

#define CLOCK "/var/lib/systemd/timesync"
#define JOURNAL "/var/log/journal"
#define RUN_SHARE 5 /* systemd: TMPFS_LIMITS_RUN, 20% */

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

static const struct check_partition *partition_called(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->partitions.count; i++)
		if (str_eq(v->partitions.items[i].name, name))
			return &v->partitions.items[i];
	return NULL;
}

/* The partition that a line of fstab mounts where the journal is, or above it; or NULL. */
static const struct check_partition *mounted_for_journal(const struct check_view *v)
{
	const struct check_partition *found = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < v->fstab.count; i++) {
		const struct conf_entry *e = &v->fstab.items[i];
		size_t n = strcspn(e->value, " \t");

		if (n <= longest || n < strlen("/v") || strncmp(JOURNAL, e->value, n) != 0 ||
		    (JOURNAL[n] && JOURNAL[n] != '/'))
			continue;
		longest = n;
		found = partition_called(v, path_base(e->key));
	}
	return found;
}

/* The partition that keeps the journal, as far as files tell; or NULL. */
static const struct check_partition *journal_partition(const struct check_view *v)
{
	const struct device_opts *o = v->device ? v->device->recipe->opts : NULL;

	if (o && o->state && o->state->partition && var_in_memory(v))
		return check_names_path(v, JOURNAL, NULL) ? partition_called(v, o->state->partition)
							  : NULL;
	return mounted_for_journal(v);
}

/* More than the partition has is no limit: the journal takes what others need. */
static void journal_has_room(struct check_view *v, const struct conf_entries *conf)
{
	const struct conf_entry *most = conf_find(conf, "Journal", "SystemMaxUse");
	const struct check_partition *p = most ? journal_partition(v) : NULL;
	char *size cleanup_free = p ? str_bytes(p->size) : NULL;
	double bytes;

	if (p && p->size != CHECK_UNKNOWN && check_bytes(most->value, &bytes) &&
	    bytes > (double)p->size)
		check_say(v, CHECK_JOURNAL_KEPT, most->pos,
			  "the journal may take %s, and partition '%s' that keeps it (%s:%u) has "
			  "%s%s: this is no limit",
			  most->value, p->name, p->pos.file, p->pos.line, size,
			  p->grows ? " on the smallest disk" : "");
}

/* The most memory that a board of the project has; 0: it has none. */
static uint64_t board_memory(const struct check_view *v, const struct node **ret_board)
{
	uint64_t most = 0;

	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct board_opts *o =
			n->recipe->kind == &kind_board ? n->recipe->opts : NULL;

		if (o && !board_opts_remote(o) && o->memory > most) {
			most = o->memory;
			*ret_board = n;
		}
	}
	return most;
}

/* Until it is kept, and where it is not, the journal is in /run, a fifth of the memory. */
static void journal_leaves_memory(struct check_view *v, const struct conf_entries *conf)
{
	const struct conf_entry *most = conf_find(conf, "Journal", "RuntimeMaxUse");
	const struct node *board = NULL;
	uint64_t memory = board_memory(v, &board);
	char *size cleanup_free = str_bytes(memory);
	double bytes;

	if (most && board && check_bytes(most->value, &bytes) && bytes > (double)memory / RUN_SHARE)
		check_say(v, CHECK_JOURNAL_KEPT, most->pos,
			  "the journal may take %s of memory, and systemd gives /run a fifth of "
			  "what a board has, of %s at most ('%s', %s): this is no limit",
			  most->value, size, board->name, board->recipe->file);
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
	journal_has_room(v, &conf);
	journal_leaves_memory(v, &conf);
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
