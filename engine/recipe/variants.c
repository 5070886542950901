/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/variants.h"

#include "base/map.h"

#define EXCLUDE "exclude"

struct reading {
	struct arena *arena;
	struct variants *v;
	struct err_list *errors;
	const struct yaml **axes; /* the map of each */
	const struct yaml *exclude;
	struct map values; /* names of values -> not NULL */
};

static bool is_map(struct reading *r, const struct yaml *y, const char *what)
{
	if (y->type == YAML_MAP)
		return true;
	err_list_at(r->errors, E_WRONG_TYPE, y->pos, "%s", what);
	return false;
}

/* A value of an axis: its name, and a map of texts. */
static void take_value(struct reading *r, const struct yaml *key, const struct yaml *set)
{
	if (!name_valid(key->text))
		err_list_at(r->errors, E_INVALID_NAME, key->pos,
			    "'%s' becomes part of nodes' names: use A-Z a-z 0-9 . _ + -",
			    key->text);
	else if (map_set(&r->values, key->text, (void *)key))
		err_list_at(r->errors, E_DUPLICATE_NAME, key->pos,
			    "'%s' is a value of two axes: nodes are called after values, so give "
			    "one another name",
			    key->text);
	if (!is_map(r, set, "a value of an axis is a map of variables, {} for none"))
		return;
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i]->type != YAML_SCALAR)
			err_list_at(r->errors, E_WRONG_TYPE, set->items[i]->pos,
				    "variable '%s' is a text", set->keys[i]->text);
}

static void take_axis(struct reading *r, const struct yaml *key, const struct yaml *map)
{
	struct axis *a = arena_alloc(r->arena, sizeof(*a));
	const char **values;
	size_t count = r->v->axes.count;

	if (!name_valid(key->text) || strchr(key->text, '.')) {
		err_list_at(r->errors, E_INVALID_NAME, key->pos,
			    "'%s' is not the name of an axis: it is a variable, too: use letters, "
			    "digits, _ and -",
			    key->text);
		return;
	}
	if (!is_map(r, map, "an axis is a map: name of a value: its variables"))
		return;
	if (!map->count)
		err_list_at(r->errors, E_EMPTY_VALUE, map->pos,
			    "axis '%s' has no value: leave it out, or name one", key->text);
	values = arena_alloc(r->arena, (map->count + 1) * sizeof(*values));
	a->name = key->text;
	a->values.items = values;
	r->axes[count] = map;
	((struct axis **)r->v->axes.items)[count] = a;
	for (size_t i = 0; i < map->count; i++) {
		take_value(r, map->keys[i], map->items[i]);
		values[a->values.count++] = map->keys[i]->text;
	}
	if (map->count)
		r->v->axes.count++;
}

static const struct axis *axis_named(const struct reading *r, const char *name, size_t *ret_index)
{
	for (size_t i = 0; i < r->v->axes.count; i++) {
		const struct axis *a = LIST_AT(r->v->axes, struct axis *, i);

		*ret_index = i;
		if (str_eq(a->name, name))
			return a;
	}
	return NULL;
}

