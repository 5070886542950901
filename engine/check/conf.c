/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/conf.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"

#define MAX_CONF_BYTES (1024 * 1024)

typedef void line_fn(struct arena *a, char *line, struct pos pos, const char **section,
		     struct conf_entries *ret);

static char *trim(char *s)
{
	size_t n;

	s += strspn(s, " \t\r");
	n = strlen(s);
	while (n && strchr(" \t\r", s[n - 1]))
		s[--n] = 0;
	return s;
}

/* The end of the line at P, or of the text. */
static const char *line_end(const char *p)
{
	return p + strcspn(p, "\n");
}

/* Whether the line at FILLED can come from the one at RAW, of whose names nothing is known. */
static bool comes_from(const char *raw, const char *filled)
{
	size_t len = strcspn(raw, "\n");
	const char *name = memmem(raw, len, "{{", 2);

	if (name)
		return name > raw && strncmp(raw, filled, (size_t)(name - raw)) == 0;
	return len == strcspn(filled, "\n") && memcmp(raw, filled, len) == 0;
}

/* Where the line of the template in work that a filled line comes from stands. */
struct origin {
	const char *at; /* in the template; "" past its end */
	unsigned line;
	bool spread; /* a value in it may have more lines to come */
};

static void origin_next(struct origin *o)
{
	const char *end = line_end(o->at);

	o->at = *end ? end + 1 : end;
	o->line++;
	o->spread = false;
}

/*
 * Takes the filled line TEXT: lines without a name in them are in both, and what lies between two
 * such comes from the names between those.
 */
static void origin_take(struct origin *o, const char *text)
{
	const char *next = line_end(o->at);

	if (o->spread && *next && comes_from(next + 1, text))
		origin_next(o);
	if (o->spread)
		return;
	if (memmem(o->at, (size_t)(line_end(o->at) - o->at), "{{", 2))
		o->spread = true;
}

/* Done with a line that no value was in. */
static void origin_done(struct origin *o)
{
	if (!o->spread && *o->at)
		origin_next(o);
}

static int read_lines(struct arena *a, const char *dir, const char *rel, const char *filled,
		      line_fn *fn, struct conf_entries *ret, struct err **err)
{
	char *path cleanup_free = path_join(dir, rel);
	struct str text cleanup_str = STR_INIT, raw cleanup_str = STR_INIT;
	const char *file = arena_strdup(a, rel), *section = "";
	struct origin origin = {.line = 1};
	char *next;

	if (!path_exists(path))
		return 0;
	if (file_read(path, MAX_CONF_BYTES, &raw, err) < 0)
		return -1;
	str_append(&text, filled ? filled : raw.buf ? raw.buf : "");
	origin.at = raw.buf ? raw.buf : "";
	for (char *p = text.buf; p && *p; p = next) {
		struct pos pos = {.file = file, .line = 1, .col = 1};

		origin_take(&origin, p);
		pos.line = origin.line;
		origin_done(&origin);
		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		fn(a, p, pos, &section, ret);
	}
	return 0;
}

static void push(struct arena *a, struct conf_entries *ret, const char *section, const char *key,
		 const char *value, struct pos pos)
{
	conf_entries_push(ret, (struct conf_entry){section, arena_strdup(a, key),
						   arena_strdup(a, value), pos});
}

static void ini_line(struct arena *a, char *line, struct pos pos, const char **section,
		     struct conf_entries *ret)
{
	char *s = trim(line), *eq;

	if (!*s || *s == '#' || *s == ';')
		return;
	if (*s == '[' && str_ends(s, "]")) {
		*section = arena_strndup(a, s + 1, strlen(s) - 2);
		return;
	}
	eq = strchr(s, '=');
	if (!eq)
		return;
	*eq = 0;
	push(a, ret, *section, trim(s), trim(eq + 1), pos);
}

