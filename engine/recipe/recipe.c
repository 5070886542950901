/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/recipe.h"

#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include "base/near.h"
#include "base/path.h"
#include "recipe/expand.h"
#include "recipe/extend.h"
#include "recipe/facts.h"
#include "recipe/files.h"
#include "recipe/project.h"

DEFINE_VEC(recipes, struct recipe *)

struct load {
	struct arena *arena;
	struct project *project;
	const struct kind *const *kinds;
	struct err_list *errors;
	struct recipe_files files;
	struct recipes recipes;      /* in the order of their files */
	struct recipes waiting;      /* with facts that are still to be put in */
	const struct project *first; /* the project in its first variant; NULL: this is that */
	size_t variant;              /* its number */
	const char *variant_name;    /* for messages, or NULL */
};

bool recipe_waits(const struct recipe *r, const char *const *field)
{
	const struct option_text *t = r->waiting;

	while (t && t->field != field)
		t = t->next;
	return t;
}

struct pos recipe_pos(const struct recipe *r, const char *key)
{
	return yaml_key_pos(r->map, key);
}

bool recipe_place(const struct recipe *r, const char *key, const char *word, struct pos *ret)
{
	const struct yaml *y = yaml_get(r->map, key);

	if (!y)
		return false;
	*ret = y->pos;
	for (size_t i = 0; word && i < y->count; i++) {
		const struct yaml *at = y->type == YAML_MAP ? y->keys[i] : y->items[i];

		if (at->type == YAML_SCALAR && str_eq(at->text, word))
			*ret = at->pos;
	}
	return true;
}

int project_find(const char *start, char **ret_dir, struct err **err)
{
	char *dir cleanup_free = realpath(start, NULL), *first cleanup_free = NULL;

	if (!dir)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open directory '%s'",
				 start);
	first = xstrdup(dir);
	for (;;) {
		char *file cleanup_free = path_join(dir, PROJECT_FILE);
		char *slash = strrchr(dir, '/');

		if (path_exists(file)) {
			*ret_dir = steal_ptr(dir);
			return 0;
		}
		if (!slash[1])
			break;
		slash[slash == dir] = 0;
	}
	return err_set(err, E_PROJECT_NOT_FOUND,
		       "no " PROJECT_FILE " in '%s' or above: go to a project or name one with -C",
		       first);
}

static void unknown_kind(struct load *l, struct pos pos, const char *text)
{
	struct str all cleanup_str = STR_INIT;
	const char **names cleanup_free = NULL;
	const char *near;
	size_t count = 0;

	while (l->kinds[count])
		count++;
	names = xcalloc(count + 1, sizeof(*names));
	for (size_t i = 0; i < count; i++) {
		names[i] = l->kinds[i]->name;
		str_printf(&all, "%s%s", i ? ", " : "", names[i]);
	}
	near = text ? near_word(text, names, count) : NULL;
	if (!text)
		err_list_at(l->errors, E_MISSING_KEY, pos, "key 'kind' is missing (one of: %s)",
			    all.buf);
	else if (near)
		err_list_at(l->errors, E_UNKNOWN_KIND, pos, "unknown kind '%s': did you mean '%s'?",
			    text, near);
	else
		err_list_at(l->errors, E_UNKNOWN_KIND, pos, "unknown kind '%s' (one of: %s)", text,
			    all.buf);
}

/* MAP does not say its kind; perhaps it says it by a misspelt key. */
static void no_kind(struct load *l, const struct yaml *map)
{
	const char *kind = "kind";

	for (size_t i = 0; i < map->count; i++) {
		const struct yaml *key = map->keys[i];

		if (strcasecmp(key->text, "kind") == 0 || near_word(key->text, &kind, 1)) {
			err_list_at(l->errors, E_UNKNOWN_KEY, key->pos,
				    "unknown key '%s': did you mean 'kind'?", key->text);
			return;
		}
	}
	unknown_kind(l, map->pos, NULL);
}

static const struct kind *find_kind(const struct load *l, const struct yaml *y)
{
	for (const struct kind *const *k = l->kinds; y && y->type == YAML_SCALAR && *k; k++)
		if (str_eq((*k)->name, y->text))
			return *k;
	return NULL;
}

