/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/console.h"

struct hunt {
	regex_t regex;
	int64_t count; /* hits still to come */
};

static int match_regex(void *arg, const struct scene_line *line, struct err **err)
{
	struct hunt *h = arg;

	if (regexec(&h->regex, line->text, 0, NULL, 0) != 0)
		return 0;
	if (h->count > 1) {
		h->count--;
		return 0;
	}
	return 1;
}

int console_wait(struct stage *s, const char *text, int64_t count, bool background,
		 unsigned seconds, struct err **err)
{
	struct hunt h = {.count = count};
	struct scene_want want = {
		.fn = match_regex, .arg = &h, .open = count < 2, .background = background};
	int rc;

	if (count > 1)
		want.what =
			arena_printf(s->arena, "no %lld lines like '%s'", (long long)count, text);
	else
		want.what = arena_printf(s->arena, "no line like '%s'", text);
	if (regex_compile(text, &h.regex, err) < 0)
		return -1;
	rc = scene_wait(s->scene, &want, seconds, NULL, err);
	regfree(&h.regex);
	return rc;
}
