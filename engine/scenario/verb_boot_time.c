/* SPDX-License-Identifier: GPL-3.0-or-later */
/* boot-time: how long the system may take to start. */
#include "scenario/command.h"
#include "scenario/startup.h"

struct boot_time {
	struct step_head head;
	const char *most;
};

static const struct option options[] = {
	{"boot-time", OPT_STRING, offsetof(struct boot_time, most),
	 .help = "The time that the system may take to start, by systemd's own figures "
		 "(`systemd-analyze time`), times the board's time-scale; it is waited for.",
	 .example = "40s"},
	STEP_NAME(struct boot_time),
	STEP_WITHIN(struct boot_time, 600),
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct boot_time *b = data;
	uint64_t us;

	if (duration_parse(b->most, &us))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "boot-time"),
			    "'%s' is not a time like 40s or 1min 30s, of a day at most", b->most);
}

static const struct schema schema = SCHEMA(struct boot_time, options, .check = check);

/* A system that is degraded has started, too. */
static const char script[] = "systemctl is-system-running --wait || true\n" STARTUP_COMMAND "\n";

static uint64_t scaled(const struct stage *s, const char *text)
{
	uint64_t us = 0;

	if (duration_parse(text, &us))
		return 0; /* the schema has looked at it */
	return us / 1000 * board_seconds(s->board, 1000);
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct boot_time *b = opts;
	struct strv lines cleanup_strv = {0};
	struct str took cleanup_str = STR_INIT;
	struct startup is = {0};

	if (command_lines(s, script, step_within(&b->head, COMMAND_S), &lines, err) < 0)
		return -1;
	for (size_t i = 0; i < lines.count; i++)
		startup_read(&is, lines.items[i]);
	if (!is.finish)
		return err_set(err, E_SCENARIO_FAILED,
			       "systemd does not say that the system has started: a job waits, or "
			       "another init runs");
	startup_text(&is, &took);
	scene_note(s->scene, "the system started in %s", took.buf);
	if (startup_total(&is) <= scaled(s, b->most))
		return 0;
	return err_set(err, E_SCENARIO_FAILED,
		       "the system took %s to start, more than %s times the board's time-scale: "
		       "`systemd-analyze critical-chain` says what it waited for",
		       took.buf, b->most);
}

const struct verb verb_boot_time = {
	.form = {"boot-time", &schema},
	.traits = STEP_NEEDS_ON | STEP_NEEDS_AGENT | STEP_NEEDS_BOOT,
	.run = run,
};
