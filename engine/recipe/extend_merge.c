/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of a recipe over those of what it extends: merge, `add`, `drop`. */
#include "recipe/extend.h"

struct merging {
	struct arena *arena;
	struct err_list *errors;
	const char *of; /* the node or file that is extended, for messages */
};

/* `add` or `drop` of what is called IN; OWN is what the recipe itself says there, or NULL. */
typedef void change_fn(struct merging *m, const struct schema *schema, const char *in,
		       struct yaml *base, const struct yaml *delta, const struct yaml *own);

/* ---- what there is ---- */

static size_t index_of(const struct yaml *map, const char *key)
{
	size_t i = 0;

	while (i < map->count && !str_eq(map->keys[i]->text, key))
		i++;
	return i;
}

static const struct option *row_of(const struct schema *schema, const char *key)
{
	return schema ? schema_option(schema, key) : NULL;
}

/* Of the map, or of the maps in the list, that is the value of KEY; NULL: not known. */
static const struct schema *below(const struct schema *schema, const char *key)
{
	const struct option *o = row_of(schema, key);

	return o && o->type == OPT_STRUCT ? o->sub : NULL;
}

/* A single value that stands for a list of one becomes that list. */
static struct yaml *as_list(struct merging *m, const struct schema *schema, const char *key,
			    struct yaml *y)
{
	const struct option *o = row_of(schema, key);
	struct yaml *list;

	if (!o || !(o->flags & OPT_LIST) || o->type == OPT_DICT || y->type == YAML_LIST)
		return y;
	list = yaml_new(m->arena, YAML_LIST, y->pos);
	yaml_push(m->arena, list, y);
	return list;
}

static const char *name_of(const struct yaml *y)
{
	const struct yaml *name = y->type == YAML_MAP ? yaml_get(y, "name") : NULL;

	return name && name->type == YAML_SCALAR ? name->text : NULL;
}

/* ---- what there is not ---- */

/* Nothing in Y, which is called IN (NULL: the recipe), is called NAME. VERB: " to add to". */
static void missing(struct merging *m, const struct yaml *y, const char *in, struct pos pos,
		    const char *name, const char *verb)
{
	struct str where cleanup_str = STR_INIT;
	struct strs names = {0};
	const char *near;

	for (size_t i = 0; i < y->count; i++) {
		const struct yaml *it = y->type == YAML_MAP ? y->keys[i] : y->items[i];
		const char *known = it->type == YAML_SCALAR ? it->text : name_of(it);

		if (known)
			strs_push(&names, known);
	}
	near = str_nearest(name, names.items, names.count);
	strs_clear(&names);
	if (in)
		str_printf(&where, " in '%s'", in);
	str_append(&where, verb);
	if (near)
		err_list_at(m->errors, E_OVERRIDE_UNKNOWN, pos,
			    "'%s' has no '%s'%s: did you mean '%s'?", m->of, name, where.buf, near);
	else
		err_list_at(m->errors, E_OVERRIDE_UNKNOWN, pos, "'%s' has no '%s'%s%s", m->of, name,
			    where.len ? where.buf : "", *verb ? ": write it without 'add'" : "");
}

/* The thing in LIST, which is called IN, with the name KEY; NULL after an error. */
static struct yaml *thing(struct merging *m, const struct yaml *list, const char *in,
			  const struct yaml *key)
{
	struct yaml *found = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const char *name = name_of(list->items[i]);

		if (!name || !str_eq(name, key->text))
			continue;
		if (found) {
			err_list_at(m->errors, E_OVERRIDE_AMBIGUOUS, key->pos,
				    "'%s' has several '%s' in '%s': write the whole list", m->of,
				    key->text, in);
			return NULL;
		}
		found = list->items[i];
	}
	if (!found)
		missing(m, list, in, key->pos, key->text, "");
	return found;
}

/* ---- keys over keys ---- */

static struct yaml *merge(struct merging *m, const struct schema *schema, const char *key,
			  struct yaml *base, struct yaml *own);

