/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoding maps that have one of several forms. */
#include "recipe/schema_priv.h"

static const struct form *form_named(const struct forms *forms, const char *name)
{
	for (const struct form *const *f = forms->all; *f; f++)
		if (str_eq((*f)->name, name))
			return *f;
	return NULL;
}

/* Whether each key of MAP that is the name of a form is a key of F, and one is F's. */
static bool form_covers(const struct forms *forms, const struct form *f, const struct yaml *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *key = map->keys[i]->text;

		if (form_named(forms, key) && !schema_option(f->schema, key))
			return false;
	}
	return yaml_get(map, f->name) != NULL;
}

static bool has_key(const struct forms *forms, const char *key)
{
	for (const struct form *const *f = forms->all; *f; f++)
		if (schema_option((*f)->schema, key))
			return true;
	return false;
}

static bool has_text(const struct strs *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++)
		if (str_eq(v->items[i], text))
			return true;
	return false;
}

/* The keys of F, or, with F NULL, of all forms, each once. */
static void form_names(const struct forms *forms, const struct form *f, struct strs *ret)
{
	for (const struct form *const *g = forms->all; *g; g++) {
		const struct schema *schema = (*g)->schema;

		for (size_t i = 0; i < schema->count && (!f || *g == f); i++)
			if (schema->options[i].type != OPT_GONE &&
			    !has_text(ret, schema->options[i].name))
				strs_push(ret, schema->options[i].name);
	}
}

/* Reports keys of MAP that F does not have, or, with F NULL, no form has. */
static void check_keys(struct decode *d, const struct forms *forms, const struct form *f,
		       const struct yaml *map)
{
	struct strs names = {0};

	form_names(forms, f, &names);
	for (size_t i = 0; i < map->count; i++) {
		const char *key = map->keys[i]->text;
		bool known = has_key(forms, key);

		if (!known)
			decode_unknown_key(d, &names, NULL, map->keys[i]);
		else if (f && !schema_option(f->schema, key))
			err_list_at(d->errors, E_CONFLICTING_KEYS, map->items[i]->pos,
				    "'%s' does not go with '%s'", key, f->name);
	}
	strs_clear(&names);
}

/* No form covers MAP. */
static void no_form(struct decode *d, const struct forms *forms, const struct yaml *map)
{
	struct str found cleanup_str = STR_INIT;
	size_t before = d->errors->count;

	for (size_t i = 0; i < map->count; i++)
		if (form_named(forms, map->keys[i]->text))
			str_printf(&found, "%s'%s'", found.len ? ", " : "", map->keys[i]->text);
	check_keys(d, forms, NULL, map);
	if (found.len || d->errors->count == before)
		err_list_at(d->errors, E_CONFLICTING_KEYS, map->pos,
			    "a %s has exactly one %s, this one has %s", forms->noun, forms->part,
			    found.len ? found.buf : "none");
}

/* The values of MAP by F; keys that it does not have are reported already. */
static void *decode_values(struct decode *d, const struct form *f, const struct yaml *map)
{
	const char **foreign cleanup_free = xcalloc(map->count + 1, sizeof(*foreign));
	size_t count = 0;

	for (size_t i = 0; i < map->count; i++)
		if (!schema_option(f->schema, map->keys[i]->text))
			foreign[count++] = map->keys[i]->text;
	return decode_map(d, f->schema, map, foreign);
}

void decode_form(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	const struct form *const *f = o->forms->all;
	struct formed *ret;

	if (y->type != YAML_MAP) {
		err_list_at(d->errors, E_WRONG_TYPE, y->pos, "'%s' must be %s, not %s", o->name,
			    decode_map_name(o), decode_type_name(y));
		return;
	}
	while (*f && !form_covers(o->forms, *f, y))
		f++;
	if (!*f) {
		no_form(d, o->forms, y);
		return;
	}
	check_keys(d, o->forms, *f, y);
	ret = arena_alloc(d->arena, sizeof(*ret));
	*ret = (struct formed){y->pos, *f, decode_values(d, *f, y)};
	if (ret->data)
		*(struct formed **)field = ret;
}
