/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/facts.h"

/* Facts of a circle that are shown at most. */
#define CHAIN_SHOWN 12
/* Facts that may wait for each other; each takes some of the stack. */
#define CHAIN_MAX 64

static const char *const not_options[] = {"kind", NULL};

/* A fact that somebody has asked for. */
struct known {
	const char *key; /* "NODE#NAME" */
	bool in_work;
	enum fact_result result;
	const char *text; /* KNOWN: the value; MISSING: why */
};
DEFINE_VEC(chain, struct known *)

struct facts {
	struct arena *arena;
	const struct project *project;
	const struct map *recipes;
	struct map known;        /* key -> struct known * */
	struct chain chain;      /* in work, the innermost last */
	struct err_list *errors; /* of the call from outside that goes on */
	struct pos pos;          /* of the fact that was asked for last */
};

static void clear_facts(void *facts)
{
	struct facts *f = facts;

	map_clear(&f->known);
	chain_clear(&f->chain);
}

struct facts *facts_new(struct arena *arena, const struct project *project,
			const struct map *recipes)
{
	struct facts *f = arena_alloc(arena, sizeof(*f));

	f->arena = arena;
	f->project = project;
	f->recipes = recipes;
	arena_defer(arena, clear_facts, f);
	return f;
}

struct arena *facts_arena(const struct facts *f)
{
	return f->arena;
}

const struct project *facts_project(const struct facts *f)
{
	return f->project;
}

/* "a#size -> b#size -> a#size": K is in work, and needed by what is in work after it. */
static void report_circle(struct facts *f, const struct known *k)
{
	struct str s cleanup_str = STR_INIT;
	size_t at = 0, shown = 0;

	while (f->chain.items[at] != k)
		at++;
	for (; at < f->chain.count && shown < CHAIN_SHOWN; at++, shown++)
		str_printf(&s, "%s -> ", f->chain.items[at]->key);
	if (at < f->chain.count)
		str_printf(&s, "(%zu more) -> ", f->chain.count - at);
	err_list_at(f->errors, E_REFERENCE_CYCLE, f->pos, "the facts need each other: %s%s", s.buf,
		    k->key);
}

static enum fact_result compute(struct facts *f, const struct recipe *r, const char *name,
				struct known *k)
{
	struct str text cleanup_str = STR_INIT;

	k->in_work = true;
	chain_push(&f->chain, k);
	k->result = r->kind->fact(f, r, name, &text);
	f->chain.count--;
	k->in_work = false;
	k->text = arena_strndup(f->arena, text.len ? text.buf : "", text.len);
	return k->result;
}

/* The fact NAME of R, computed when it is asked for the first time. */
static const struct known *find(struct facts *f, const struct recipe *r, const char *name)
{
	static const struct known unknown = {.result = FACT_UNKNOWN},
				  refused = {.result = FACT_REFUSED};
	const char *key = arena_printf(f->arena, "%s#%s", r->name, name);
	struct known *k = map_get(&f->known, key);

	if (!r->kind->fact)
		return &unknown;
	if (k && k->in_work) {
		report_circle(f, k);
		return &refused;
	}
	if (!k && f->chain.count == CHAIN_MAX) {
		err_list_at(f->errors, E_REFERENCE_CYCLE, f->pos,
			    "'%s' ends a chain of more than %d facts", key, CHAIN_MAX);
		return &refused;
	}
	if (!k) {
		k = arena_alloc(f->arena, sizeof(*k));
		k->key = key;
		map_set(&f->known, key, k);
		compute(f, r, name, k);
	}
	return k;
}

enum fact_result facts_of(struct facts *f, const char *node, const char *name, struct str *ret)
{
	const struct recipe *r = map_get(f->recipes, node);
	const struct known *k = r ? find(f, r, name) : NULL;

	if (!k) /* something else than a node, or a node that is wrong */
		return map_get(&f->project->unsound, node) ? FACT_REFUSED : FACT_UNKNOWN;
	if (k->text)
		str_append(ret, k->text);
	return k->result;
}

