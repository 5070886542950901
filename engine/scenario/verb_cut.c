/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cut: the power fails at a line of the console. */
#include "scenario/console.h"

struct cut {
	struct step_head head;
	const char *line, *after;
	unsigned after_ms; /* settled by the check */
};

#define AT(field) offsetof(struct cut, field)
static const struct option options[] = {
	{"cut", OPT_STRING, AT(line),
	 .help = "Waits for a line of the console or of a command in the background, then cuts the "
		 "power."},
	STEP_NAME(struct cut),
	STEP_WITHIN(struct cut, 900),
	{"after", OPT_STRING, AT(after), .help = "Seconds between the line and the cut.",
	 .example = "\"0.5\""},
};
#undef AT

/* "0.5" as milliseconds. */
static int parse_ms(const char *text, unsigned *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (!*text || strspn(text, "0123456789.") != strlen(text) || *end || value > 86400)
		return 1;
	*ret = (unsigned)(value * 1000 + 0.5);
	return 0;
}

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	struct cut *c = data;

	if (c->after && parse_ms(c->after, &c->after_ms))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "after"),
			    "'after' is a number of seconds like 0.5, found '%s'", c->after);
	regex_check(map, "cut", c->line, errors);
}

static const struct schema schema = SCHEMA(struct cut, options, .check = check);

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct cut *c = opts;

	if (console_wait(s, c->line, 0, true, step_within(&c->head, CONSOLE_S), err) < 0)
		return -1;
	if (c->after_ms && scene_pass(s->scene, c->after_ms, err) < 0)
		return -1;
	return scene_cut(s->scene, err);
}

const struct verb verb_cut = {
	.form = {"cut", &schema},
	.traits = STEP_NEEDS_ON | STEP_TURNS_OFF,
	.run = run,
};
