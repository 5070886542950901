/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/console.h"

int regex_compile(const char *text, regex_t *ret, struct err **err)
{
	char message[200];
	int rc = regcomp(ret, text, REG_EXTENDED);

	if (!rc)
		return 0;
	regerror(rc, ret, message, sizeof(message));
	return err_set(err, ERR_USER, "'%s' is not an extended regular expression: %s", text,
		       message);
}

void regex_check(const struct yaml *map, const char *key, const char *text, struct err_list *errors)
{
	struct err *err cleanup_err = NULL;
	regex_t regex;

	if (!text)
		return;
	if (regex_compile(text, &regex, &err) < 0)
		err_list_at(errors, yaml_key_pos(map, key), "%s", err->text);
	else
		regfree(&regex);
}

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
