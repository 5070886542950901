/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoding references: to a path, a node or what it made, and to a template. */
#include "base/path.h"
#include "recipe/schema_priv.h"

/* How the text of a reference to a template begins. */
#define TEMPLATE_OPEN "{template: "

/* The path in {template: PATH}, a map in a recipe and a text in a manifest, or NULL. */
static const char *template_path(struct decode *d, const struct option *o, const struct yaml *y)
{
	const struct yaml *path = y->type == YAML_MAP ? yaml_get(y, "template") : NULL;
	const char *text = y->type == YAML_SCALAR ? str_skip(y->text, TEMPLATE_OPEN) : NULL;
	size_t len = text ? strlen(text) : 0;

	if (!(o->accept & ACCEPT_TEMPLATE) || y->refused)
		return NULL;
	if (path && y->count == 1 && path->type == YAML_SCALAR)
		return path->text;
	if (len && text[len - 1] == '}')
		return arena_strndup(d->arena, text, len - 1);
	return o->accept == ACCEPT_TEMPLATE && y->type == YAML_SCALAR ? y->text : NULL;
}

static void decode_template(struct decode *d, const struct option *o, const struct yaml *y,
			    const char *path, struct ref **ret)
{
	const struct yaml *at = y->type == YAML_MAP ? yaml_get(y, "template") : y;
	const char *why;

	if (decode_refuse_values(d, "template", at))
		return;
	if (!path_is_project(path, &why)) {
		err_list_at(d->errors, E_INVALID_PATH, y->pos,
			    "path '%s' %s: paths are relative to the project's root", path, why);
		return;
	}
	*ret = arena_alloc(d->arena, sizeof(**ret));
	**ret = (struct ref){.text = arena_printf(d->arena, TEMPLATE_OPEN "%s}", path),
			     .template = path,
			     .pos = y->pos,
			     .accept = o->accept};
}

/* What a row takes, for "'inputs' is WORDS, found a map". */
static const char *reference_words(const struct option *o)
{
	if (o->accept == ACCEPT_PATH || o->accept == ACCEPT_TEMPLATE)
		return "a path";
	return o->accept & ACCEPT_TEMPLATE ? "a reference or {template: path}" : "a reference";
}

void decode_ref(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	const char *template = template_path(d, o, y);
	struct ref *r;

	if (template && *template) {
		decode_template(d, o, y, template, field);
		return;
	}
	if (!decode_given(d, o->name, reference_words(o), y))
		return;
	if (!*y->text) {
		err_list_at(d->errors, E_EMPTY_VALUE, y->pos, "'%s' is empty", o->name);
		return;
	}
	r = arena_alloc(d->arena, sizeof(*r));
	r->text = y->text;
	r->pos = y->pos;
	r->accept = o->accept;
	r->later = o->flags & OPT_LATER;
	r->type = decode_is_one_of(y->text, o->words) ? REF_WORD : REF_UNRESOLVED;
	*(struct ref **)field = r;
}
