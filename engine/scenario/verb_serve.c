/* SPDX-License-Identifier: GPL-3.0-or-later */
/* serve: a file that the board can fetch. */
#include "scenario/verb.h"

struct serve {
	struct step_head head;
	struct ref *file;
	const char *as;
	int fault;
	uint64_t bytes;
	int64_t from_request;
};

#define AT(field) offsetof(struct serve, field)
static const struct option options[] = {
	{"serve", OPT_REF, AT(file), .accept = ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_PATH,
	 .help = "From now on the board finds this file at " BOARD_WEB "PATH, which is all that it "
		 "reaches: by GET and HEAD, with Range and ETag. What was there under that path is "
		 "gone.",
	 .example = "tests/bundle-v2"},
	STEP_NAME(struct serve),
	{"as", OPT_STRING, AT(as), OPT_REQUIRED, .help = "The path.", .example = "/stable.channel"},
	{"fault", OPT_ENUM, AT(fault), .words = web_faults,
	 .help = "What is wrong with the server. no-range: it always sends all. length: it says "
		 "that the file has `bytes`, and closes when all is sent. cut: it closes after "
		 "`bytes` of each answer. html: it sends a page in place of the file."},
	{"bytes", OPT_SIZE, AT(bytes), .help = "Of the faults length and cut.", .example = "64K"},
	{"from-request", OPT_INT, AT(from_request), OPT_POSITIVE,
	 .help = "What was there stays, and this file is what the board gets from so many requests "
		 "of the path on, from 1."},
};
#undef AT

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct serve *s = data;

	if (s->as && (*s->as != '/' || strpbrk(s->as, " ?#%")))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "as"),
			    "'as' is the path of a URL, like /stable.channel, found '%s'", s->as);
	if ((s->fault == WEB_LENGTH || s->fault == WEB_CUT) != (yaml_get(map, "bytes") != NULL))
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "'bytes' goes with `fault: length` and `fault: cut`, and they with it");
}

static const struct schema schema = SCHEMA(struct serve, options, .check = check);

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct serve *o = opts;
	const struct web_file served = {.path = o->as,
					.file = stage_path(s, o->file),
					.fault = (enum web_fault)o->fault,
					.bytes = o->bytes,
					.from_request = (unsigned)o->from_request};

	return web_serve(s->web, &served, err);
}

const struct verb verb_serve = {
	.form = {"serve", &schema},
	.traits = STEP_NEEDS_NETWORK | STEP_NEEDS_WEB,
	.run = run,
};
