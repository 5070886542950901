/* SPDX-License-Identifier: GPL-3.0-or-later */
/* refuse: a line that the console must not have shown. */
#include "scenario/console.h"

struct refuse {
	struct step_head head;
	const char *line;
	int64_t seconds;
};

#define AT(field) offsetof(struct refuse, field)
static const struct option options[] = {
	{"refuse", OPT_STRING, AT(line),
	 .help = "No such line since power-on, nor in the seconds of `for`."},
	STEP_NAME(struct refuse),
	{"for", OPT_INT, AT(seconds), OPT_POSITIVE, .help = "Seconds to look out for it."},
};
#undef AT

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct refuse *r = data;

	regex_check(map, "refuse", r->line, errors);
}

static const struct schema schema = SCHEMA(struct refuse, options, .check = check);

static int look_back(struct stage *s, const regex_t *regex, struct err **err)
{
	const struct scene_lines *lines = scene_lines(s->scene);

	for (size_t i = 0; i < lines->count; i++) {
		const struct scene_line *line = &lines->items[i];

		if (line->source == SCENE_CONSOLE && regexec(regex, line->text, 0, NULL, 0) == 0)
			return err_set(err, E_SCENARIO_FAILED,
				       "the console shows it after %.1f s: '%s'",
				       (double)line->ms / 1000, line->text);
	}
	return 0;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct refuse *r = opts;
	uint64_t ms = board_seconds(s->board, (unsigned)r->seconds) * 1000ull;
	regex_t regex;
	int rc = 0;

	if (regex_compile(r->line, &regex, err) < 0)
		return -1;
	if (scene_is_on(s->scene))
		rc = scene_pass(s->scene, ms, err);
	if (rc == 0)
		rc = look_back(s, &regex, err);
	regfree(&regex);
	return rc;
}

/* On or off: it is about what has been. */
const struct verb verb_refuse = {
	.form = {"refuse", &schema},
	.run = run,
};
