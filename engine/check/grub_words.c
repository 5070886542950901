/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>

#include "base/str.h"
#include "check/grub_priv.h"

#define MAX_VALUE 4096

const char *grub_get(const struct grub_vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->count; i++)
		if (str_eq(vars->items[i].name, name))
			return vars->items[i].value;
	return "";
}

void grub_set(struct grub_vars *vars, const char *name, const char *value)
{
	for (size_t i = 0; i < vars->count; i++)
		if (str_eq(vars->items[i].name, name)) {
			vars->items[i].value = value;
			return;
		}
	grub_vars_push(vars, (struct grub_var){name, value});
}

/* The bytes of the word at P; 0: it does not end. */
static size_t word_length(const char *p)
{
	char quote = 0;
	size_t n = 0;

	for (; p[n] && (quote || !strchr(" \t;", p[n])); n++) {
		if (quote ? p[n] == quote : p[n] == '"' || p[n] == '\'')
			quote = quote ? 0 : p[n];
		else if (p[n] == '\\' && quote != '\'' && p[n + 1])
			n++;
	}
	return quote ? 0 : n;
}

bool grub_is_carried_on(const char *line)
{
	size_t end = strlen(line), first = end;

	for (const char *p = line; *(p += strspn(p, " \t;"));) {
		size_t n = word_length(p);

		if (*p == '#')
			return false;
		p += n ? n : strlen(p);
	}
	while (first && line[first - 1] == '\\')
		first--;
	return (end - first) % 2;
}

bool grub_tokens_of(struct arena *a, const char *text, unsigned line, struct grub_tokens *ret)
{
	const char *p = text + strspn(text, " \t");
	size_t n;

	for (; *p && *p != '#'; p += strspn(p, " \t")) {
		n = *p == ';' ? 1 : word_length(p);
		if (!n)
			return false;
		grub_tokens_push(ret, (struct grub_token){arena_strndup(a, p, n), line});
		p += n;
	}
	grub_tokens_push(ret, (struct grub_token){";", line});
	return true;
}

/* A word that is being put together. */
struct field {
	struct grub *g;
	struct str text;
	bool any; /* it is one even when nothing is in it */
	struct strs *to;
};

static void field_end(struct field *f)
{
	grub_work(f->g, f->text.len + 1);
	if ((f->any || f->text.len) && !f->g->over)
		strs_push(f->to, arena_strndup(f->g->run->arena, f->text.buf ? f->text.buf : "",
					       f->text.len));
	str_clear(&f->text);
	f->any = false;
}

/* Without quotes a value is several words where it has spaces. */
static void field_value(struct field *f, const char *value, bool quoted)
{
	for (; *value && !f->g->over; value++) {
		if (!quoted && isspace((unsigned char)*value))
			field_end(f);
		else
			str_append_char(&f->text, *value);
	}
}

/* The variable at P, behind the '$'; *ret_name is in the arena. The bytes it takes, or 0. */
static size_t variable(struct arena *a, const char *p, const char **ret_name)
{
	bool braces = *p == '{';
	const char *name = p + braces;
	size_t n = 0;

	if (strchr("?#@*", *name) && *name)
		n = 1;
	while (!n && (isalnum((unsigned char)name[n]) || name[n] == '_'))
		for (n = 1; isalnum((unsigned char)name[n]) || name[n] == '_';)
			n++;
	if (!n || (braces && name[n] != '}'))
		return 0;
	*ret_name = arena_strndup(a, name, n);
	return n + 2 * braces;
}

void grub_expand(struct grub *g, const char *word, struct strs *ret)
{
	struct field f = {.g = g, .text = STR_INIT, .to = ret};
	struct arena *arena = g->run->arena;
	const char *name;
	char quote = 0;
	size_t n;

	for (const char *p = word; *p && !g->over && f.text.len < MAX_VALUE; p++) {
		if (quote ? *p == quote : *p == '"' || *p == '\'') {
			quote = quote ? 0 : *p;
			f.any = true;
		} else if (*p == '\\' && p[1] && quote != '\'' &&
			   (!quote || strchr("\\\"$", p[1]))) {
			str_append_char(&f.text, *++p);
		} else if (*p == '$' && quote != '\'' && (n = variable(arena, p + 1, &name))) {
			field_value(&f, grub_get(&g->vars, name), quote);
			p += n;
		} else {
			str_append_char(&f.text, *p);
		}
	}
	if (f.text.len >= MAX_VALUE)
		grub_unknown(g, arena_strndup(arena, word, 32));
	field_end(&f);
	str_release(&f.text);
}
