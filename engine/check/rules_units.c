/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Units of the device: that they are started, and what a growing table may not do. */
#include "base/path.h"
#include "check/view.h"
#include "kinds/tree/units.h"

#define MAX_PROGRAM_BYTES (256 * 1024)

bool check_names_unit(const struct conf_entries *e, const char *key, const char *unit)
{
	char *word cleanup_free = xasprintf(" %s ", unit);

	for (size_t i = 0; i < e->count; i++) {
		char *list cleanup_free = xasprintf(" %s ", e->items[i].value);

		if (str_eq(e->items[i].key, key) && strstr(list, word))
			return true;
	}
	return false;
}

const struct check_file *check_unit_file(const struct check_view *v, const char *name)
{
	static const char *const dirs[] = {"/etc/systemd/system/", "/usr/lib/systemd/system/"};
	const struct check_file *f = NULL;

	for (size_t i = 0; !f && i < array_len(dirs); i++) {
		char *target cleanup_free = xasprintf("%s%s", dirs[i], name);

		f = check_target_file(v, target);
	}
	return f;
}

int check_read_unit(struct check_view *v, const char *name, struct conf_entries *ret,
		    struct err **err)
{
	const struct check_file *f = check_unit_file(v, name);

	if (!f)
		return 1;
	if (conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, ret, err) < 0)
		return -1;
	return check_read_drop_ins(v, name, ret, err);
}

/* Whether LIST of UNITS, an option of many kinds, has the unit NAME. */
static bool lists_unit(const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(LIST_AT(*list, const char *, i), name))
			return true;
	return false;
}

const struct units *check_units_of(const struct node *n)
{
	const struct units *const *u =
		schema_field(n->recipe->kind->schema, n->recipe->opts, "units", OPT_STRUCT);

	return u ? *u : NULL;
}

/* Whether a link that ships starts the unit with another: multi-user.target.wants/NAME. */
static bool is_linked(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->links.count; i++) {
		const struct check_link *l = &v->links.items[i];

		if (check_ships(v, l->image) && str_eq(path_base(l->target), name) &&
		    (strstr(l->target, ".wants/") || strstr(l->target, ".requires/")))
			return true;
	}
	return false;
}

/* Whether another unit of the project starts this one. */
static bool is_wanted(struct check_view *v, const char *name)
{
	bool wanted = false;

	for (size_t i = 0; !wanted && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		struct conf_entries unit = {0};
		struct err *err cleanup_err = NULL;

		if (check_ships(v, f->image) && strstr(f->target, "/systemd/system/") &&
		    conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, &err) ==
			    0)
			wanted = check_names_unit(&unit, "Wants", name) ||
				 check_names_unit(&unit, "Requires", name);
		conf_entries_clear(&unit);
	}
	return wanted;
}

const struct check_link *check_unit_link(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->links.count; i++) {
		const struct check_link *l = &v->links.items[i];
		const char *rest = str_skip(l->target, "/etc/systemd/system/");

		if (check_ships(v, l->image) && rest && str_eq(rest, name))
			return l;
	}
	return NULL;
}

static bool masks(const struct check_link *l)
{
	return l && str_eq(l->leads_to, "/dev/null");
}

bool check_is_masked(const struct check_view *v, const char *name, struct pos *ret_pos)
{
	const struct check_link *l = check_unit_link(v, name);

	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct units *u = check_ships(v, n) ? check_units_of(n) : NULL;

		if (!u || !lists_unit(&u->mask, name))
			continue;
		*ret_pos = recipe_pos(n->recipe, "units");
		return true;
	}
	if (masks(l))
		*ret_pos = (struct pos){l->path, 1, 1};
	return masks(l);
}

bool check_is_started(struct check_view *v, const char *name, const struct node **ret_off)
{
	bool enabled = is_linked(v, name) || is_wanted(v, name);
	const struct check_link *l = check_unit_link(v, name);
	const struct node *off = masks(l) ? l->image : NULL;

	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct units *u = check_ships(v, n) ? check_units_of(n) : NULL;

		if (u && (lists_unit(&u->mask, name) || lists_unit(&u->disable, name)))
			off = n;
		else if (u && lists_unit(&u->enable, name))
			enabled = true;
	}
	if (ret_off)
		*ret_off = off;
	return enabled && !off;
}

static int unit_is_started(struct check_view *v, const struct check_file *f, struct err **err)
{
	const char *name = path_base(f->target);
	struct conf_entries unit = {0};
	const struct node *off;
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	if (rc == 0 && conf_find(&unit, "Install", "WantedBy") && !strchr(name, '@') &&
	    !check_is_started(v, name, &off) && !off)
		check_say(v, CHECK_IDLE_UNIT, conf_find(&unit, "Install", "WantedBy")->pos,
			  "nothing starts '%s': name it in 'units: enable' of '%s'", name,
			  f->image->name);
	conf_entries_clear(&unit);
	return rc < 0 ? -1 : 0;
}