/* Whether no layer names another kind than Y does, which BASE has. */
static bool one_kind(struct load *l, const struct layers *layers, const struct layer *base,
		     const struct yaml *y)
{
	for (size_t i = 0; i < layers->count; i++) {
		const struct yaml *k = yaml_get(layers->items[i].map, "kind");

		if (!k || k->refused || k->type != YAML_SCALAR || str_eq(k->text, y->text))
			continue;
		err_list_at(l->errors, E_WRONG_KIND, k->pos,
			    "kind '%s' cannot extend '%s', which is of kind '%s'", k->text,
			    base->node ? base->node : base->file, y->text);
		return false;
	}
	return true;
}

static const struct kind *kind_of(struct load *l, const struct layers *layers)
{
	const struct kind *kind;
	const struct yaml *y = NULL;
	size_t i = layers->count;

	while (!y && i-- > 0)
		y = yaml_get(layers->items[i].map, "kind");
	if (!y) {
		no_kind(l, layers->items[0].map);
		return NULL;
	}
	if (y->refused)
		return NULL;
	if (y->type != YAML_SCALAR || y->waits || y->values) {
		err_list_at(l->errors, y->waits || y->values ? E_VALUE_TOO_EARLY : E_WRONG_TYPE,
			    y->pos, "'kind' is a single word%s",
			    y->waits || y->values ? ", which cannot depend on another node" : "");
		return NULL;
	}
	kind = find_kind(l, y);
	if (!kind)
		unknown_kind(l, y->pos, y->text);
	return kind && one_kind(l, layers, &layers->items[i], y) ? kind : NULL;
}

static void set_unsound(struct load *l, const char *name)
{
	map_set(&l->project->unsound, name, (void *)name);
}

static void check_recipe(struct load *l, struct recipe *r)
{
	size_t before = l->errors->count;
	struct kind_ctx ctx = {.arena = l->arena,
			       .node = r->name,
			       .project_dir = l->project->dir,
			       .project = l->project,
			       .opts = r->opts,
			       .map = r->map};

	if (r->kind->check)
		r->kind->check(&ctx, l->errors);
	if (l->errors->count > before)
		set_unsound(l, r->name);
}

/* What names mean in a layer; kept when something in it waits for facts. */
static struct scope *scope_of(struct load *l, const struct map *vars, struct source source)
{
	struct scope *scope = arena_alloc(l->arena, sizeof(*scope));

	scope->vars = vars;
	scope->source = source;
	scope->variant = l->variant_name;
	if (source.text == l->files.text.buf && expand_has_facts(source))
		scope->source.text = arena_strndup(l->arena, source.text, source.len);
	return scope;
}

/* Whether something in the layer waits. */
static bool expand_layer(struct load *l, const struct map *vars, const struct layer *layer)
{
	struct scope *scope = scope_of(l, vars, layer->source);
	bool waits = expand_tree(l->arena, scope, layer->map, l->errors);

	if (scope->source.text == l->files.text.buf)
		scope->source = (struct source){0}; /* the next file takes its place */
	return waits;
}

static struct list extended_of(struct load *l, const struct layers *layers)
{
	struct extended **items = arena_alloc(l->arena, layers->count * sizeof(*items));

	for (size_t i = 1; i < layers->count; i++) {
		items[i - 1] = arena_alloc(l->arena, sizeof(**items));
		items[i - 1]->node = layers->items[i].node;
		items[i - 1]->file = layers->items[i].file;
	}
	return (struct list){items, layers->count - 1};
}

/* R with all its facts: decoded, unless something is wrong. */
static void decode_node(struct load *l, struct recipe *r)
{
	r->opts = schema_decode_waiting(r->kind->schema, l->arena, r->map, recipe_keys, &r->waiting,
					l->errors);
	if (r->opts)
		recipes_push(&l->recipes, r);
	else
		set_unsound(l, r->name);
}

/* The layers are used up. */
static void load_node(struct load *l, const char *name, const char *file, const struct map *vars,
		      struct layers *layers)
{
	struct recipe *r = arena_alloc(l->arena, sizeof(*r));
	size_t before = l->errors->count;
	bool waits = false;

	r->project = l->project;
	r->name = name;
	r->file = file;
	for (size_t i = 0; i < layers->count; i++)
		waits |= expand_layer(l, vars, &layers->items[i]);
	r->identity = layers_identity(layers, name, l->errors);
	r->per = layers_get(layers, "per");
	r->extended = extended_of(l, layers);
	r->kind = kind_of(l, layers);
	if (r->kind) {
		r->map = layers_merge(l->arena, layers, r->kind->schema, l->errors);
		map_set(&l->project->parsed, name, r);
	}
	if (!r->kind || l->errors->count > before)
		set_unsound(l, name);
	if (r->kind && waits)
		recipes_push(&l->waiting, r);
	else if (r->kind)
		decode_node(l, r);
}

