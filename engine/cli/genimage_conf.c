/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/genimage_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DEPTH_MAX 8

struct lexer {
	const char *file, *p;
	unsigned line;
	struct str word; /* the token: a text, or one of {}=,() */
	bool text;       /* it is a text, whatever it looks like */
	bool end;
};

static int wrong(const struct lexer *l, const char *what, struct err **err)
{
	return err_at(err, E_INVALID_VALUE, (struct pos){l->file, l->line, 1}, "%s", what);
}

static void skip_space(struct lexer *l)
{
	while (*l->p) {
		if (*l->p == '#' || (l->p[0] == '/' && l->p[1] == '/')) {
			l->p += strcspn(l->p, "\n");
		} else if (l->p[0] == '/' && l->p[1] == '*') {
			const char *stop = strstr(l->p, "*/");

			for (; *l->p && l->p != stop; l->p++)
				l->line += *l->p == '\n';
			l->p += stop ? 2 : 0;
		} else if (isspace((unsigned char)*l->p)) {
			l->line += *l->p++ == '\n';
		} else {
			return;
		}
	}
}

/* "${NAME}" and "${NAME:-other}" stand for a variable of the environment, as with libConfuse. */
static bool variable(struct lexer *l)
{
	const char *end = l->p[0] == '$' && l->p[1] == '{' ? strchr(l->p, '}') : NULL;
	char *name cleanup_free = end ? xstrndup(l->p + 2, (size_t)(end - l->p - 2)) : NULL;
	char *other = name ? strstr(name, ":-") : NULL;
	const char *value;

	if (!name || strpbrk(name, "\n\"'"))
		return false;
	if (other)
		*other = 0;
	value = getenv(name);
	str_append(&l->word, value ? value : other ? other + 2 : "");
	l->p = end + 1;
	return true;
}

static int quoted(struct lexer *l, struct err **err)
{
	char quote = *l->p++;

	while (*l->p && *l->p != quote) {
		if (quote == '"' && variable(l))
			continue;
		l->line += *l->p == '\n';
		if (*l->p == '\\' && l->p[1])
			l->p++;
		str_append_char(&l->word, *l->p++);
	}
	return *l->p++ ? 0 : wrong(l, "a text does not end", err);
}

static int next(struct lexer *l, struct err **err)
{
	str_clear(&l->word);
	skip_space(l);
	l->text = false;
	l->end = !*l->p;
	if (l->end)
		return 0;
	if (*l->p == '"' || *l->p == '\'') {
		l->text = true;
		return quoted(l, err);
	}
	if (l->p[0] == '+' && l->p[1] == '=')
		l->p++;
	if (strchr("{}=,()", *l->p)) {
		str_append_char(&l->word, *l->p++);
		return 0;
	}
	l->text = true;
	while (*l->p && !isspace((unsigned char)*l->p) && !strchr("{}=,()#\"'", *l->p))
		if (!variable(l))
			str_append_char(&l->word, *l->p++);
	return 0;
}

static bool is_sign(const struct lexer *l, char sign)
{
	return !l->end && !l->text && l->word.buf && l->word.buf[0] == sign;
}

static const char *text_of(const struct lexer *l)
{
	return l->word.buf ? l->word.buf : "";
}

/* What stands between two signs, commas or none between them. */
static int read_list(struct lexer *l, char stop, struct strv *ret, struct err **err)
{
	for (;;) {
		if (next(l, err) < 0)
			return -1;
		if (l->end)
			return wrong(l, "a list does not end", err);
		if (is_sign(l, stop))
			return next(l, err);
		if (l->text)
			strv_push(ret, text_of(l));
	}
}

static int read_value(struct lexer *l, struct conf_item *c, struct err **err)
{
	if (next(l, err) < 0)
		return -1;
	if (is_sign(l, '{'))
		return read_list(l, '}', &c->values, err);
	if (!l->text)
		return wrong(l, "a value is missing", err);
	strv_push(&c->values, text_of(l));
	return next(l, err);
}

static int read_items(struct lexer *l, struct conf_item *into, unsigned depth, struct err **err);

/* Behind the key: what kind of item it is. */
static int read_rest(struct lexer *l, struct conf_item *c, unsigned depth, struct err **err)
{
	if (is_sign(l, '='))
		return read_value(l, c, err);
	if (is_sign(l, '('))
		return read_list(l, ')', &c->values, err);
	if (l->text && !l->end) {
		c->title = xstrdup(text_of(l));
		if (next(l, err) < 0)
			return -1;
	}
	if (!is_sign(l, '{'))
		return wrong(l, "a key has neither a value nor a section", err);
	c->section = true;
	return next(l, err) < 0 ? -1 : read_items(l, c, depth + 1, err);
}

static int read_items(struct lexer *l, struct conf_item *into, unsigned depth, struct err **err)
{
	if (depth > DEPTH_MAX)
		return wrong(l, "sections are nested too deeply", err);
	while (!l->end && !is_sign(l, '}')) {
		struct conf_item *c;

		if (!l->text)
			return wrong(l, "a key is expected", err);
		into->items = xrealloc(into->items, (into->count + 1) * sizeof(*into->items));
		c = &into->items[into->count++];
		*c = (struct conf_item){.key = xstrdup(text_of(l)), .line = l->line};
		if (next(l, err) < 0 || read_rest(l, c, depth, err) < 0)
			return -1;
	}
	if (depth && l->end)
		return wrong(l, "a section does not end", err);
	if (!depth && !l->end)
		return wrong(l, "a '}' closes nothing", err);
	return depth ? next(l, err) : 0;
}

int genimage_parse(const char *file, const char *text, struct conf_item *ret, struct err **err)
{
	struct lexer l = {.file = file, .p = text, .line = 1};
	int rc = next(&l, err);

	if (rc == 0)
		rc = read_items(&l, ret, 0, err);
	str_release(&l.word);
	return rc;
}

void conf_item_clear(struct conf_item *c)
{
	for (size_t i = 0; i < c->count; i++)
		conf_item_clear(&c->items[i]);
	free(c->items);
	free(c->key);
	free(c->title);
	strv_clear(&c->values);
	*c = (struct conf_item){0};
}
