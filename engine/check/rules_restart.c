/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits of units that end in a reboot are limits: a unit that is started again for ever never
 * fails, and a job without a time never runs out of it (systemd.unit(5)).
 */
#include <math.h>

#include "base/path.h"
#include "check/view.h"

#define DEFAULT_INTERVAL_S 10.0
#define DEFAULT_BURST 5.0
#define DEFAULT_RESTART_S 0.1

/* The seconds of KEY in SECTION; FALLBACK where it says none. */
static double seconds(const struct conf_entries *conf, const char *section, const char *key,
		      double fallback)
{
	const struct conf_entry *e = conf_find(conf, section, key);
	double ret;

	return e && *e->value && check_span(e->value, &ret) ? ret : fallback;
}

static double burst(const struct conf_entries *conf, const char *section, const char *key,
		    double fallback)
{
	const struct conf_entry *e = conf_find(conf, section, key);

	return e && *e->value ? strtod(e->value, NULL) : fallback;
}

bool check_unit_reboots(const struct conf_entries *unit, const char *key)
{
	const struct conf_entry *e = conf_find(unit, "Unit", key);

	return e && str_skip(e->value, "reboot"); /* a soft-reboot asks no boot loader */
}

bool check_job_ends(const struct conf_entries *unit)
{
	double job = seconds(unit, "Unit", "JobTimeoutSec", 0);
	double running = seconds(unit, "Unit", "JobRunningTimeoutSec", 0);

	return (job > 0 && !isinf(job)) || (running > 0 && !isinf(running));
}

static void job_ends(struct check_view *v, const struct conf_entries *unit)
{
	const struct conf_entry *e = conf_find(unit, "Unit", "JobTimeoutAction");

	if (check_unit_reboots(unit, "JobTimeoutAction") && !check_job_ends(unit))
		check_say(v, CHECK_FAILURE_REBOOTS, e->pos,
			  "this never happens, as the job may take for ever: say 'JobTimeoutSec='");
}

/* MANAGER is what system.conf says. */
static void restarts_end(struct check_view *v, const struct conf_entries *unit,
			 const struct conf_entries *manager)
{
	const struct conf_entry *restart = conf_find(unit, "Service", "Restart");
	double interval, count, pause;

	if (!restart || str_eq(restart->value, "no") || !*restart->value ||
	    (!check_unit_reboots(unit, "FailureAction") &&
	     !check_unit_reboots(unit, "StartLimitAction")))
		return;
	interval = seconds(
		unit, "Unit", "StartLimitIntervalSec",
		seconds(manager, "Manager", "DefaultStartLimitIntervalSec", DEFAULT_INTERVAL_S));
	count = burst(unit, "Unit", "StartLimitBurst",
		      burst(manager, "Manager", "DefaultStartLimitBurst", DEFAULT_BURST));
	pause = seconds(unit, "Service", "RestartSec",
			seconds(manager, "Manager", "DefaultRestartSec", DEFAULT_RESTART_S));
	if (interval > count * pause && count > 0)
		return;
	check_say(v, CHECK_FAILURE_REBOOTS, restart->pos,
		  "it is started again for ever, and the device never reboots: %g starts, with "
		  "%g s between them, do not fall into StartLimitIntervalSec=%g",
		  count, pause, interval);
}

static int read_manager(struct check_view *v, struct conf_entries *ret, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && strstr(f->target, "/systemd/system.conf") &&
		    conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, ret, err) < 0)
			return -1;
	}
	return 0;
}

int check_restart_rules(struct check_view *v, struct err **err)
{
	struct conf_entries manager = {0};
	int rc = read_manager(v, &manager, err);

	for (size_t i = 0; rc >= 0 && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		struct conf_entries unit = {0};

		if (!check_ships(v, f->image) || !check_is_unit(f) || str_ends(f->target, ".conf"))
			continue;
		rc = check_read_unit(v, path_base(f->target), &unit, err);
		job_ends(v, &unit);
		restarts_end(v, &unit, &manager);
		conf_entries_clear(&unit);
	}
	conf_entries_clear(&manager);
	return rc < 0 ? -1 : 0;
}
