/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetched: what the board has asked the server for. */
#include <inttypes.h>

#include "base/clock.h"
#include "scenario/verb.h"

#define FETCHED_S 600

struct fetched {
	struct step_head head;
	const char *path;
	uint64_t least, most;
	const char *requests;
	bool has_most;  /* settled by the check */
	uint64_t count; /* of requests, likewise */
	bool or_more;
};

#define AT(field) offsetof(struct fetched, field)
static const struct option options[] = {
	{"fetched", OPT_STRING, AT(path), OPT_REQUIRED,
	 .help = "What the board has fetched of that path of `serve`, since the last `fetched` of "
		 "it. While the power is on it is waited for; then the count begins again.",
	 .example = "/bundle.raucb"},
	STEP_NAME(struct fetched),
	STEP_WITHIN(struct fetched, 600),
	{"at-least", OPT_SIZE, AT(least), .help = "So many bytes, without the heads of answers.",
	 .example = "1M"},
	{"at-most", OPT_SIZE, AT(most), .help = "No more than so many.", .example = "5M"},
	{"requests", OPT_STRING, AT(requests),
	 .help = "How many requests there were: a number, or one and more as \"2+\".",
	 .example = "\"0\""},
};
#undef AT

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	struct fetched *f = data;
	size_t len = f->requests ? strlen(f->requests) : 0;
	char number[24] = "0";

	f->has_most = yaml_get(map, "at-most") != NULL;
	f->or_more = len && f->requests[len - 1] == '+';
	len -= f->or_more;
	if (len < sizeof(number))
		memcpy(number, f->requests ? f->requests : "", len);
	number[len < sizeof(number) ? len : 0] = 0;
	if (f->requests && str_u64(number, &f->count))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "requests"),
			    "'requests' is a number, or one and more like 2+, found '%s'",
			    f->requests);
	if (!f->requests && !f->has_most && !yaml_get(map, "at-least"))
		err_list_at(errors, E_MISSING_KEY, map->pos,
			    "'fetched' says nothing: add 'at-least', 'at-most' or 'requests'");
}

static const struct schema schema = SCHEMA(struct fetched, options, .check = check);

/* What more time may still bring. */
static bool is_there(const struct fetched *f, struct web_count c)
{
	return c.bytes >= f->least && (!f->requests || c.requests >= f->count);
}

static bool is_right(const struct fetched *f, struct web_count c)
{
	return is_there(f, c) && (!f->has_most || c.bytes <= f->most) &&
	       (!f->requests || f->or_more || c.requests == f->count);
}

static int wait_for(struct stage *s, const struct fetched *f, struct err **err)
{
	uint64_t end =
		clock_ms() + board_seconds(s->board, step_within(&f->head, FETCHED_S)) * 1000ull;

	while (scene_is_on(s->scene) && !is_there(f, web_count(s->web, f->path)) &&
	       clock_ms() < end)
		if (scene_pass(s->scene, 100, err) < 0)
			return -1;
	return 0;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct fetched *f = opts;
	struct web_count c;

	if (wait_for(s, f, err) < 0)
		return -1;
	c = web_count(s->web, f->path);
	scene_note(s->scene, "of %s: %u requests, %" PRIu64 " bytes", f->path, c.requests, c.bytes);
	if (!is_right(f, c))
		return err_set(err, E_SCENARIO_FAILED,
			       "the board has made %u requests of '%s' and got %" PRIu64 " bytes",
			       c.requests, f->path, c.bytes);
	web_forget(s->web, f->path);
	return 0;
}

const struct verb verb_fetched = {
	.form = {"fetched", &schema},
	.traits = STEP_NEEDS_NETWORK | STEP_NEEDS_WEB,
	.run = run,
};
