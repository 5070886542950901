/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/deb/copyright.h"

#include <ctype.h>
#include <strings.h>

#include "base/digest.h"
#include "base/map.h"
#include "base/str.h"

#define FORMAT "copyright-format/1.0" /* at the end of the URI in the field Format */
#define ID_DIGITS 8

struct reading {
	struct arena *arena;
	struct map texts; /* short name -> text of its paragraph, of those that have one alone */
	struct licences *others;
};

/* ---- paragraphs and fields ---- */

/* Whether a paragraph ends before LINE. */
static bool is_blank(const char *line)
{
	return line[strspn(line, " \t\r")] == '\n' || !line[strspn(line, " \t\r")];
}

/* Takes the next paragraph off *FILE; NULL: none is left. Arena. */
static char *next_paragraph(struct arena *arena, const char **file)
{
	const char *start, *line;

	while (**file && is_blank(*file))
		*file += strcspn(*file, "\n") + ((*file)[strcspn(*file, "\n")] == '\n');
	start = line = *file;
	while (*line && !is_blank(line))
		line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
	*file = line;
	return line > start ? arena_strndup(arena, start, (size_t)(line - start)) : NULL;
}

/* The value of FIELD with all its lines, or NULL. Arena. */
static char *field(struct arena *arena, const char *paragraph, const char *name)
{
	size_t len = strlen(name);
	const char *end;

	for (const char *line = paragraph; *line; line += line[0] == '\n') {
		if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
			end = line + strcspn(line, "\n");
			while (end[0] == '\n' && (end[1] == ' ' || end[1] == '\t'))
				end += 1 + strcspn(end + 1, "\n");
			line += len + 1;
			line += strspn(line, " \t");
			return arena_strndup(arena, line, (size_t)(end - line));
		}
		line += strcspn(line, "\n");
	}
	return NULL;
}

/* The lines after the first, without the space before each; " ." is an empty one. Arena. */
static const char *rest_of(struct arena *arena, const char *value)
{
	struct str text cleanup_str = STR_INIT;

	for (const char *line = value + strcspn(value, "\n"); *line == '\n';) {
		size_t len = strcspn(++line, "\n"), skip = *line == ' ' || *line == '\t';

		if (len - skip != 1 || line[skip] != '.')
			str_append_len(&text, line + skip, len - skip);
		str_append_char(&text, '\n');
		line += len;
	}
	return arena_strdup(arena, text.buf);
}

/* ---- one licence ---- */

static const char *spdx_name(const char *name)
{
	static const char *const known[][2] = {
#define LICENCE(debian, spdx) {debian, spdx},
#include "media/deb/licences.def"
#undef LICENCE
	};

	for (size_t i = 0; i < array_len(known); i++) {
		if (strcasecmp(name, known[i][0]) == 0)
			return known[i][1];
	}
	return NULL;
}

/* NAME and TEXT, so that two licences of one name are two. Letters, digits, '-' and '.' alone. */
static const char *reference(struct arena *arena, const char *name, const char *text)
{
	char *both cleanup_free = xasprintf("%s\n%s", name, text);
	struct str id cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	digest_data(both, strlen(both), &d);
	digest_hex(&d, hex);
	str_append(&id, "LicenseRef-Debian-");
	for (const char *p = name; *p && p < name + 64; p++)
		str_append_char(&id, isalnum((unsigned char)*p) || *p == '.' ? *p : '-');
	return arena_printf(arena, "%s-%.*s", id.buf, ID_DIGITS, hex);
}

static void append_licence(struct reading *r, const char *start, size_t len, struct str *ret)
{
	const char *name = arena_strndup(r->arena, start, len), *spdx = spdx_name(name), *text;
	struct licence l;

	if (spdx) {
		str_append(ret, spdx);
		return;
	}
	text = map_get(&r->texts, name);
	l = (struct licence){.name = name, .text = text && *text ? text : name};
	l.id = reference(r->arena, name, l.text);
	licences_push(r->others, l);
	str_append(ret, l.id);
}