/* All recipes are parsed: facts can be computed, and those decoded that use them. */
static void load_waiting(struct load *l)
{
	l->project->facts = facts_new(l->arena, l->project, &l->project->parsed);
	for (size_t i = 0; i < l->waiting.count; i++) {
		struct recipe *r = l->waiting.items[i];

		facts_fill(l->project->facts, r->map, l->errors);
		decode_node(l, r);
	}
}

/*
 * The list under the key of the recipe's kind that makes a node of each value, or NULL. It may have
 * been changed on the way, so that layers are read again that were merged to see it.
 */
static struct yaml *each_of(struct load *l, const struct recipe_file *f, struct layers *layers,
			    const char **ret_key)
{
	const struct kind *kind = find_kind(l, layers_get(layers, "kind"));
	const struct yaml *map = layers->items[0].map;
	struct yaml *values;

	if (!kind || !kind->each)
		return NULL;
	if (layers->count > 1) {
		map = layers_merge(l->arena, layers, kind->schema, l->errors);
		layers_clear(layers);
		layers_read(&l->files, &l->project->vars, f, layers);
	}
	*ret_key = kind->each;
	values = yaml_get(map, kind->each);
	return values && values->type == YAML_LIST ? values : NULL;
}

static void clear_vars(void *vars)
{
	map_clear(vars);
}

/* A node of one value: as the file says, with ${KEY} for the value. */
static void load_value(struct load *l, const struct recipe_file *f, const char *key,
		       const char *value)
{
	struct map *vars = arena_alloc(l->arena, sizeof(*vars));
	struct layers layers = {0};

	arena_defer(l->arena, clear_vars, vars);
	for (size_t i = 0; i < l->project->vars.count; i++)
		map_set(vars, l->project->vars.entries[i].key, l->project->vars.entries[i].value);
	map_set(vars, key, (void *)value);
	if (layers_read(&l->files, &l->project->vars, f, &layers) == 0)
		load_node(l, arena_printf(l->arena, "%s@%s", f->name, value), f->file, vars,
			  &layers);
	layers_clear(&layers);
}

static struct yaml *scalar(struct load *l, const char *text, struct pos pos)
{
	struct yaml *y = yaml_new(l->arena, YAML_SCALAR, pos);

	y->text = text;
	return y;
}

/* The node NAME of a file, which ties its nodes together: NODES is the list of their names. */
static void load_tie(struct load *l, const struct recipe_file *f, struct yaml *nodes)
{
	struct yaml *map = yaml_new(l->arena, YAML_MAP, nodes->pos);
	struct layer layer = {.file = f->file, .node = f->name, .map = map};
	struct layers layers = {&layer, 1, 1};
	const struct kind *const *k = l->kinds;

	while (*k && !(*k)->ties)
		k++;
	if (!*k || !nodes->count)
		return;
	yaml_put(l->arena, map, "kind", nodes->pos, scalar(l, (*k)->name, nodes->pos));
	yaml_put(l->arena, map, (*k)->ties, nodes->pos, nodes);
	load_node(l, f->name, f->file, &l->project->vars, &layers);
}

/* NAME@VALUE for each value of the list, and NAME, which ties them together. */
static void load_each(struct load *l, const struct recipe_file *f, const char *key,
		      const struct yaml *values)
{
	struct yaml *nodes = yaml_new(l->arena, YAML_LIST, values->pos);

	if (!values->count)
		err_list_at(l->errors, E_EMPTY_VALUE, values->pos,
			    "'%s' names nothing: leave it out, or name one", key);
	for (size_t i = 0; i < values->count; i++) {
		const struct yaml *v = values->items[i];

		if (v->type != YAML_SCALAR || !name_valid(v->text)) {
			err_list_at(l->errors, E_INVALID_NAME, v->pos,
				    "each value of '%s' becomes part of a node's name: use A-Z a-z "
				    "0-9 . _ + -",
				    key);
			continue;
		}
		load_value(l, f, key, v->text);
		yaml_push(l->arena, nodes,
			  scalar(l, arena_printf(l->arena, "%s@%s", f->name, v->text), v->pos));
	}
	load_tie(l, f, nodes);
}

