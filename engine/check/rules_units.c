/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Units of the device: which must have started before a slot is called good, that the one which
 * says so is started itself, and what a growing table may not do.
 */
#include "base/path.h"
#include "check/view.h"
#include "kinds/tree/units.h"

#define MAX_UNITS 16                         /* targets after each other */
#define BOOT_COMPLETE "boot-complete.target" /* systemd's: a check of the boot is required by it */
#define MAX_PROGRAM_BYTES (256 * 1024)

static bool names_unit(const struct conf_entries *e, const char *key, const char *unit)
{
	char *word cleanup_free = xasprintf(" %s ", unit);

	for (size_t i = 0; i < e->count; i++) {
		char *list cleanup_free = xasprintf(" %s ", e->items[i].value);

		if (str_eq(e->items[i].key, key) && strstr(list, word))
			return true;
	}
	return false;
}

/* The units that this one needs and waits for, in the arena; the caller clears RET. */
static void needed_units(const struct check_view *v, const struct conf_entries *e, struct strs *ret)
{
	for (size_t i = 0; i < e->count; i++) {
		const char *key = e->items[i].key, *p = e->items[i].value;

		if (!str_eq(key, "Requires") && !str_eq(key, "BindsTo") &&
		    !str_eq(key, "Requisite"))
			continue;
		for (size_t n; p += strspn(p, " "), (n = strcspn(p, " ")) > 0; p += n) {
			const char *unit = arena_strndup(v->arena, p, n);

			if (names_unit(e, "After", unit))
				strs_push(ret, unit);
		}
	}
}

/* Reads unit NAME of the project. 1: it has none. */
static int read_unit(struct check_view *v, const char *name, struct conf_entries *ret,
		     struct err **err)
{
	static const char *const dirs[] = {"/etc/systemd/system/", "/usr/lib/systemd/system/"};

	for (size_t i = 0; i < array_len(dirs); i++) {
		char *target cleanup_free = xasprintf("%s%s", dirs[i], name);
		const struct check_file *f = check_target_file(v, target);

		if (f)
			return conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, ret,
					     err);
	}
	return 1;
}

static bool reboots(const struct conf_entries *unit)
{
	static const char *const keys[] = {"FailureAction", "JobTimeoutAction"};

	for (size_t i = 0; i < array_len(keys); i++) {
		const struct conf_entry *e = conf_find(unit, "Unit", keys[i]);

		if (e && strstr(e->value, "reboot"))
			return true;
	}
	return false;
}

/* Whether LIST of UNITS, an option of many kinds, has the unit NAME. */
static bool lists_unit(const struct list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(LIST_AT(*list, const char *, i), name))
			return true;
	return false;
}

/* What `units:` of N says, or NULL. */
static const struct units *units_of(const struct node *n)
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
			wanted = names_unit(&unit, "Wants", name) ||
				 names_unit(&unit, "Requires", name);
		conf_entries_clear(&unit);
	}
	return wanted;
}

/* Whether something starts the unit; *ret_off (may be NULL) is the node that forbids it. */
static bool is_started(struct check_view *v, const char *name, const struct node **ret_off)
{
	bool enabled = is_linked(v, name) || is_wanted(v, name);
	const struct node *off = NULL;

	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct units *u = check_ships(v, n) ? units_of(n) : NULL;

		if (u && (lists_unit(&u->mask, name) || lists_unit(&u->disable, name)))
			off = n;
		else if (u && lists_unit(&u->enable, name))
			enabled = true;
	}
	if (ret_off)
		*ret_off = off;
	return enabled && !off;
}

static bool is_service(const struct check_file *f)
{
	return strstr(f->target, "/systemd/system/") && str_ends(f->target, ".service");
}

/* The unit of the project in F, when [Install] has it required by TARGET: it must come before. */
static int add_required_by(struct check_view *v, const struct check_file *f, const char *target,
			   struct strs *needs, struct err **err)
{
	const char *name = path_base(f->target);
	struct conf_entries unit = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	if (rc == 0 && names_unit(&unit, "RequiredBy", target)) {
		strs_push(needs, arena_strdup(v->arena, name));
		if (!is_started(v, name, NULL))
			check_say(v, CHECK_MARK_GOOD, unit.items[0].pos,
				  "'%s' is never asked: name it in 'units: enable' of '%s'", name,
				  f->image->name);
		if (!names_unit(&unit, "Before", target))
			check_say(v, CHECK_MARK_GOOD, unit.items[0].pos,
				  "'%s' does not wait for '%s': say Before=%s in [Unit]", target,
				  name, target);
	}
	conf_entries_clear(&unit);
	return rc < 0 ? -1 : 0;
}

