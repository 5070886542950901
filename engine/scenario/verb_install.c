/* SPDX-License-Identifier: GPL-3.0-or-later */
/* install: an update, by RAUC in the guest. */
#include "machine/guest/steps.h"
#include "scenario/command.h"

#define INSTALL_S 3600

struct install {
	struct command command;
	struct ref *bundle;
};

static const struct option options[] = {
	{"install", OPT_REF, offsetof(struct install, bundle), .accept = ACCEPT_FILE | ACCEPT_PATH,
	 .help = "`rauc install` of that bundle in the guest; it is among the media by itself.",
	 .example = "bundle"},
	STEP_NAME(struct command),
	STEP_WITHIN(struct command, 3600),
	COMMAND_ROWS(struct install),
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	command_check(data, map, errors);
}

static const struct schema schema = SCHEMA(struct install, options, .check = check);

static struct ref *medium(const void *opts)
{
	const struct install *i = opts;

	return i->bundle;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct install *i = opts;
	const char *argv[] = {"rauc", "install", stage_media(s, i->bundle)};
	struct str line cleanup_str = STR_INIT;

	steps_quote_argv(argv, array_len(argv), &line);
	return command_run(s, &i->command, line.buf, INSTALL_S, err);
}

const struct verb verb_install = {
	.form = {"install", &schema},
	.traits = STEP_NEEDS_ON | STEP_NEEDS_AGENT,
	.medium = medium,
	.run = run,
};
