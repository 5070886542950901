/* SPDX-License-Identifier: GPL-3.0-or-later */
/* power: the board is switched on, shuts down, or is gone. */
#include "base/file.h"
#include "machine/board/rauc_board.h"
#include "scenario/command.h"

#define POWEROFF_S 600

enum power_word { POWER_ON, POWER_OFF, POWER_CUT };
static const char *const power_words[] = {"on", "off", "cut", NULL};
enum { NETWORK_IN, NETWORK_OUT };
static const char *const network_words[] = {"on", "off", NULL};

struct power {
	struct step_head head;
	int power, network;
	const char *clock;
	bool record;
	struct ref *stick;
};

#define AT(field) offsetof(struct power, field)
static const struct option options[] = {
	{"power", OPT_ENUM, AT(power), OPT_REQUIRED, .words = power_words,
	 .help = "on: starts the board with the card as it is. off: the guest shuts down. cut: the "
		 "board is gone, in the middle of whatever it does.",
	 .example = "\"on\""},
	{"network", OPT_ENUM, AT(network), .words = network_words,
	 .help = "`power: on`: whether the network's cable is plugged in."},
	STEP_NAME(struct power),
	STEP_WITHIN(struct power, 600),
	{"clock", OPT_STRING, AT(clock), .help = "`power: on`: the date of the board's clock.",
	 .example = "1970-01-01"},
	{"record", OPT_BOOL, AT(record),
	 .help = "`power: on`: every write to the card is recorded, for `power-cuts`."},
	{"stick", OPT_REF, AT(stick), .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .help = "`power: on`: the image of a USB stick that is in; the board can only read it, "
		 "and needs PCI for it.",
	 .example = "tests/stick"},
};
#undef AT

/* "1970-01-01" or "1970-01-01T12:00:00". */
static bool is_date(const char *text)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t len = strlen(text);

	if (len != 10 && len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
			return false;
	}
	return true;
}

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct power *p = data;

	if (p->power != POWER_ON && (p->clock || p->network || p->record || p->stick))
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "'clock', 'network', 'record' and 'stick' go with `power: on` only");
	if (p->clock && !is_date(p->clock))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "clock"),
			    "'clock' is a date like 1970-01-01 or 1970-01-01T12:00:00, found '%s'",
			    p->clock);
}

static const struct schema schema = SCHEMA(struct power, options, .check = check);

static unsigned traits_of(const void *opts)
{
	const struct power *p = opts;

	switch ((enum power_word)p->power) {
	case POWER_ON:
		return STEP_NEEDS_OFF | STEP_TURNS_ON | (p->record ? STEP_RECORDS : 0) |
		       (p->record ? STEP_NEEDS_BOOT : 0) | (p->network ? STEP_NEEDS_NETWORK : 0) |
		       (p->record || p->clock || p->stick ? STEP_NEEDS_QEMU : 0);
	case POWER_OFF:
		return STEP_NEEDS_ON | STEP_NEEDS_AGENT | STEP_TURNS_OFF;
	case POWER_CUT:
		break;
	}
	return STEP_NEEDS_ON | STEP_TURNS_OFF;
}

/* A copy of FROM, which is as it was before. */
static int keep(struct stage *s, const char *from, const char *name, const char **ret,
		struct err **err)
{
	*ret = arena_printf(s->arena, "%s/%s", s->dir, name);
	if (unlink(*ret) < 0 && errno != ENOENT)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot remove '%s'", *ret);
	return file_copy(from, *ret, 0600, err);
}

/* Copies card and variables as they are now, and makes a file for the writes to come. */
static int start_recording(struct stage *s, struct err **err)
{
	s->record = arena_printf(s->arena, "%s/writes.log", s->dir);
	if (keep(s, s->card, "before.img", &s->before, err) < 0 ||
	    (s->variables && keep(s, s->variables, "before.vars", &s->variables_before, err) < 0))
		return -1;
	return file_write(s->record, "", 0, 0600, false, err);
}

static int switch_on(struct stage *s, const struct power *p, struct err **err)
{
	struct stage_start how = {.unplugged = p->network == NETWORK_OUT, .record = p->record};

	if (p->stick)
		how.stick = stage_path(s, p->stick);
	if (p->clock)
		how.clock = strchr(p->clock, 'T') ? p->clock
						  : arena_printf(s->arena, "%sT00:00:00", p->clock);
	if (p->record && start_recording(s, err) < 0)
		return -1;
	return stage_power_on(s, &how, err);
}

static int shut_down(struct stage *s, const struct power *p, struct err **err)
{
	const char *script = board_is_rauc(s->board) ? RAUC_BOARD_OFF : "systemctl poweroff";
	unsigned job;

	if (command_start(s, script, true, &job, err) < 0)
		return -1;
	return scene_wait_off(s->scene, step_within(&p->head, POWEROFF_S), err);
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct power *p = opts;

	switch ((enum power_word)p->power) {
	case POWER_ON:
		return switch_on(s, p, err);
	case POWER_OFF:
		return shut_down(s, p, err);
	case POWER_CUT:
		break;
	}
	return scene_cut(s->scene, err);
}

const struct verb verb_power = {
	.form = {"power", &schema},
	.traits_of = traits_of,
	.run = run,
};