/* A new mistake in a merged map comes from what was changed: it is where that is written. */
static void merge_maps(struct merging *m, const struct schema *schema, struct yaml *base,
		       const struct yaml *own)
{
	base->pos = own->pos;
	for (size_t i = 0; i < own->count; i++) {
		const struct yaml *key = own->keys[i];
		size_t k = index_of(base, key->text);

		if (k == base->count) {
			yaml_put(m->arena, base, key->text, key->pos, own->items[i]);
			continue;
		}
		base->keys[k] = own->keys[i];
		base->items[k] = merge(m, schema, key->text, base->items[k], own->items[i]);
	}
}

/* The maps in OWN over the things in LIST that they name. */
static void merge_things(struct merging *m, const struct schema *schema, const char *in,
			 const struct yaml *list, const struct yaml *own)
{
	for (size_t i = 0; i < own->count; i++) {
		struct yaml *found = thing(m, list, in, own->keys[i]);

		if (found && own->items[i]->type == YAML_MAP)
			merge_maps(m, schema, found, own->items[i]);
		else if (found)
			err_list_at(m->errors, E_OVERRIDE_FORM, own->items[i]->pos,
				    "over '%s' in '%s' stands a map of the keys that differ",
				    own->keys[i]->text, in);
	}
}

static struct yaml *merge(struct merging *m, const struct schema *schema, const char *key,
			  struct yaml *base, struct yaml *own)
{
	if (own->type != YAML_MAP)
		return own;
	base = as_list(m, schema, key, base);
	if (base->type == YAML_SCALAR)
		return own;
	if (base->type == YAML_LIST)
		merge_things(m, below(schema, key), key, base, own);
	else
		merge_maps(m, below(schema, key), base, own);
	return base;
}

/* ---- add and drop ---- */

/* FN for each key of DELTA, all of which BASE, a map, must have. */
static void change_keys(struct merging *m, const struct schema *schema, const char *in,
			struct yaml *base, const struct yaml *delta, const struct yaml *own,
			const char *verb, change_fn *fn)
{
	for (size_t i = 0; i < delta->count; i++) {
		const struct yaml *key = delta->keys[i];
		const struct yaml *said = own ? yaml_get(own, key->text) : NULL;
		size_t k = index_of(base, key->text);

		if (said && said->type != YAML_MAP) {
			err_list_at(m->errors, E_OVERRIDE_AMBIGUOUS, key->pos,
				    "'%s' is replaced on line %u: change it there", key->text,
				    said->pos.line);
		} else if (k == base->count) {
			missing(m, base, in, key->pos, key->text, verb);
		} else {
			base->items[k] = as_list(m, schema, key->text, base->items[k]);
			fn(m, below(schema, key->text), key->text, base->items[k], delta->items[i],
			   said);
		}
	}
}

/* FN for each thing of BASE, a list, that DELTA names. */
static void change_things(struct merging *m, const struct schema *schema, const char *in,
			  const struct yaml *base, const struct yaml *delta, const struct yaml *own,
			  change_fn *fn)
{
	for (size_t i = 0; i < delta->count; i++) {
		const struct yaml *key = delta->keys[i];
		struct yaml *found = thing(m, base, in, key);

		if (found)
			fn(m, schema, key->text, found, delta->items[i],
			   own ? yaml_get(own, key->text) : NULL);
	}
}

static void add(struct merging *m, const struct schema *schema, const char *in, struct yaml *base,
		const struct yaml *delta, const struct yaml *own)
{
	if (base->type == YAML_MAP && delta->type == YAML_MAP)
		change_keys(m, schema, in, base, delta, own, " to add to", add);
	else if (base->type == YAML_MAP)
		err_list_at(m->errors, E_OVERRIDE_FORM, delta->pos,
			    "'%s' is a map of the lists that get more: write 'add: {packages: "
			    "[gdb]}', and new keys without 'add'",
			    in ? in : "add");
	else if (base->type == YAML_SCALAR)
		err_list_at(m->errors, E_OVERRIDE_FORM, delta->pos,
			    "'%s' of '%s' is not a list: write it without 'add' to replace it", in,
			    m->of);
	else if (delta->type == YAML_MAP)
		change_things(m, schema, in, base, delta, own, add);
	else if (delta->type == YAML_SCALAR)
		yaml_push(m->arena, base, (struct yaml *)delta);
	else
		for (size_t i = 0; i < delta->count; i++)
			yaml_push(m->arena, base, delta->items[i]);
}