/* ---- what a field says: "GPL-2+ or Artistic, and BSD-3-clause" ---- */

/* Where WORD with a space (or its comma) before and one after begins in the N bytes at TEXT. */
static const char *find_word(const char *text, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; p + len < text + n; p++) {
		if (strncasecmp(p, word, len) == 0)
			return p;
	}
	return NULL;
}

/*
 * A comma binds least, then "or", then "and" (format 1.0, "License specification"). Each level
 * splits at its words and puts what more than one part makes into parentheses.
 */
static void append_expression(struct reading *r, const char *text, size_t n, unsigned level,
			      struct str *ret)
{
	static const struct {
		const char *word, *spdx;
	} levels[] = {{", and ", " AND "}, {", or ", " OR "}, {" or ", " OR "}, {" and ", " AND "}};
	struct str all cleanup_str = STR_INIT;
	const char *at, *end = text + n;
	bool several = false;

	if (level == array_len(levels)) {
		append_licence(r, text, n, ret);
		return;
	}
	for (; (at = find_word(text, (size_t)(end - text), levels[level].word)); several = true) {
		append_expression(r, text, (size_t)(at - text), level + 1, &all);
		str_append(&all, levels[level].spdx);
		text = at + strlen(levels[level].word);
	}
	append_expression(r, text, (size_t)(end - text), level + 1, &all);
	str_printf(ret, several ? "(%s)" : "%s", all.buf);
}

/* ---- the file ---- */

static bool is_machine_readable(struct arena *arena, const char *paragraph)
{
	const char *format = field(arena, paragraph, "Format");

	return format && strstr(format, FORMAT);
}

static void note_texts(struct reading *r, const char *file)
{
	char *paragraph;

	while ((paragraph = next_paragraph(r->arena, &file))) {
		const char *value = field(r->arena, paragraph, "License");

		if (value && !field(r->arena, paragraph, "Files"))
			map_set(&r->texts, arena_strndup(r->arena, value, strcspn(value, "\r\n")),
				(void *)rest_of(r->arena, value));
	}
}

/* The first line of VALUE as an expression. One with a text of its own is not that of others. */
static const char *expression_of(struct reading *r, const char *value)
{
	struct str text cleanup_str = STR_INIT;
	const char *name = arena_strndup(r->arena, value, strcspn(value, "\r\n"));
	const char *own = rest_of(r->arena, value);
	size_t len = strlen(name);

	while (len && isspace((unsigned char)name[len - 1]))
		len--;
	if (!len)
		return NULL;
	if (*own && !map_get(&r->texts, name))
		map_set(&r->texts, name, (void *)own);
	append_expression(r, name, len, 0, &text);
	return arena_strdup(r->arena, text.buf);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *join(struct arena *arena, struct strs *parts)
{
	struct str all cleanup_str = STR_INIT;

	if (!parts->count)
		return NULL;
	qsort(parts->items, parts->count, sizeof(*parts->items), by_bytes);
	for (size_t i = 0; i < parts->count; i++) {
		if (i && str_eq(parts->items[i], parts->items[i - 1]))
			continue;
		str_printf(&all, "%s%s", i ? " AND " : "", parts->items[i]);
	}
	return arena_strdup(arena, all.buf);
}

const char *copyright_expression(struct arena *arena, const char *file, struct licences *others)
{
	struct reading r = {.arena = arena, .others = others};
	struct strs parts = {0};
	const char *rest = file, *expression;
	char *paragraph = next_paragraph(arena, &rest);
	bool known = true;

	if (!paragraph || !is_machine_readable(arena, paragraph))
		return NULL;
	note_texts(&r, rest);
	while (known && (paragraph = next_paragraph(arena, &rest))) {
		const char *value = field(arena, paragraph, "License");

		if (!field(arena, paragraph, "Files"))
			continue;
		expression = value ? expression_of(&r, value) : NULL;
		known = expression != NULL;
		if (known)
			strs_push(&parts, expression);
	}
	expression = known ? join(arena, &parts) : NULL;
	strs_clear(&parts);
	map_clear(&r.texts);
	return expression;
}
