/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/deb/spdx.h"

#include "base/str.h"

#define DEPTH_MAX 64 /* of parentheses */

struct reading {
	struct arena *arena;
	const char *at;
	spdx_allow_fn *fn;
	void *arg;
	struct strs *refused;
	unsigned depth;
	bool malformed;
};

static void skip_space(struct reading *r)
{
	r->at += strspn(r->at, " \t\n");
}

/* Takes the next word off, if it is WORD. */
static bool take(struct reading *r, const char *word)
{
	const char *rest;

	skip_space(r);
	rest = str_skip(r->at, word);
	if (!rest || (*rest && !strchr(" \t\n()", *rest) && *word != '(' && *word != ')'))
		return false;
	r->at = rest;
	return true;
}

/* The next word, "" when there is none. Arena. */
static const char *word(struct reading *r)
{
	size_t len;
	const char *start;

	skip_space(r);
	start = r->at;
	len = strcspn(start, " \t\n()");
	r->at += len;
	r->malformed |= !len;
	return arena_strndup(r->arena, start, len);
}

static void refuse(struct reading *r, const char *id)
{
	for (size_t i = 0; i < r->refused->count; i++) {
		if (str_eq(r->refused->items[i], id))
			return;
	}
	strs_push(r->refused, id);
}

static bool read_or(struct reading *r);

static bool read_one(struct reading *r)
{
	const char *id;
	bool good;

	if (take(r, "(")) {
		r->malformed |= ++r->depth > DEPTH_MAX;
		good = !r->malformed && read_or(r);
		r->depth--;
		r->malformed |= !take(r, ")");
		return good;
	}
	id = word(r);
	if (take(r, "WITH"))
		id = arena_printf(r->arena, "%s WITH %s", id, word(r));
	good = r->fn(r->arg, id);
	if (!good)
		refuse(r, id);
	return good;
}

static bool read_and(struct reading *r)
{
	bool good = read_one(r);

	while (!r->malformed && take(r, "AND"))
		good = read_one(r) && good;
	return good;
}

/* Of sides one of which is allowed the others stand in nobody's way. */
static bool read_or(struct reading *r)
{
	size_t before = r->refused->count;
	bool good = read_and(r);

	while (!r->malformed && take(r, "OR"))
		good = read_and(r) || good;
	if (good)
		r->refused->count = before;
	return good;
}

bool spdx_allowed(struct arena *arena, const char *expression, spdx_allow_fn *fn, void *arg,
		  struct strs *refused)
{
	struct reading r = {
		.arena = arena, .at = expression, .fn = fn, .arg = arg, .refused = refused};
	bool good = read_or(&r);

	skip_space(&r);
	if (!r.malformed && !*r.at)
		return good;
	refuse(&r, arena_strdup(arena, expression));
	return false;
}