static void drop_key(struct merging *m, struct yaml *map, const char *in, const struct yaml *key)
{
	if (!yaml_take(map, key->text))
		missing(m, map, in, key->pos, key->text, "");
}

/* What is like ENTRY, or has its text as a name. */
static void drop_entry(struct merging *m, struct yaml *list, const char *in,
		       const struct yaml *entry)
{
	size_t kept = 0, count = list->count;

	for (size_t i = 0; i < count; i++) {
		struct yaml *item = list->items[i];
		const char *name = entry->type == YAML_SCALAR ? name_of(item) : NULL;

		if (!yaml_eq(item, entry) && !(name && str_eq(name, entry->text)))
			list->items[kept++] = item;
	}
	list->count = kept;
	if (kept < count)
		return;
	if (entry->type == YAML_SCALAR)
		missing(m, list, in, entry->pos, entry->text, "");
	else
		err_list_at(m->errors, E_OVERRIDE_UNKNOWN, entry->pos,
			    "'%s' has no such entry in '%s'", m->of, in);
}

static void drop(struct merging *m, const struct schema *schema, const char *in, struct yaml *base,
		 const struct yaml *delta, const struct yaml *own)
{
	if (base->type == YAML_SCALAR) {
		err_list_at(m->errors, E_OVERRIDE_FORM, delta->pos,
			    "'%s' of '%s' is a single value: name its key to drop it ([%s])", in,
			    m->of, in);
	} else if (delta->type == YAML_MAP && base->type == YAML_MAP) {
		change_keys(m, schema, in, base, delta, own, "", drop);
	} else if (delta->type == YAML_MAP) {
		change_things(m, schema, in, base, delta, own, drop);
	} else if (delta->type == YAML_LIST) {
		for (size_t i = 0; i < delta->count; i++) {
			const struct yaml *item = delta->items[i];

			if (base->type == YAML_LIST)
				drop_entry(m, base, in, item);
			else
				drop(m, schema, in, base, item, own);
		}
	} else if (base->type == YAML_LIST) {
		drop_entry(m, base, in, delta);
	} else {
		drop_key(m, base, in, delta);
	}
}

/* ---- layers ---- */

/* OWN, a layer, over BASE. */
static void lay_over(struct merging *m, const struct schema *schema, struct yaml *base,
		     struct yaml *own)
{
	const struct yaml *more = yaml_take(own, "add"), *less = yaml_take(own, "drop");

	if (less)
		drop(m, schema, NULL, base, less, own);
	merge_maps(m, schema, base, own);
	if (more)
		add(m, schema, NULL, base, more, own);
}

static void refuse_changes(struct yaml *map, struct err_list *errors)
{
	static const char *const words[] = {"add", "drop"};

	for (size_t i = 0; i < array_len(words); i++) {
		size_t k = index_of(map, words[i]);

		if (k < map->count)
			err_list_at(errors, E_OVERRIDE_FORM, map->keys[k]->pos,
				    "'%s' changes what 'extends' brings, and nothing is extended",
				    words[i]);
		yaml_take(map, words[i]);
	}
}

struct yaml *layers_merge(struct arena *arena, struct layers *layers, const struct schema *schema,
			  struct err_list *errors)
{
	struct yaml *map = layers->items[layers->count - 1].map;

	for (size_t i = 0; i < layers->count; i++) {
		yaml_take(layers->items[i].map, "identity");
		yaml_take(layers->items[i].map, "kind");
	}
	refuse_changes(map, errors);
	for (size_t i = layers->count - 1; i-- > 0;) {
		const struct layer *base = &layers->items[i + 1];
		struct merging m = {.arena = arena,
				    .errors = errors,
				    .of = base->node ? base->node : base->file};

		lay_over(&m, schema, map, layers->items[i].map);
	}
	return map;
}
