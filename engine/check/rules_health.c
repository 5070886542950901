/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a slot is called good: which units must have started before, and that the one which says so
 * is started itself.
 */
#include <math.h>

#include "base/path.h"
#include "check/view.h"

#define MAX_UNITS 16 /* targets after each other */
#define RAUCS_OWN "rauc-mark-good.service"
#define BOOT_COMPLETE "boot-complete.target" /* systemd's: a check of the boot is required by it */

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

			if (check_names_unit(e, "After", unit))
				strs_push(ret, unit);
		}
	}
}

static bool reboots(const struct conf_entries *unit)
{
	return check_unit_reboots(unit, "FailureAction") ||
	       check_unit_reboots(unit, "JobTimeoutAction");
}

static bool is_service(const struct check_file *f)
{
	return strstr(f->target, "/systemd/system/") && str_ends(f->target, ".service");
}

/* Whether a unit that waits for this service waits until its program has said how it went. */
static bool is_waited_for(const struct conf_entries *unit)
{
	static const char *const types[] = {"oneshot", "notify", "notify-reload", "forking",
					    "dbus"};
	const struct conf_entry *type = conf_find(unit, "Service", "Type");

	for (size_t i = 0; type && i < array_len(types); i++)
		if (str_eq(type->value, types[i]))
			return true;
	return false;
}

/* UNIT, called NAME, is in F and holds TARGET back, if it is as it should be. */
static void holds_back(struct check_view *v, const struct check_file *f,
		       const struct conf_entries *unit, const char *target)
{
	const char *name = path_base(f->target);

	if (!check_is_started(v, name, NULL))
		check_say(v, CHECK_MARK_GOOD, unit->items[0].pos,
			  "'%s' is never asked: name it in 'units: enable' of '%s'", name,
			  f->image->name);
	if (!check_names_unit(unit, "Before", target))
		check_say(v, CHECK_MARK_GOOD, unit->items[0].pos,
			  "'%s' does not wait for '%s': say Before=%s in [Unit]", target, name,
			  target);
	if (!is_waited_for(unit))
		check_say(v, CHECK_MARK_GOOD, unit->items[0].pos,
			  "'%s' counts as passed as soon as its program has started: say "
			  "Type=oneshot",
			  name);
}

/*
 * The unit of the project in F, when [Install] has it required by TARGET: it must come before. One
 * that is wanted and comes before was meant to be.
 */
static int add_required_by(struct check_view *v, const struct check_file *f, const char *target,
			   struct strs *needs, struct err **err)
{
	const char *name = path_base(f->target);
	struct conf_entries unit = {0};
	int rc = check_read_unit(v, name, &unit, err);

