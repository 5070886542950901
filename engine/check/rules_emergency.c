/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A system that cannot come up ends in emergency.service, which asks for root's password at a
 * console and waits (systemd.special(7)); rescue.service does when it is asked for. On a device
 * nobody answers: both have to reboot.
 */
#include <ctype.h>

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

/* Whether the line of TEXT that P is in is a comment. */
static bool in_comment(const char *text, const char *p)
{
	while (p > text && p[-1] != '\n')
		p--;
	return p[strspn(p, " \t")] == '#';
}

/* The word "reboot"; a soft-reboot comes up in the same slot. */
static bool says_reboot(const char *text)
{
	static const char word[] = "reboot";
	size_t n = strlen(word);

	for (const char *p = text; p && (p = strstr(p, word)); p += n) {
		bool soft = p >= text + 5 && strncmp(p - 5, "soft-", 5) == 0;

		if (!soft && !isalpha((unsigned char)p[n]) && !in_comment(text, p))
			return true;
	}
	return text && strstr(text, "sysrq-trigger");
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

/* Whether a command line waits for somebody to type. */
static bool waits_for_keys(const char *command)
{
	static const char *const words[] = {"sulogin", "agetty", "systemd-sulogin-shell"};
	const char *name = command + strcspn(command, " \t");

	for (size_t i = 0; i < array_len(words); i++)
		if (strstr(command, words[i]))
			return true;
	while (name > command && name[-1] != '/')
		name--;
	return str_eq(name, "sh") || str_eq(name, "bash");
}

/*
 * Whether UNIT ends by itself and reboots then. OWN: its commands are the project's, and not
 * sulogin.
 */
static bool end_reboots(const struct conf_entries *unit, bool own)
{
	const struct conf_entry *start;

	if (conf_find(unit, "Service", "RuntimeMaxSec") &&
	    check_unit_reboots(unit, "FailureAction"))
		return true;
	for (size_t i = 0; (start = conf_next(unit, "Service", "ExecStart", &i));)
		if (waits_for_keys(start->value))
			return false;
	return own && check_unit_reboots(unit, "SuccessAction");
}

/* Whether UNIT, all that the project says of it, ends in a reboot. */
static bool unit_reboots(const struct check_view *v, const struct conf_entries *unit, bool own)
{
	static const char *const keys[] = {"ExecStartPre", "ExecStart", "ExecStartPost"};
	const struct conf_entry *start;

	for (size_t k = 0; k < array_len(keys); k++)
		for (size_t i = 0; (start = conf_next(unit, "Service", keys[k], &i));)
			if (command_reboots(v, start->value))
				return true;
	return end_reboots(unit, own);
}

/* Whether a line of UNIT takes back the commands that its package has it start. */
static bool takes_back(const struct conf_entries *unit)
{
	for (size_t i = 0; i < unit->count; i++)
		if (str_eq(unit->items[i].key, "ExecStart") && !*unit->items[i].value)
			return true;
	return false;
}

/* The ExecStart= that is one too many, but for a unit that may have several; else NULL. */
static const struct conf_entry *second_start(const struct conf_entries *unit, bool own)
{
	const struct conf_entry *type = conf_find(unit, "Service", "Type"), *second = NULL;
	size_t i = 0;

	if (type && str_eq(type->value, "oneshot"))
		return NULL;
	for (int k = 0; k < (own ? 2 : 1); k++)
		second = conf_next(unit, "Service", "ExecStart", &i);
	return second;
}

/* Where to say what no file of the project is about. */
static struct pos image_pos(const struct check_view *v)
{
	const struct node *image = check_target_file(v, "/etc/rauc/system.conf")->image;

	return (struct pos){image->recipe->file, 1, 1};
}

/* UNIT is what the project says of service NAME, which MODE starts. OWN: all of its commands. */
static void service_is_right(struct check_view *v, const char *name, const char *mode,
			     const struct conf_entries *unit, bool own)
{
	const struct conf_entry *second = second_start(unit, own);

	if (second)
		check_say(v, CHECK_FAILURE_REBOOTS, second->pos,
			  "'%s' has an ExecStart= of its own, and does not start with two: say "
			  "'ExecStart=' before this line",
			  name);
	else if (!unit_reboots(v, unit, own))
		check_say(
			v, CHECK_FAILURE_REBOOTS, unit->count ? unit->items[0].pos : image_pos(v),
			"in %s mode a device waits at a prompt for ever: give '%s' a drop-in whose "
			"ExecStart= reboots",
			mode, name);
}

/* What is started when NAME is; masked, it was said that nothing is, and NULL comes back. */
static const char *started_for(struct check_view *v, const char *name, const char *mode)
{
	const struct check_link *l = check_unit_link(v, name);
	struct pos pos;

	if (!check_is_masked(v, name, &pos))
		return l ? path_base(l->leads_to) : name;
	check_say(v, CHECK_FAILURE_REBOOTS, pos,
		  "without '%s' a device in %s mode hangs: do not mask it, but have it reboot",
		  name, mode);
	return NULL;
}

/*
 * What the project says of service NAME, whoever brings that. *ret_own: all of its commands are the
 * project's.
 */
static int read_service(struct check_view *v, const char *name, struct conf_entries *ret,
			bool *ret_own, struct err **err)
{
	int rc = check_read_unit(v, name, ret, err);

	*ret_own = rc == 0;
	if (rc == 1)
		rc = check_read_drop_ins(v, name, ret, err);
	*ret_own |= takes_back(ret);
	return rc;
}

/* The service NAME ("emergency.service"), which MODE starts. */
static int service_reboots(struct check_view *v, const char *name, const char *mode,
			   struct err **err)
{
	const char *unit_name = started_for(v, name, mode);
	struct conf_entries unit = {0};
	bool own = false;
	int rc = unit_name ? read_service(v, unit_name, &unit, &own, err) : 0;

	if (rc == 0 && unit_name)
		service_is_right(v, unit_name, mode, &unit, own);
	conf_entries_clear(&unit);
	return rc;
}

/* Whether UNIT, a target, starts a unit that reboots. */
static int starts_reboot(struct check_view *v, const struct conf_entries *unit, bool *ret,
			 struct err **err)
{
	static const char *const keys[] = {"Requires", "Wants", "BindsTo"};

	for (size_t i = 0; !*ret && i < unit->count; i++) {
		const struct conf_entry *e = &unit->items[i];
		const char *p = e->value;

		if (!str_eq(e->key, keys[0]) && !str_eq(e->key, keys[1]) &&
		    !str_eq(e->key, keys[2]))
			continue;
		for (size_t n; !*ret && (p += strspn(p, " "), (n = strcspn(p, " "))); p += n) {
			const char *name = arena_strndup(v->arena, p, n);
			struct conf_entries needed = {0};
			bool own;
			int rc = read_service(v, name, &needed, &own, err);

			*ret = str_eq(name, "reboot.target") || unit_reboots(v, &needed, own);
			conf_entries_clear(&needed);
			if (rc < 0)
				return -1;
		}
	}
	return 0;
}

/* What MODE reaches is the project's own TARGET. */
static int target_reboots(struct check_view *v, const char *target, const char *mode,
			  struct err **err)
{
	struct conf_entries unit = {0};
	bool reboots = false;
	int rc = check_read_unit(v, target, &unit, err);

	if (rc == 0)
		rc = starts_reboot(v, &unit, &reboots, err);
	if (rc == 0 && !reboots)
		check_say(
			v, CHECK_FAILURE_REBOOTS, unit.count ? unit.items[0].pos : image_pos(v),
			"in %s mode a device reaches '%s', and waits for ever: let it need a unit "
			"that reboots",
			mode, target);
	conf_entries_clear(&unit);
	return rc;
}

/* The target NAME ("emergency.target"), of which systemd has SERVICE started, in MODE. */
static int mode_reboots(struct check_view *v, const char *name, const char *service,
			const char *mode, struct err **err)
{
	const char *target = started_for(v, name, mode);

	if (!target || str_eq(target, "reboot.target"))
		return 0;
	if (check_unit_file(v, target))
		return target_reboots(v, target, mode, err);
	if (str_eq(target, name))
		return service_reboots(v, service, mode, err);
	check_say(v, CHECK_FAILURE_REBOOTS, (struct pos){check_unit_link(v, name)->path, 1, 1},
		  "in %s mode a device reaches '%s', which does not reboot: let the link lead to "
		  "reboot.target",
		  mode, target);
	return 0;
}

/* Whether a unit of the project, or the link that says what is started, leads to TARGET. */
static int leads_to(struct check_view *v, const char *target, struct err **err)
{
	static const char *const keys[] = {"OnFailure", "OnSuccess", "Wants", "Requires"};
	const struct check_link *l = check_unit_link(v, "default.target");
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
			   "not checked: emergency mode; no file of the project says what "
			   "the kernel is told");
		return 0;
	}
	not_asked_for(v);
	if (mode_reboots(v, "emergency.target", "emergency.service", "emergency", err) < 0)
		return -1;
	rescue = leads_to(v, "rescue.target", err);
	return rescue > 0 ? mode_reboots(v, "rescue.target", "rescue.service", "rescue", err)
			  : rescue;
}
