/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What RAUC is told: what it accepts, where it keeps its state, and what must have gone well before
 * a slot is called good.
 */
#include "check/view.h"
#include "kinds/bundle_opts.h"
#include "kinds/kinds.h"
#include "media/deb.h"

#define MAX_UNITS 16 /* targets behind each other */

/* Says that KEY of SECTION is missing or wrong; the position is its own, else the file's. */
static void wants(struct check_view *v, enum check_id id, const struct conf_entry *have,
		  const char *section, const char *line, const char *why)
{
	struct pos pos = have ? have->pos : (struct pos){v->system.items[0].pos.file, 1, 1};

	check_say(v, id, pos, "%s: say '%s' in [%s]", why, line, section);
}

static void old_bundles_are_refused(struct check_view *v)
{
	const struct conf_entry *least = conf_find(&v->system, "system", "min-bundle-version");

	if (!least) {
		wants(v, CHECK_MIN_BUNDLE_VERSION, NULL, "system", "min-bundle-version=VERSION",
		      "an old bundle with known holes would be installed");
		return;
	}
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct bundle_opts *o = n->recipe->opts;
		struct pos pos = recipe_pos(n->recipe, "version");

		if (check_is_test(n) || n->recipe->kind != &kind_bundle)
			continue;
		if (deb_version_compare(o->version, least->value) < 0)
			check_say(v, CHECK_MIN_BUNDLE_VERSION, least->pos,
				  "devices would refuse bundle '%s' of version %s (%s:%u)", n->name,
				  o->version, pos.file, pos.line);
	}
}

/* Whether PATH is below a mount point of fstab that outlives a boot. */
static bool is_kept(const struct check_view *v, const char *path)
{
	for (size_t i = 0; i < v->fstab.count; i++) {
		const struct conf_entry *e = &v->fstab.items[i];
		char *mount cleanup_free = xstrndup(e->value, strcspn(e->value, " \t"));
		const char *rest = str_skip(path, mount);

		if (rest && *rest == '/' && !str_eq(mount, "/") && !str_eq(e->key, "tmpfs"))
			return true;
	}
	return false;
}

static void status_is_kept(struct check_view *v)
{
	const struct conf_entry *file = conf_find(&v->system, "system", "statusfile");

	if (!file || *file->value != '/')
		wants(v, CHECK_STATUS_FILE, file, "system", "statusfile=/data/…",
		      "RAUC's status would be kept in no place that both slots share");
	else if (v->fstab.count && !is_kept(v, file->value))
		check_say(
			v, CHECK_STATUS_FILE, file->pos,
			"'%s' is on no partition of %s: RAUC's status would be lost with a boot or "
			"an update",
			file->value, v->fstab.items[0].pos.file);
}

static void bundles_are_verified(struct check_view *v)
{
	const struct conf_entry *purpose = conf_find(&v->system, "keyring", "check-purpose");
	const struct conf_entry *formats = conf_find(&v->system, "system", "bundle-formats");

	if (!purpose || !str_eq(purpose->value, "codesign"))
		wants(v, CHECK_CHECK_PURPOSE, purpose, "keyring", "check-purpose=codesign",
		      "a certificate for another purpose, such as mail, could sign updates");
	if (!formats || !str_eq(formats->value, "verity"))
		wants(v, CHECK_BUNDLE_FORMATS, formats, "system", "bundle-formats=verity",
		      "a plain bundle can be changed between the check and the installation");
}

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

/*
 * Follows Requires= and After= from the unit that marks a slot good to the services that must have
 * started, as far as the project has them. A target needs one; a service must reboot when it fails.
 */
static int application_counts(struct check_view *v, const char *name, unsigned depth,
			      struct err **err)
{
	bool target = str_ends(name, ".target");
	struct conf_entries unit = {0};
	struct strs needs = {0};
	int rc = read_unit(v, name, &unit, err);

	if (rc == 0 && unit.count) {
		needed_units(v, &unit, &needs);
		if (target && !needs.count)
			check_say(
				v, CHECK_MARK_GOOD, unit.items[0].pos,
				"'%s' is reached without anything having started: give it "
				"Requires= and After= of the service that makes the device useful",
				name);
		if (!target && !reboots(&unit))
			check_say(v, CHECK_FAILURE_REBOOTS, unit.items[0].pos,
				  "when '%s' fails the device stays in a slot that is of no use: "
				  "say 'FailureAction=reboot' in [Unit]",
				  name);
	}
	for (size_t i = 0; target && rc == 0 && depth < MAX_UNITS && i < needs.count; i++)
		rc = application_counts(v, needs.items[i], depth + 1, err);
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

static int marks_good_at_last(struct check_view *v, const struct check_file *f, bool *found,
			      struct err **err)
{
	struct conf_entries unit = {0};
	struct strs needs = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	if (rc == 0 && marks_good(f, &unit)) {
		*found = true;
		needed_units(v, &unit, &needs);
		if (!needs.count)
			check_say(v, CHECK_MARK_GOOD, unit.items[0].pos,
				  "the slot is marked good whether the application works or not: "
				  "the unit needs Requires= and After= of one that tells");
	}
	for (size_t i = 0; rc == 0 && i < needs.count; i++)
		rc = application_counts(v, needs.items[i], 0, err);
	strs_clear(&needs);
	conf_entries_clear(&unit);
	return rc;
}

static int slots_are_marked_good(struct check_view *v, struct err **err)
{
	bool found = false;

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (strstr(f->target, "/systemd/system/") && str_ends(f->target, ".service") &&
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

int check_rauc_rules(struct check_view *v, struct err **err)
{
	if (!v->system.count)
		return 0;
	old_bundles_are_refused(v);
	bundles_are_verified(v);
	status_is_kept(v);
	return slots_are_marked_good(v, err);
}