static void kconfig_line(struct arena *a, char *line, struct pos pos, const char **section,
			 struct conf_entries *ret)
{
	char *s = trim(line), *eq = strchr(s, '='), *end;

	if (str_skip(s, "# CONFIG_") && (end = strstr(s, " is not set"))) {
		*end = 0;
		push(a, ret, *section, s + 2, "n", pos);
		return;
	}
	if (!str_skip(s, "CONFIG_") || !eq)
		return;
	*eq++ = 0;
	if (*eq == '"' && str_ends(eq + 1, "\"")) {
		eq++;
		eq[strlen(eq) - 1] = 0;
	}
	push(a, ret, *section, s, eq, pos);
}

static void table_line(struct arena *a, char *line, struct pos pos, const char **section,
		       struct conf_entries *ret)
{
	char *s = trim(line), *rest;

	if (!*s || *s == '#')
		return;
	rest = s + strcspn(s, " \t");
	if (*rest)
		*rest++ = 0;
	push(a, ret, *section, s, trim(rest), pos);
}

static void whole_line(struct arena *a, char *line, struct pos pos, const char **section,
		       struct conf_entries *ret)
{
	size_t n = strlen(line);

	if (n && line[n - 1] == '\r')
		line[n - 1] = 0;
	push(a, ret, *section, "", line, pos);
}

int conf_read_ini(struct arena *a, const char *dir, const char *rel, const char *filled,
		  struct conf_entries *ret, struct err **err)
{
	return read_lines(a, dir, rel, filled, ini_line, ret, err);
}

void conf_parse_ini(struct arena *a, const char *name, const char *text, struct conf_entries *ret)
{
	struct pos pos = {.file = arena_strdup(a, name), .line = 1, .col = 1};
	char *copy cleanup_free = xstrdup(text), *line;
	const char *section = "";

	for (char *rest = copy; (line = strsep(&rest, "\n")); pos.line++)
		ini_line(a, line, pos, &section, ret);
}

int conf_read_kconfig(struct arena *a, const char *dir, const char *rel, const char *filled,
		      struct conf_entries *ret, struct err **err)
{
	return read_lines(a, dir, rel, filled, kconfig_line, ret, err);
}

int conf_read_table(struct arena *a, const char *dir, const char *rel, const char *filled,
		    struct conf_entries *ret, struct err **err)
{
	return read_lines(a, dir, rel, filled, table_line, ret, err);
}

int conf_read_lines(struct arena *a, const char *dir, const char *rel, const char *filled,
		    struct conf_entries *ret, struct err **err)
{
	return read_lines(a, dir, rel, filled, whole_line, ret, err);
}

const struct conf_entry *conf_find(const struct conf_entries *e, const char *section,
				   const char *key)
{
	for (size_t i = e->count; i-- > 0;) {
		if (str_eq(e->items[i].section, section) && str_eq(e->items[i].key, key))
			return &e->items[i];
	}
	return NULL;
}

const struct conf_entry *conf_next(const struct conf_entries *e, const char *section,
				   const char *key, size_t *i)
{
	const struct conf_entry *found = NULL;

	for (size_t k = *i; k < e->count; k++) {
		const struct conf_entry *entry = &e->items[k];

		if (!str_eq(entry->section, section) || !str_eq(entry->key, key))
			continue;
		if (!*entry->value)
			found = NULL;
		else if (!found)
			found = entry;
	}
	if (found)
		*i = (size_t)(found - e->items) + 1;
	return found;
}

bool conf_is_true(const struct conf_entry *e)
{
	return e && (str_eq(e->value, "true") || str_eq(e->value, "1"));
}

bool conf_waits(const struct conf_entry *e)
{
	return strstr(e->value, "{{");
}

int conf_number(const char *text, uint64_t *ret)
{
	char *end;

	if (!str_skip(text, "0x"))
		return size_parse(text, ret);
	errno = 0;
	*ret = strtoull(text, &end, 16);
	return errno || *end || end == text + 2;
}