static int required_by(struct check_view *v, const char *target, struct strs *needs,
		       struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && is_service(f) &&
		    add_required_by(v, f, target, needs, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Follows Requires= and After=, and RequiredBy= of targets, from the unit that marks a slot good
 * (its place is AT) to the services that must have started, as far as the project has them. A
 * target needs one; a service must reboot when it fails.
 */
static int application_counts(struct check_view *v, const char *name, struct pos at, unsigned depth,
			      struct err **err)
{
	bool target = str_ends(name, ".target"), ours;
	struct conf_entries unit = {0};
	struct strs needs = {0};
	int rc = read_unit(v, name, &unit, err);

	ours = rc == 0 && unit.count;
	if (ours)
		needed_units(v, &unit, &needs);
	if (rc >= 0 && target && required_by(v, name, &needs, err) < 0)
		rc = -1;
	if (rc >= 0 && (ours || str_eq(name, BOOT_COMPLETE))) {
		if (target && !needs.count)
			check_say(
				v, CHECK_MARK_GOOD, ours ? unit.items[0].pos : at,
				"'%s' is reached without anything having started: give it "
				"Requires= and After= of the service that makes the device useful",
				name);
		if (ours && !target && !reboots(&unit))
			check_say(v, CHECK_FAILURE_REBOOTS, unit.items[0].pos,
				  "when '%s' fails the device stays in a slot that is of no use: "
				  "say 'FailureAction=reboot' in [Unit]",
				  name);
	}
	for (size_t i = 0; target && rc >= 0 && depth < MAX_UNITS && i < needs.count; i++)
		rc = application_counts(v, needs.items[i], at, depth + 1, err);
	strs_clear(&needs);
	conf_entries_clear(&unit);
	return rc < 0 ? -1 : 0;
}

/* Whether this is the unit that tells RAUC that the booted slot is good. */
static bool marks_good(const struct check_file *f, const struct conf_entries *unit)
{
	const struct conf_entry *start = conf_find(unit, "Service", "ExecStart");

	return start && (strstr(start->value, "mark-good") || strstr(f->target, "mark-good"));
}

/* Nothing is marked good by a unit that is there and never started. */
static void is_enabled(struct check_view *v, const struct check_file *f, const char *name)
{
	const struct node *off;

	if (!is_started(v, name, &off))
		check_say(v, CHECK_MARK_GOOD,
			  off ? recipe_pos(off->recipe, "units") : (struct pos){f->path, 1, 1},
			  "'%s' is not started, so no slot would be marked good, and each would "
			  "be given up after its tries: name it in 'units: enable' of '%s'",
			  name, off ? off->name : f->image->name);
}

/* The booted slot is what RAUC marks without a further word. */
static void marks_booted(struct check_view *v, const struct conf_entries *unit)
{
	const struct conf_entry *start = conf_find(unit, "Service", "ExecStart");

	if (strstr(start->value, "rauc status ") &&
	    !str_ends(start->value, "rauc status mark-good") &&
	    !str_ends(start->value, "rauc status mark-good booted"))
		check_say(v, CHECK_MARK_GOOD, start->pos,
			  "this does not mark the booted slot as good, so that it would be given "
			  "up after its tries: say 'rauc status mark-good'");
}

static int marks_good_at_last(struct check_view *v, const struct check_file *f, bool *found,
			      struct err **err)
{
	struct conf_entries unit = {0};
	struct strs needs = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	if (rc == 0 && marks_good(f, &unit)) {
		*found = true;
		is_enabled(v, f, path_base(f->target));
		marks_booted(v, &unit);
		needed_units(v, &unit, &needs);
		if (!needs.count)
			check_say(v, CHECK_MARK_GOOD, unit.items[0].pos,
				  "the slot is marked good whether the application works or not: "
				  "the unit needs Requires= and After= of one that tells");
	}
	for (size_t i = 0; rc == 0 && i < needs.count; i++)
		rc = application_counts(v, needs.items[i], unit.items[0].pos, 0, err);
	strs_clear(&needs);
	conf_entries_clear(&unit);
	return rc;
}

static int slots_are_marked_good(struct check_view *v, struct err **err)
{
	bool found = false;

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && is_service(f) &&
		    marks_good_at_last(v, f, &found, err) < 0)
			return -1;
	}
	if (!found)
		check_say(
			v, CHECK_MARK_GOOD, (struct pos){v->system.items[0].pos.file, 1, 1},
			"no unit of the project runs 'rauc status mark-good': RAUC's own does when "
			"the system is up, whether the application works or not");
	return 0;
}

static int unit_is_started(struct check_view *v, const struct check_file *f, struct err **err)
{
	const char *name = path_base(f->target);
	struct conf_entries unit = {0};
	const struct node *off;
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	if (rc == 0 && conf_find(&unit, "Install", "WantedBy") && !strchr(name, '@') &&
	    !is_started(v, name, &off) && !off)
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

	if (!is_started(v, daemon, NULL))
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
	if (repart_discards_nothing(v, err) < 0)
		return -1;
	return slots_are_marked_good(v, err);
}
