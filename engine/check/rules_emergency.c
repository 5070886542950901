/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A system that cannot come up ends in emergency.service, which asks for root's password at a
 * console and waits (systemd.special(7)); rescue.service does when it is asked for. On a device
 * nobody answers: both have to reboot.
 */
#include "base/path.h"
#include "check/view.h"

#define MAX_PROGRAM_BYTES (256 * 1024)

/* What the file of the project that WORD names contains; NULL: it names none. */
static const char *program_text(const struct check_view *v, const char *word, size_t n)
{
	const struct check_file *f = check_target_file(v, arena_strndup(v->arena, word, n));

	if (!f)
		return NULL;
	return f->filled ? f->filled : check_text_of(v, f->path, MAX_PROGRAM_BYTES);
}

static bool says_reboot(const char *text)
{
	return text && (strstr(text, "reboot") || strstr(text, "sysrq-trigger"));
}

/* Whether the command line, or a program of the project in it, reboots. */
static bool command_reboots(const struct check_view *v, const char *command)
{
	if (says_reboot(command))
		return true;
	command += strspn(command, "-@:+!");
	for (size_t n; command += strspn(command, " \t"), (n = strcspn(command, " \t"));
	     command += n)
		if (*command == '/' && says_reboot(program_text(v, command, n)))
			return true;
	return false;
}

/* Whether UNIT, all that the project says of it, ends in a reboot. */
static bool unit_reboots(const struct check_view *v, const struct conf_entries *unit)
{
	if (conf_find(unit, "Service", "RuntimeMaxSec") &&
	    check_unit_reboots(unit, "FailureAction"))
		return true;
	for (size_t i = 0; i < unit->count; i++)
		if (str_skip(unit->items[i].key, "ExecStart") &&
		    command_reboots(v, unit->items[i].value))
			return true;
	return false;
}

/* The first ExecStart= of a drop-in, when it does not take back the unit's own; else NULL. */
static const struct conf_entry *second_start(const struct conf_entries *unit)
{
	for (size_t i = 0; i < unit->count; i++)
		if (str_eq(unit->items[i].key, "ExecStart"))
			return *unit->items[i].value ? &unit->items[i] : NULL;
	return NULL;
}

/* Whether a link of the project puts another unit in the place of NAME, and which. */
static const struct check_link *link_for(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->links.count; i++) {
		const struct check_link *l = &v->links.items[i];
		const char *rest = str_skip(l->target, "/etc/systemd/system/");

		if (check_ships(v, l->image) && rest && str_eq(rest, name))
			return l;
	}
	return NULL;
}

/* Where to say what no file of the project is about. */
static struct pos image_pos(const struct check_view *v)
{
	const struct node *image = check_target_file(v, "/etc/rauc/system.conf")->image;

	return (struct pos){image->recipe->file, 1, 1};
}

/* The service NAME ("emergency.service"), which MODE starts. */
static int service_reboots(struct check_view *v, const char *name, const char *mode,
			   struct err **err)
{
	struct conf_entries unit = {0};
	const struct conf_entry *second;
	const struct node *off;
	int rc = check_read_unit(v, name, &unit, err);
	bool own = rc == 0;

	if (rc == 1)
		rc = check_read_drop_ins(v, name, &unit, err);
	second = own ? NULL : second_start(&unit);
	check_is_started(v, name, &off);
	if (rc == 0 && off)
		check_say(v, CHECK_FAILURE_REBOOTS, recipe_pos(off->recipe, "units"),
			  "without '%s' a device in %s mode hangs: do not mask it, but have it "
			  "reboot",
			  name, mode);
	else if (rc == 0 && second)
		check_say(v, CHECK_FAILURE_REBOOTS, second->pos,
			  "'%s' has an ExecStart= of its own, and does not start with two: say "
			  "'ExecStart=' before this line",
			  name);
	else if (rc == 0 && !unit_reboots(v, &unit))
		check_say(
			v, CHECK_FAILURE_REBOOTS, unit.count ? unit.items[0].pos : image_pos(v),
			"in %s mode a device waits at a prompt for ever: give '%s' a drop-in whose "
			"ExecStart= reboots",
			mode, name);
	conf_entries_clear(&unit);
	return rc;
}

/* Whether a unit of the project, or the link that says what is started, leads to TARGET. */
static int leads_to(struct check_view *v, const char *target, struct err **err)
{
	static const char *const keys[] = {"OnFailure", "OnSuccess", "Wants", "Requires"};
	const struct check_link *l = link_for(v, "default.target");
	int found = l && str_eq(path_base(l->leads_to), target);

	for (size_t i = 0; !found && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		struct conf_entries unit = {0};

		if (!check_ships(v, f->image) || !check_is_unit(f))
			continue;
		if (conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err) < 0)
			found = -1;
		for (size_t k = 0; !found && k < array_len(keys); k++)
			found = check_names_unit(&unit, keys[k], target);
		conf_entries_clear(&unit);
	}
	return found;
}

/* Arguments of systemd's (kernel-command-line(7)) with which a device comes up to a prompt. */
static void not_asked_for(struct check_view *v)
{
	static const char *const words[] = {"emergency", "-b",     "systemd.unit=emergency.target",
					    "rescue",    "single", "s",
					    "S",         "1",      "systemd.unit=rescue.target"};

	for (size_t i = 0; i < v->told.count; i++)
		for (size_t k = 0; k < array_len(words); k++)
			if (check_has_argument(v->told.items[i].value, words[k]))
				check_say(
					v, CHECK_FAILURE_REBOOTS, v->told.items[i].pos,
					"the kernel is told '%s', for which systemd starts nothing "
					"of what the device is for: take it out",
					words[k]);
}

int check_emergency_rules(struct check_view *v, struct err **err)
{
	int rescue;

	if (!v->system.count)
		return 0;
	if (!v->told.count) {
		check_note(v, CHECK_FAILURE_REBOOTS, image_pos(v),
			   "not checked: emergency mode; no boot script of the project says what "
			   "the kernel is told");
		return 0;
	}
	not_asked_for(v);
	if (!link_for(v, "emergency.target") && !check_unit_file(v, "emergency.target") &&
	    service_reboots(v, "emergency.service", "emergency", err) < 0)
		return -1;
	rescue = leads_to(v, "rescue.target", err);
	return rescue > 0 ? service_reboots(v, "rescue.service", "rescue", err) : rescue;
}
