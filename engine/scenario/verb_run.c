/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run: a script in the guest. */
#include "machine/guest/steps.h"
#include "scenario/command.h"

struct run {
	struct command command;
	struct step *script;
};

static const struct option options[] = {
	{"run", OPT_STEP, offsetof(struct run, script),
	 .help = "A script for /bin/sh -e in the guest, as root.",
	 .example = "systemctl is-system-running --wait"},
	STEP_NAME(struct command),
	STEP_WITHIN(struct command, 600),
	COMMAND_ROWS(struct run),
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	command_check(data, map, errors);
}

static const struct schema schema = SCHEMA(struct run, options, .check = check);

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct run *r = opts;
	struct str line cleanup_str = STR_INIT;

	if (r->script->script)
		return command_run(s, &r->command, r->script->script, COMMAND_S, err);
	steps_quote_argv((const char *const *)r->script->argv.items, r->script->argv.count, &line);
	return command_run(s, &r->command, line.buf, COMMAND_S, err);
}

const struct verb verb_run = {
	.form = {"run", &schema},
	.traits = STEP_NEEDS_ON | STEP_NEEDS_AGENT,
	.run = run,
};
