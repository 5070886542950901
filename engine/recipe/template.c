/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/template.h"

#include "recipe/facts.h"

struct filling {
	struct arena *arena;
	const struct project *project;
	struct err_list *errors;
	struct value_refs *values;
	size_t filled;  /* bytes so far */
	struct pos pos; /* of what was read last */
};

/* The value of the variable NAME, or NULL after an error. */
static const char *variable(struct filling *f, const char *name)
{
	const struct map *vars = &f->project->vars;
	const char *value = map_get(vars, name), *near;
	const char **names cleanup_free = NULL;
	size_t count = 0;

	if (value && !strchr(name, '.'))
		return value;
	names = xcalloc(vars->count + 1, sizeof(*names));
	for (size_t i = 0; i < vars->count; i++)
		if (!strchr(vars->entries[i].key, '.')) /* those with a dot are not from 'vars' */
			names[count++] = vars->entries[i].key;
	near = str_nearest(name, names, count);
	err_list_at(f->errors, E_UNKNOWN_VARIABLE, f->pos,
		    "'vars' of project.yaml has no '%s'%s%s%s", name,
		    near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}

/* The value NAME, whose place is taken by it when it is known; NULL: it is none. */
static const char *waiting(struct filling *f, const char *name)
{
	struct value_ref ref = {.pos = f->pos, .at = f->filled};
	const char *text;

	if (value_name(f->arena, name, strlen(name), &ref))
		return NULL;
	text = arena_printf(f->arena, "{{%s}}", name);
	ref.len = strlen(text);
	value_refs_push(f->values, ref);
	return text;
}

/* What NAME, which stood between {{ and }}, is replaced by, or NULL after an error. */
static const char *value_of(struct filling *f, const char *name)
{
	const char *var = str_skip(name, "vars."), *text;

	if (strchr(name, '#') && !strpbrk(name, "${}"))
		return facts_expand(f->project->facts, f->pos, name, f->errors);
	if (str_eq(name, "project.version"))
		return f->project->version ? f->project->version : "";
	if (var)
		return variable(f, var);
	text = waiting(f, name);
	if (!text)
		err_list_at(f->errors, E_TEMPLATE_SYNTAX, f->pos,
			    "'{{%s}}' is not a name: {{node#fact}}, {{node:output}}, "
			    "{{project.version}} and {{vars.name}} are",
			    name);
	return text;
}

/* The name at AT, which is "{{name}}" within a line of LEN bytes; NULL: there is no end. */
static const char *name_at(struct filling *f, const char *at, size_t len, size_t *ret_len)
{
	const char *line_end = memchr(at, '\n', len);
	size_t line = line_end ? (size_t)(line_end - at) : len;
	const char *end = memmem(at, line, "}}", 2), *begin = at + 2;

	if (!end)
		return NULL;
	*ret_len = (size_t)(end - at) + 2;
	while (begin < end && *begin == ' ')
		begin++;
	while (end > begin && end[-1] == ' ')
		end--;
	return arena_strndup(f->arena, begin, (size_t)(end - begin));
}

/* Moves the position from FROM on to TO. */
static void move(struct filling *f, const char *from, const char *to)
{
	for (; from < to; from++) {
		if (*from == '\n') {
			f->pos.line++;
			f->pos.col = 1;
		} else if ((*from & 0xc0) != 0x80) { /* not in the middle of a character */
			f->pos.col++;
		}
	}
}

int template_fill(struct arena *arena, const struct project *project, const char *file,
		  const char *text, size_t len, struct str *ret, struct value_refs *ret_values,
		  struct err_list *errors)
{
	struct filling f = {arena, project, errors, ret_values, 0, {file, 1, 1}};
	const char *end = text + len, *at;
	size_t before = errors->count, taken;

	while ((at = memmem(text, (size_t)(end - text), "{{", 2))) {
		const char *name, *value;

		str_append_len(ret, text, (size_t)(at - text));
		move(&f, text, at);
		name = name_at(&f, at, (size_t)(end - at), &taken);
		if (!name) {
			err_list_at(errors, E_TEMPLATE_SYNTAX, f.pos,
				    "'{{' has no '}}' in its line");
			taken = 2;
		}
		f.filled = ret->len;
		value = name ? value_of(&f, name) : NULL;
		str_append(ret, value ? value : "");
		if (ret->len > TEMPLATE_FILLED_MAX_BYTES) {
			err_list_at(errors, E_TOO_LARGE, f.pos,
				    "the template grows to more than %d bytes",
				    TEMPLATE_FILLED_MAX_BYTES);
			return 1;
		}
		text = at + taken;
		move(&f, at, text);
	}
	str_append_len(ret, text, (size_t)(end - text));
	return errors->count > before;
}
