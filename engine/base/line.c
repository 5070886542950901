/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/line.h"

/* One word at *P, which ends before END. NULL: malformed. */
static const char *word(struct arena *arena, const char **p, const char *end)
{
	struct str s cleanup_str = STR_INIT;
	const char *start = *p;
	size_t n = 0;

	if (start < end && *start == '"') {
		if (str_unquote(p, &s) != 0 || *p > end || strlen(s.buf) != s.len)
			return NULL;
		return arena_strndup(arena, s.buf, s.len);
	}
	while (start + n < end && start[n] > ' ' && start[n] < 0x7f && start[n] != '"')
		n++;
	*p = start + n;
	return n ? arena_strndup(arena, start, n) : NULL;
}

int line_read(struct arena *arena, const char **p, const char *end, struct line *ret)
{
	struct strs v = {0};
	const char *q = *p, *nl;
	char *line;

	if (q >= end)
		return 1;
	nl = memchr(q, '\n', (size_t)(end - q));
	if (!nl)
		return -1;
	/* A copy with an end of its own: str_unquote() stops at NUL, not at a length. */
	line = arena_strndup(arena, q, (size_t)(nl - q));
	for (const char *c = line, *stop = line + (nl - q);;) {
		const char *w = word(arena, &c, stop);

		if (!w || (*c != ' ' && c != stop)) {
			strs_clear(&v);
			return -1;
		}
		strs_push(&v, w);
		if (c == stop)
			break;
		c++;
	}
	ret->count = v.count;
	ret->items = arena_alloc(arena, v.count * sizeof(*ret->items));
	memcpy(ret->items, v.items, v.count * sizeof(*ret->items));
	strs_clear(&v);
	*p = nl + 1;
	return 0;
}

bool line_is(const struct line *w, const char *name, size_t count)
{
	return w->count == count && str_eq(w->items[0], name);
}
