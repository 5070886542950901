/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/mirror_list.h"

#include <string.h>

#include "base/str.h"

/* The white space of the C locale. */
#define SPACE " \t\n\v\f\r"

static bool is_usable(const char *url, bool online)
{
	if (str_skip(url, "http://") || str_skip(url, "https://"))
		return true;
	return !online && (str_skip(url, "file:/") || str_skip(url, "copy:/"));
}

/* What strtoul() makes of it: no digits are 0, too many the highest. */
static uint64_t parse_priority(struct arena *arena, const char *text)
{
	const char *digits = arena_strndup(arena, text, strspn(text, "0123456789"));
	uint64_t n = 0;

	return *digits && str_u64(digits, &n) != 0 ? UINT64_MAX : n;
}

static void parse_tags(struct arena *arena, char *text, struct mirror_item *m)
{
	size_t count = 0;
	char *save = NULL;

	m->tags = arena_alloc(arena, (strlen(text) / 2 + 2) * sizeof(*m->tags));
	for (char *w = strtok_r(text, SPACE, &save); w; w = strtok_r(NULL, SPACE, &save)) {
		const char *priority = str_skip(w, "priority:");

		if (priority)
			m->priority = parse_priority(arena, priority);
		else
			m->tags[count++] = w;
	}
	m->tags[count] = NULL;
}

/* LINE lives as long as the arena and is cut into pieces. False: it names no mirror for us. */
static bool parse_line(struct arena *arena, char *line, bool online, struct mirror_item *ret)
{
	size_t len = strcspn(line, "\t");
	char *metadata = line[len] ? line + len + 1 : line + len;

	line[len] = '\0';
	if (*line == '#' || line[strcspn(line, SPACE)] || !is_usable(line, online))
		return false;
	while (len && line[len - 1] == '/')
		len--;
	*ret = (struct mirror_item){
		.url = str_skip(line, "copy:")
			       ? arena_printf(arena, "file:%.*s", (int)(len - strlen("copy:")),
					      line + strlen("copy:"))
			       : arena_strndup(arena, line, len),
		.priority = UINT64_MAX,
	};
	parse_tags(arena, metadata, ret);
	return true;
}

static int by_priority(const void *a, const void *b)
{
	const struct mirror_item *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

void mirror_list_parse(struct arena *arena, const char *text, bool online, struct mirror_items *ret)
{
	char *copy = arena_strdup(arena, text), *save = NULL;

	for (char *l = strtok_r(copy, "\r\n", &save); l; l = strtok_r(NULL, "\r\n", &save)) {
		struct mirror_item m;

		if (!parse_line(arena, l, online, &m))
			continue;
		m.number = ret->count;
		mirror_items_push(ret, m);
	}
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), by_priority);
}

/* Whether tags of this NAME are there, and none has VALUE. */
static bool excludes(const struct mirror_item *m, const char *name, const char *value)
{
	bool limited = false;

	for (size_t i = 0; value && m->tags[i]; i++) {
		const char *tag = str_skip(m->tags[i], name);

		if (tag && str_eq(tag, value))
			return false;
		limited |= tag != NULL;
	}
	return limited;
}

bool mirror_item_serves(const struct mirror_item *m, const struct mirror_file *f)
{
	return !excludes(m, "arch:", f->arch) && !excludes(m, "component:", f->component) &&
	       !excludes(m, "type:", f->type);
}