static void unknown_axis(const struct reading *r, const struct yaml *key)
{
	const char *near = NULL;

	for (size_t i = 0; !near && i < r->v->axes.count; i++)
		near = str_nearest(key->text, &LIST_AT(r->v->axes, struct axis *, i)->name, 1);
	err_list_at(r->errors, E_UNKNOWN_VARIANT, key->pos,
		    "'%s' is not an axis of 'variants'%s%s%s", key->text,
		    near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* "NAME: VALUE" of an entry of `exclude`. */
static void check_excluded(struct reading *r, const struct yaml *key, const struct yaml *value)
{
	size_t index;
	const struct axis *a = axis_named(r, key->text, &index);
	const char *near;

	if (!a) {
		unknown_axis(r, key);
		return;
	}
	if (value->type == YAML_SCALAR && yaml_get(r->axes[index], value->text))
		return;
	near = value->type == YAML_SCALAR
		       ? str_nearest(value->text, a->values.items, a->values.count)
		       : NULL;
	err_list_at(r->errors, E_UNKNOWN_VARIANT, value->pos, "axis '%s' has no value '%s'%s%s%s",
		    a->name, value->type == YAML_SCALAR ? value->text : "",
		    near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void check_exclude(struct reading *r)
{
	const struct yaml *list = r->exclude;

	if (!list)
		return;
	if (list->type != YAML_LIST) {
		err_list_at(r->errors, E_WRONG_TYPE, list->pos,
			    "'" EXCLUDE "' is a list of maps like {board: pc, flavour: dev}");
		r->exclude = NULL;
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml *y = list->items[i];

		if (!is_map(r, y, "what is excluded is a map like {board: pc, flavour: dev}"))
			continue;
		if (!y->count)
			err_list_at(r->errors, E_EMPTY_VALUE, y->pos,
				    "this excludes every variant: name values of axes");
		for (size_t k = 0; k < y->count; k++)
			check_excluded(r, y->keys[k], y->items[k]);
	}
}

/* Whether all that Y names are values of V. */
static bool excludes(const struct reading *r, const struct yaml *y, const struct variant *v)
{
	size_t index;

	for (size_t i = 0; y->type == YAML_MAP && i < y->count; i++)
		if (!axis_named(r, y->keys[i]->text, &index) || y->items[i]->type != YAML_SCALAR ||
		    !str_eq(v->values[index], y->items[i]->text))
			return false;
	return y->type == YAML_MAP && y->count;
}

static bool is_excluded(const struct reading *r, const struct variant *v)
{
	for (size_t i = 0; r->exclude && i < r->exclude->count; i++)
		if (excludes(r, r->exclude->items[i], v))
			return true;
	return false;
}

/* The variant of number N of all that there could be. */
static struct variant *variant_at(struct reading *r, size_t n)
{
	size_t count = r->v->axes.count;
	struct variant *v = arena_alloc(r->arena, sizeof(*v));
	const char **values = arena_alloc(r->arena, count * sizeof(*values));
	const struct yaml **names = arena_alloc(r->arena, count * sizeof(*names));
	const struct yaml **sets = arena_alloc(r->arena, count * sizeof(*sets));

	for (size_t i = count; i-- > 0;) {
		const struct yaml *map = r->axes[i];

		names[i] = map->keys[n % map->count];
		values[i] = names[i]->text;
		sets[i] = map->items[n % map->count];
		n /= map->count;
	}
	v->values = values;
	v->names = names;
	v->sets = sets;
	return v;
}

static void multiply(struct reading *r, struct pos pos)
{
	struct variant **all;
	size_t total = 1;

	for (size_t i = 0; i < r->v->axes.count; i++) {
		total *= r->axes[i]->count;
		if (total <= VARIANTS_MAX)
			continue;
		err_list_at(r->errors, E_TOO_LARGE, pos, "more than %d variants", VARIANTS_MAX);
		return;
	}
	all = arena_alloc(r->arena, total * sizeof(*all));
	r->v->all.items = all;
	for (size_t i = 0; i < total; i++) {
		struct variant *v = variant_at(r, i);

		if (!is_excluded(r, v))
			all[r->v->all.count++] = v;
	}
	if (!r->v->all.count)
		err_list_at(r->errors, E_EMPTY_VALUE, r->exclude->pos,
			    "'" EXCLUDE "' leaves no variant");
}

void variants_take(struct arena *arena, struct yaml *project, struct variants *ret,
		   struct err_list *errors)
{
	struct reading r = {.arena = arena, .v = ret, .errors = errors};
	struct yaml *map = yaml_take(project, "variants");

	*ret = (struct variants){0};
	if (!map || !is_map(&r, map, "'variants' is a map: name of an axis: its values"))
		return;
	ret->axes.items = arena_alloc(arena, (map->count + 1) * sizeof(struct axis *));
	r.axes = arena_alloc(arena, (map->count + 1) * sizeof(*r.axes));
	for (size_t i = 0; i < map->count; i++) {
		if (str_eq(map->keys[i]->text, EXCLUDE))
			r.exclude = map->items[i];
		else
			take_axis(&r, map->keys[i], map->items[i]);
	}
	check_exclude(&r);
	if (ret->axes.count)
		multiply(&r, map->pos);
	map_clear(&r.values);
}

int variants_axis_of(const struct variants *v, const char *value)
{
	for (size_t i = 0; i < v->axes.count; i++) {
		const struct axis *a = LIST_AT(v->axes, struct axis *, i);

		for (size_t k = 0; k < a->values.count; k++)
			if (str_eq(LIST_AT(a->values, const char *, k), value))
				return (int)i;
	}
	return -1;
}