/* What the project brings for systemd-networkd is read by nobody else. */
static void network_is_started(struct check_view *v, const struct check_file *f)
{
	static const char daemon[] = "systemd-networkd.service";

	if (!check_is_started(v, daemon, NULL))
		check_say(v, CHECK_IDLE_UNIT, (struct pos){f->path, 1, 1},
			  "nothing starts %s, which reads this: name it in 'units: enable' of '%s'",
			  daemon, f->image->name);
}

static int units_are_started(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (!check_ships(v, f->image))
			continue;
		if (str_ends(f->target, ".network") || str_ends(f->target, ".netdev"))
			network_is_started(v, f);
		else if (check_is_unit(f) && !str_ends(f->target, ".conf") &&
			 unit_is_started(v, f, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether a copy lies in free space, so that nothing may be discarded there. */
static bool keeps_free_space(const struct check_view *v)
{
	for (size_t i = 0; i < v->partitions.count; i++)
		if (v->partitions.items[i].twice)
			return true;
	return false;
}

/* The end of the command line at P, which a backslash before the end of a line carries on. */
static const char *command_end(const char *start)
{
	const char *p = start + strcspn(start, "\n");

	while (*p && p > start && p[-1] == '\\') {
		p++;
		p += strcspn(p, "\n");
	}
	return p;
}

static bool says(const char *p, const char *end, const char *word)
{
	return memmem(p, (size_t)(end - p), word, strlen(word));
}

/*
 * Whether a command line in TEXT lets systemd-repart discard. By itself it only tells what it would
 * do (its manual, --dry-run=).
 */
static bool discards(const char *text)
{
	const char *end;

	for (const char *p = text; p && *p; p = *end ? end + 1 : end) {
		end = p[strspn(p, " \t")] == '#' ? p + strcspn(p, "\n") : command_end(p);
		if (p[strspn(p, " \t")] != '#' && says(p, end, "systemd-repart ") &&
		    says(p, end, "--dry-run=no") && !says(p, end, "--discard=no") &&
		    !says(p, end, "--discard no"))
			return true;
	}
	return false;
}

/* What starts in place of systemd's own command line: the last ExecStart= of drop-ins and units. */
static int repart_starts(struct check_view *v, struct conf_entries *units,
			 const struct conf_entry **ret, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && strstr(f->target, "/systemd-repart.service") &&
		    conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, units, err) < 0)
			return -1;
	}
	*ret = conf_find(units, "Service", "ExecStart");
	return 0;
}

static const struct check_file *repart_definition(const struct check_view *v)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && strstr(f->target, "/repart.d/"))
			return f;
	}
	return NULL;
}

/* START is an ExecStart= of systemd-repart.service: a command line, or a program of the project. */
static void start_discards_nothing(struct check_view *v, const struct conf_entry *start)
{
	const char *path = start->value + strspn(start->value, "-@:+!"); /* systemd.service(5) */
	char *first cleanup_free = xstrndup(path, strcspn(path, " \t"));
	const struct check_file *program = check_target_file(v, first);
	const char *text =
		program ? check_text_of(v, program->path, MAX_PROGRAM_BYTES) : start->value;

	if (discards(text))
		check_say(v, CHECK_REPART_DISCARDS,
			  program ? (struct pos){program->path, 1, 1} : start->pos,
			  "systemd-repart without --discard=no discards the idle half of a "
			  "region");
}

/*
 * systemd-repart discards what no partition has, unless it is told not to (its manual, --discard=):
 * the idle half of a region that RAUC switches is such a place.
 */
static int repart_discards_nothing(struct check_view *v, struct err **err)
{
	const struct check_file *definition = repart_definition(v);
	struct conf_entries units = {0};
	const struct conf_entry *start;
	int rc;

	if (!definition || !keeps_free_space(v))
		return 0;
	rc = repart_starts(v, &units, &start, err);
	if (rc == 0 && start)
		start_discards_nothing(v, start);
	else if (rc == 0)
		check_say(v, CHECK_REPART_DISCARDS, (struct pos){definition->path, 1, 1},
			  "systemd-repart.service would discard the idle half of a region: give it "
			  "a drop-in with ExecStart= and --discard=no");
	conf_entries_clear(&units);
	return rc;
}

int check_unit_rules(struct check_view *v, struct err **err)
{
	if (units_are_started(v, err) < 0)
		return -1;
	if (!v->system.count)
		return 0;
	return repart_discards_nothing(v, err);
}
