/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wait: a line of the console. */
#include "scenario/console.h"

struct wait {
	struct step_head head;
	const char *line;
	int64_t count;
};

#define AT(field) offsetof(struct wait, field)
static const struct option options[] = {
	{"wait", OPT_STRING, AT(line),
	 .help = "Waits for a line of the console after the last one that was waited for: an "
		 "extended regular expression.",
	 .example = "\"Reached target .*multi-user\""},
	STEP_NAME(struct wait),
	STEP_WITHIN(struct wait, 900),
	{"count", OPT_INT, AT(count), OPT_POSITIVE,
	 .help = "For so many such lines, the last one counts."},
};
#undef AT

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct wait *w = data;

	regex_check(map, "wait", w->line, errors);
}

static const struct schema schema = SCHEMA(struct wait, options, .check = check);

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct wait *w = opts;

	return console_wait(s, w->line, w->count, false, step_within(&w->head, CONSOLE_S), err);
}

const struct verb verb_wait = {
	.form = {"wait", &schema},
	.traits = STEP_NEEDS_ON,
	.run = run,
};