static void load_recipe(struct load *l, const struct recipe_file *f)
{
	size_t before = l->errors->count;
	struct layers layers = {0};
	struct yaml *values;
	const char *key;

	if (layers_read(&l->files, &l->project->vars, f, &layers) == 0) {
		values = each_of(l, f, &layers, &key);
		if (values)
			load_each(l, f, key, values);
		else
			load_node(l, f->name, f->file, &l->project->vars, &layers);
	}
	layers_clear(&layers);
	if (l->errors->count > before)
		set_unsound(l, f->name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct recipe *const *)a)->name, (*(struct recipe *const *)b)->name);
}

/* Into the project's map, in the order of names, those without errors so far. */
static void take_sound(struct load *l)
{
	map_clear(&l->project->recipes);
	for (size_t i = 0; i < l->recipes.count; i++) {
		struct recipe *r = l->recipes.items[i];

		if (!map_get(&l->project->unsound, r->name))
			map_set(&l->project->recipes, r->name, r);
	}
}

/* A check sees the recipes of all other nodes. */
static void take_recipes(struct load *l, bool check)
{
	if (l->recipes.count)
		qsort(l->recipes.items, l->recipes.count, sizeof(*l->recipes.items), by_name);
	take_sound(l);
	for (size_t i = 0; check && i < l->recipes.count; i++)
		check_recipe(l, l->recipes.items[i]);
	if (check)
		take_sound(l);
}

/* "pc, dev" */
static const char *variant_name(struct arena *arena, const struct project *p)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; p->variant && i < p->variants.axes.count; i++)
		str_printf(&s, "%s%s", i ? ", " : "", p->variant->values[i]);
	return s.len ? arena_strdup(arena, s.buf) : NULL;
}

static void load_project(struct load *l, const struct strv *sets)
{
	struct yaml *map = recipe_files_parse(&l->files, PROJECT_FILE);

	if (map)
		project_decode(l->arena, l->project, map,
			       (struct source){l->files.text.buf, l->files.text.len}, l->variant,
			       l->first, sets, l->errors);
	l->variant_name = variant_name(l->arena, l->project);
}

/*
 * With a project.yaml that cannot be parsed no name is known: only the syntax of the others is
 * looked at. Whether project.yaml is sound.
 */
static bool load_all(struct load *l, const struct strv *sets)
{
	size_t before = l->errors->count;
	bool sound;

	load_project(l, sets);
	sound = l->errors->count == before;
	recipe_files_find(&l->files);
	recipe_files_choose(&l->files, &l->project->variants, l->project->variant);
	for (size_t i = 0; i < l->files.found.count; i++) {
		if (l->project->map)
			load_recipe(l, &l->files.found.items[i]);
		else
			recipe_files_parse(&l->files, l->files.found.items[i].file);
	}
	load_waiting(l);
	take_recipes(l, sound);
	return sound;
}

static void clear_project(void *project)
{
	struct project *p = project;

	map_clear(&p->vars);
	map_clear(&p->recipes);
	map_clear(&p->unsound);
	map_clear(&p->parsed);
}

static struct project *load(struct load *l, const char *dir, const struct strv *sets)
{
	bool sound;

	l->project = arena_alloc(l->arena, sizeof(*l->project));
	arena_defer(l->arena, clear_project, l->project);
	l->project->dir = arena_strdup(l->arena, dir);
	l->files = (struct recipe_files){.arena = l->arena, .errors = l->errors, .text = STR_INIT};
	l->files.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->files.dirfd < 0) {
		struct err *err = NULL;

		err_errno(&err, E_FILE_UNREADABLE, errno, "cannot open directory '%s'", dir);
		err_list_add(l->errors, err);
		return NULL;
	}
	sound = load_all(l, sets);
	close(l->files.dirfd);
	recipe_files_clear(&l->files);
	recipes_clear(&l->recipes);
	recipes_clear(&l->waiting);
	return sound ? l->project : NULL;
}

struct project *project_load(struct arena *arena, const char *dir, const struct kind *const *kinds,
			     const struct strv *sets, struct err_list *errors)
{
	struct load l = {.arena = arena, .kinds = kinds, .errors = errors};

	return load(&l, dir, sets);
}

struct project *project_load_variant(struct arena *arena, const struct project *first,
				     const struct kind *const *kinds, const struct strv *sets,
				     size_t n, struct err_list *errors)
{
	struct load l = {
		.arena = arena, .kinds = kinds, .errors = errors, .first = first, .variant = n};

	return load(&l, first->dir, sets);
}