static void report_node(struct facts *f, const struct fact_ref *ref)
{
	const char **names cleanup_free = xcalloc(f->recipes->count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < f->recipes->count; i++)
		names[i] = f->recipes->entries[i].key;
	near = str_nearest(ref->node, names, f->recipes->count);
	if (near)
		err_list_at(f->errors, E_UNKNOWN_NODE, ref->pos,
			    "unknown node '%s': did you mean '%s'?", ref->node, near);
	else
		err_list_at(f->errors, E_UNKNOWN_NODE, ref->pos,
			    "unknown node '%s': a fact is ${node#fact}; write '$${' for a literal "
			    "'${'",
			    ref->node);
}

static void report_name(struct facts *f, const struct recipe *r, const struct fact_ref *ref)
{
	struct str all cleanup_str = STR_INIT;
	struct strs names = {0};
	const char *near;

	if (!r->kind->fact_names) {
		err_list_at(f->errors, E_UNKNOWN_FACT, ref->pos,
			    "'%s' is a node of kind '%s', which has no facts", ref->node,
			    r->kind->name);
		return;
	}
	r->kind->fact_names(f, r, &names);
	near = str_nearest(ref->name, names.items, names.count);
	for (size_t i = 0; i < names.count; i++)
		str_printf(&all, "%s%s", i ? ", " : "", names.items[i]);
	if (near)
		err_list_at(f->errors, E_UNKNOWN_FACT, ref->pos,
			    "node '%s' has no fact '%s': did you mean '%s'?", ref->node, ref->name,
			    near);
	else
		err_list_at(f->errors, E_UNKNOWN_FACT, ref->pos,
			    "node '%s' has no fact '%s' (it has: %s)", ref->node, ref->name,
			    all.buf ? all.buf : "none");
	strs_clear(&names);
}

static const char *fact_text(void *arg, const struct fact_ref *ref)
{
	struct facts *f = arg;
	const struct recipe *r = map_get(f->recipes, ref->node);
	const struct known *k;

	f->pos = ref->pos;
	if (!r) {
		if (!map_get(&f->project->unsound, ref->node))
			report_node(f, ref);
		return NULL;
	}
	k = find(f, r, ref->name);
	if (k->result == FACT_UNKNOWN)
		report_name(f, r, ref);
	else if (k->result == FACT_MISSING)
		err_list_at(f->errors, E_UNKNOWN_FACT, ref->pos, "'%s#%s' is not known: %s",
			    ref->node, ref->name, k->text);
	return k->result == FACT_KNOWN ? k->text : NULL;
}

static void fill(struct facts *f, struct yaml *y)
{
	if (y->type == YAML_SCALAR && y->waits)
		expand_waiting(f->arena, y, fact_text, f, f->errors);
	for (size_t i = 0; i < y->count; i++)
		fill(f, y->items[i]);
}

void facts_fill(struct facts *f, struct yaml *tree, struct err_list *errors)
{
	f->errors = errors;
	fill(f, tree);
}

const char *facts_expand(struct facts *f, struct pos pos, const char *text, struct err_list *errors)
{
	static const struct map none;
	const struct scope scope = {.vars = &none};
	struct yaml y = {.type = YAML_SCALAR,
			 .pos = pos,
			 .text = arena_printf(f->arena, "${%s}", text),
			 .waits = &scope};

	f->errors = errors;
	fill(f, &y);
	return y.refused ? NULL : y.text;
}

const char *facts_scalar(struct facts *f, const struct yaml *map, const char *key)
{
	struct yaml *y = map->type == YAML_MAP ? yaml_get(map, key) : NULL;

	if (!y || y->type != YAML_SCALAR)
		return NULL;
	fill(f, y);
	return y->refused || y->values ? NULL : y->text;
}

int facts_size(struct facts *f, const struct yaml *map, const char *key, uint64_t *ret)
{
	const char *text = facts_scalar(f, map, key);

	return text ? size_parse(text, ret) : 1;
}

void *facts_decode(struct facts *f, const struct schema *schema, struct yaml *map)
{
	struct err_list reported_there cleanup_err_list = {0};

	fill(f, map);
	return schema_decode(schema, f->arena, map, NULL, &reported_there);
}

void *facts_options(struct facts *f, const struct recipe *r)
{
	struct err_list reported_there cleanup_err_list = {0};

	fill(f, r->map);
	return schema_decode(r->kind->schema, f->arena, r->map, not_options, &reported_there);
}

const struct map *facts_recipes(const struct facts *f)
{
	return f->recipes;
}

const struct recipe *facts_recipe(const struct facts *f, const char *node)
{
	return map_get(f->recipes, node);
}