	if (rc == 0 && check_names_unit(&unit, "RequiredBy", target)) {
		strs_push(needs, arena_strdup(v->arena, name));
		holds_back(v, f, &unit, target);
	} else if (rc == 0 && check_names_unit(&unit, "WantedBy", target) &&
		   check_names_unit(&unit, "Before", target)) {
		check_say(v, CHECK_MARK_GOOD, conf_find(&unit, "Install", "WantedBy")->pos,
			  "'%s' is reached when '%s' fails as well: say RequiredBy=%s", target,
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

/* Whether a service that does not end to start is given up after a time. */
static bool start_ends(const struct conf_entries *unit)
{
	static const char *const keys[] = {"TimeoutStartSec", "TimeoutSec"};
	const struct conf_entry *type = conf_find(unit, "Service", "Type");
	bool ends = !type || !str_eq(type->value, "oneshot"); /* others have a default */

	for (size_t i = 0; i < array_len(keys); i++) {
		const struct conf_entry *e = conf_find(unit, "Service", keys[i]);
		double seconds;

		if (e && check_span(e->value, &seconds))
			ends = seconds > 0 && !isinf(seconds);
	}
	return ends;
}

/*
 * The service NAME has to have started before a slot is good. LIMITED: what needs it reboots when
 * that takes too long.
 */
static void service_tells(struct check_view *v, const char *name, const struct conf_entries *unit,
			  bool limited)
{
	const struct conf_entry *start;

	if (!reboots(unit))
		check_say(v, CHECK_FAILURE_REBOOTS, unit->items[0].pos,
			  "when '%s' fails the device stays in a slot that is of no use: say "
			  "'FailureAction=reboot' in [Unit]",
			  name);
	if (!limited && !start_ends(unit) && !check_job_ends(unit))
		check_say(v, CHECK_FAILURE_REBOOTS, unit->items[0].pos,
			  "'%s' may take for ever to start, and the device neither calls the slot "
			  "good nor reboots: say 'TimeoutStartSec=' in [Service]",
			  name);
	for (size_t i = 0; (start = conf_next(unit, "Service", "ExecStart", &i));)
		if (memchr(start->value, '-', strspn(start->value, "-@:+!|")))
			check_say(v, CHECK_MARK_GOOD, start->pos,
				  "the '-' has systemd ignore that this fails, and the slot is "
				  "marked good all the same: take it away");
}

/* The unit NAME has to have started before a slot is good, and one that is skipped has not. */
static int never_skipped(struct check_view *v, const char *name, const struct conf_entries *unit,
			 struct err **err)
{
	struct check_skip skip;

	if (check_skipped(v, check_unit_file(v, name), unit, &skip, err) < 0)
		return -1;
	if (skip.never)
		check_say(v, CHECK_SKIPPED_CHECK, skip.never->pos,
			  "'%s' is always skipped, which counts as passed: %s", name, skip.why);
	else if (skip.perhaps)
		check_say(v, CHECK_CONDITIONAL_CHECK, skip.perhaps->pos,
			  "where this does not hold '%s' is skipped, which counts as passed: say "
			  "Assert… in its place, or let a program in ExecCondition= decide",
			  name);
	return 0;
}

/*
 * Follows Requires= and After=, and RequiredBy= of targets, from the unit that marks a slot good
 * (its place is AT) to the services that must have started, as far as the project has them. A
 * target needs one; a service must reboot when it fails.
 */
static int application_counts(struct check_view *v, const char *name, struct pos at, unsigned depth,
			      bool limited, struct err **err)
{
	bool target = str_ends(name, ".target"), ours;
	struct conf_entries unit = {0};
	struct strs needs = {0};
	int rc = check_read_unit(v, name, &unit, err);

	ours = rc == 0 && unit.count;
	if (ours) {
		needed_units(v, &unit, &needs);
		rc = never_skipped(v, name, &unit, err);
	}
	if (rc >= 0 && target && required_by(v, name, &needs, err) < 0)
		rc = -1;
	if (rc >= 0 && (ours || str_eq(name, BOOT_COMPLETE))) {
		if (target && !needs.count)
			check_say(
				v, CHECK_MARK_GOOD, ours ? unit.items[0].pos : at,
				"'%s' is reached without anything having started: give it "
				"Requires= and After= of the service that makes the device useful",
				name);
		if (ours && !target)
			service_tells(v, name, &unit, limited);
	}
	limited |= check_unit_reboots(&unit, "JobTimeoutAction") && check_job_ends(&unit);
	for (size_t i = 0; target && rc >= 0 && depth < MAX_UNITS && i < needs.count; i++)
		rc = application_counts(v, needs.items[i], at, depth + 1, limited, err);
	strs_clear(&needs);
	conf_entries_clear(&unit);
	return rc < 0 ? -1 : 0;
}

/* Whether this is the unit that tells RAUC that the booted slot is good. */
static bool marks_good(const struct check_file *f, const struct conf_entries *unit)
{
	const struct conf_entry *start;

	for (size_t i = 0; (start = conf_next(unit, "Service", "ExecStart", &i));)
		if (strstr(start->value, "mark-good") || strstr(f->target, "mark-good"))
			return true;
	return false;
}

/* Nothing is marked good by a unit that is there and never started. */
static void is_enabled(struct check_view *v, const struct check_file *f, const char *name)
{
	const struct node *off;

	if (!check_is_started(v, name, &off))
		check_say(v, CHECK_MARK_GOOD,
			  off ? recipe_pos(off->recipe, "units") : (struct pos){f->path, 1, 1},
			  "'%s' is not started, so no slot would be marked good, and each would "
			  "be given up after its tries: name it in 'units: enable' of '%s'",
			  name, off ? off->name : f->image->name);
}

/* The booted slot is what RAUC marks without a further word. */
static void marks_booted(struct check_view *v, const struct conf_entries *unit)
{
	const struct conf_entry *start;

	for (size_t i = 0; (start = conf_next(unit, "Service", "ExecStart", &i));)
		if (strstr(start->value, "rauc status ") &&
		    !str_ends(start->value, "rauc status mark-good") &&
		    !str_ends(start->value, "rauc status mark-good booted"))
			check_say(v, CHECK_MARK_GOOD, start->pos,
				  "this does not mark the booted slot as good, so that it would be "
				  "given up after its tries: say 'rauc status mark-good'");
}

static bool waits_for(struct check_view *v, const struct strs *needs, const char *target,
		      unsigned depth);

/* Whether the project's unit NAME, or what it needs, waits for TARGET. */
static bool unit_waits_for(struct check_view *v, const char *name, const char *target,
			   unsigned depth)
{
	struct err *err cleanup_err = NULL;
	struct conf_entries unit = {0};
	struct strs needs = {0};
	bool waits;

	if (depth < MAX_UNITS && check_read_unit(v, name, &unit, &err) == 0)
		needed_units(v, &unit, &needs);
	waits = waits_for(v, &needs, target, depth);
	strs_clear(&needs);
	conf_entries_clear(&unit);
	return waits;
}

/* Whether TARGET is one of the units NEEDS, or what these need. */
static bool waits_for(struct check_view *v, const struct strs *needs, const char *target,
		      unsigned depth)
{
	for (size_t i = 0; i < needs->count; i++)
		if (str_eq(needs->items[i], target) ||
		    unit_waits_for(v, needs->items[i], target, depth + 1))
			return true;
	return false;
}

/* Checks of a boot are in vain when the unit at POS that marks, and NEEDS them, does not wait. */
static int waits_for_checks(struct check_view *v, const struct strs *needs, struct pos pos,
			    struct err **err)
{
	struct strs checks = {0};
	int rc;

	if (waits_for(v, needs, BOOT_COMPLETE, 0))
		return 0;
	rc = required_by(v, BOOT_COMPLETE, &checks, err);
	if (rc == 0 && checks.count)
		check_say(v, CHECK_MARK_GOOD, pos,
			  "the slot is marked good whatever '%s' finds: the unit needs Requires= "
			  "and After= of " BOOT_COMPLETE,
			  checks.items[0]);
	strs_clear(&checks);
	return rc;
}

/* The unit that marks is not skipped for ever. */
static int is_not_skipped(struct check_view *v, const struct check_file *f,
			  const struct conf_entries *unit, struct err **err)
{
	struct check_skip skip;

	if (check_skipped(v, f, unit, &skip, err) < 0)
		return -1;
	if (skip.never)
		check_say(v, CHECK_MARK_GOOD, skip.never->pos,
			  "no slot would ever be marked good, and each be given up after its "
			  "tries: %s",
			  skip.why);
	return 0;
}

/* The unit at POS marks slots good: what it NEEDS has to be what tells that they are. */
static int needs_tell(struct check_view *v, const struct strs *needs, struct pos pos,
		      struct err **err)
{
	int rc = needs->count ? waits_for_checks(v, needs, pos, err) : 0;

	for (size_t i = 0; rc == 0 && i < needs->count; i++)
		rc = application_counts(v, needs->items[i], pos, 0, false, err);
	return rc;
}

static int marks_good_at_last(struct check_view *v, const struct check_file *f, bool *found,
			      struct err **err)
{
	struct conf_entries unit = {0};
	struct strs needs = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	if (rc == 0)
		rc = check_read_drop_ins(v, path_base(f->target), &unit, err);
	if (rc == 0 && marks_good(f, &unit)) {
		*found = true;
		is_enabled(v, f, path_base(f->target));
		marks_booted(v, &unit);
		rc = is_not_skipped(v, f, &unit, err);
		needed_units(v, &unit, &needs);
		if (!needs.count)
			check_say(v, CHECK_MARK_GOOD, unit.items[0].pos,
				  "the slot is marked good whether the application works or not: "
				  "the unit needs Requires= and After= of one that tells");
	}
	if (rc == 0 && needs.count)
		rc = needs_tell(v, &needs, unit.items[0].pos, err);
	strs_clear(&needs);
	conf_entries_clear(&unit);
	return rc;
}

/*
 * RAUC's own unit, which a package brings and enables, with what drop-ins of the project add to it.
 * Where they have it wait for something, it is judged as one of the project.
 */
static int package_marks_good(struct check_view *v, bool *found, struct err **err)
{
	struct conf_entries unit = {0};
	struct strs needs = {0};
	const struct node *off;
	int rc = check_read_drop_ins(v, RAUCS_OWN, &unit, err);

	if (rc == 0)
		needed_units(v, &unit, &needs);
	if (needs.count) {
		*found = true;
		if (!check_is_started(v, RAUCS_OWN, &off) && off)
			check_say(v, CHECK_MARK_GOOD, recipe_pos(off->recipe, "units"),
				  "'" RAUCS_OWN "' is not started, so no slot would be marked "
				  "good, and each would be given up after its tries");
		marks_booted(v, &unit);
		rc = needs_tell(v, &needs, unit.items[0].pos, err);
	}
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
	if (!found && package_marks_good(v, &found, err) < 0)
		return -1;
	if (!found)
		check_say(
			v, CHECK_MARK_GOOD, (struct pos){v->system.items[0].pos.file, 1, 1},
			"no unit of the project runs 'rauc status mark-good': RAUC's own does when "
			"the system is up, whether the application works or not");
	return 0;
}

int check_health_rules(struct check_view *v, struct err **err)
{
	return v->system.count ? slots_are_marked_good(v, err) : 0;
}
