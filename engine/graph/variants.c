/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/variants.h"

#include <string.h>

#include "graph/order.h"

/* Nodes of several variants that are one. */
struct same {
	size_t number;
	struct node *node; /* of the whole */
	size_t first;      /* variant */
	struct same *next; /* of the same recipe name */
};

/* All that are called alike. */
struct family {
	const char *name;
	struct same *first, **end;
	struct same **of; /* by number of the variant; NULL: it has no such node */
	bool *matters;    /* by axis */
};
DEFINE_VEC(families, struct family *)

struct whole {
	struct arena *arena;
	struct graph *g;
	const struct variants *v;
	struct err_list *errors;
	struct map sames; /* hex digest of what a node is -> struct same * */
	struct map family_by_name;
	struct families families;
	size_t count;      /* of sames */
	struct same ***of; /* variant, index of a node in it -> struct same * */
};

static size_t variant_count(const struct whole *w)
{
	return w->v->all.count;
}

static const struct variant *variant_at(const struct variants *v, size_t i)
{
	return LIST_AT(v->all, struct variant *, i);
}

/* ---- what a node is ---- */

static void put(struct str *to, const char *text)
{
	str_append(to, text ? text : "\1");
	str_append_char(to, '\n');
}

/* What the recipe says, with all its names filled in; its options are nothing but that. */
static void put_tree(struct str *to, const struct yaml *y)
{
	str_append_char(to, "-[{"[y->type]);
	if (y->type == YAML_SCALAR)
		put(to, y->text);
	for (size_t i = 0; i < y->count; i++) {
		if (y->type == YAML_MAP)
			put(to, y->keys[i]->text);
		put_tree(to, y->items[i]);
	}
	str_append_char(to, ' ');
}

static void put_edge(struct whole *w, size_t variant, const struct edge *e, struct str *to)
{
	size_t numbers[] = {(size_t)e->type, e->value, e->signer, e->keep_git,
			    e->from ? w->of[variant][e->from->index]->number : 0};

	str_append_len(to, (const char *)numbers, sizeof(numbers));
	str_append_len(to, (const char *)e->raw.b, sizeof(e->raw.b));
	put(to, e->ref_text);
	put(to, e->output);
	put(to, e->inside);
	put(to, e->path);
	put(to, e->filled);
}

/* All that makes it another node than one of the same name; its inputs are known. */
static char *what_it_is(struct whole *w, size_t variant, const struct node *n)
{
	struct str text cleanup_str = STR_INIT;
	struct digest digest;
	char hex[DIGEST_HEX + 1];

	put(&text, n->recipe->name);
	put(&text, n->recipe->file);
	put(&text, n->recipe->kind->name);
	put(&text, n->recipe->identity);
	put(&text, n->lock);
	str_append_len(&text, (const char *)&n->lock_date, sizeof(n->lock_date));
	for (size_t i = 0; i < n->outputs.count; i++)
		put(&text, n->outputs.items[i].name);
	put_tree(&text, n->recipe->map);
	for (size_t i = 0; i < n->in.count; i++)
		put_edge(w, variant, &n->in.items[i], &text);
	digest_data(text.buf, text.len, &digest);
	return arena_strdup(w->arena, digest_hex(&digest, hex));
}

/* ---- one of several ---- */

static struct family *family_of(struct whole *w, const char *name)
{
	struct family *f = map_get(&w->family_by_name, name);

	if (f)
		return f;
	f = arena_alloc(w->arena, sizeof(*f));
	f->name = name;
	f->end = &f->first;
	f->of = arena_alloc(w->arena, variant_count(w) * sizeof(*f->of));
	f->matters = arena_alloc(w->arena, w->v->axes.count * sizeof(*f->matters));
	map_set(&w->family_by_name, name, f);
	families_push(&w->families, f);
	return f;
}

/* A copy of N, which takes from nodes of the whole. */
static struct node *copy_node(struct whole *w, size_t variant, const struct node *n)
{
	struct node *copy = arena_alloc(w->arena, sizeof(*copy));

	*copy = *n;
	copy->users = (struct nodes){0};
	copy->nblock = 0;
	copy->in.items = arena_alloc(w->arena, (n->in.count + 1) * sizeof(*n->in.items));
	for (size_t i = 0; i < n->in.count; i++) {
		struct edge *e = &copy->in.items[i];

		*e = n->in.items[i];
		if (e->from)
			e->from = w->of[variant][e->from->index]->node;
	}
	copy->in_variant = arena_alloc(w->arena, variant_count(w) * sizeof(bool));
	return copy;
}

static struct same *add_same(struct whole *w, struct family *f, size_t variant,
			     const struct node *n)
{
	struct same *s = arena_alloc(w->arena, sizeof(*s));

	s->number = ++w->count;
	s->first = variant;
	s->node = copy_node(w, variant, n);
	*f->end = s;
	f->end = &s->next;
	return s;
}

static void take_node(struct whole *w, size_t variant, struct node *n)
{
	char *key = what_it_is(w, variant, n);
	struct family *f = family_of(w, n->recipe->name);
	struct same *s = map_get(&w->sames, key);

	if (!s) {
		s = add_same(w, f, variant, n);
		map_set(&w->sames, key, s);
	}
	n->whole = s->node;
	w->of[variant][n->index] = s;
	f->of[variant] = s;
	((bool *)s->node->in_variant)[variant] = true;
}

static void take_variant(struct whole *w, size_t variant, const struct graph *g)
{
	w->of[variant] = arena_alloc(w->arena, (g->nodes.count + 1) * sizeof(**w->of));
	for (size_t i = 0; i < g->order.count; i++)
		take_node(w, variant, g->order.items[i]);
}

/* ---- names ---- */

/* Whether A and B differ in AXIS alone. */
static bool neighbours(const struct whole *w, size_t a, size_t b, size_t axis)
{
	const char *const *x = variant_at(w->v, a)->values, *const *y = variant_at(w->v, b)->values;

	for (size_t i = 0; i < w->v->axes.count; i++)
		if ((i == axis) == str_eq(x[i], y[i]))
			return false;
	return true;
}

/* What makes node B of a family another one than A, for people; caller frees. */
static char *difference(const struct same *a, const struct same *b)
{
	for (size_t i = 0; a && b && i < a->node->in.count; i++) {
		const struct edge *e = &a->node->in.items[i];

		if (i >= b->node->in.count || !str_eq(e->ref_text, b->node->in.items[i].ref_text))
			break;
		if (e->from != b->node->in.items[i].from)
			return xasprintf("through '%s'", e->from->recipe->name);
	}
	return xstrdup(a && b ? "by what it says itself" : "it is not there in all variants");
}

/* Whether a text of the recipe's `per` is AXIS. */
static bool may_depend(const struct yaml *per, const char *axis)
{
	for (size_t i = 0; per->type == YAML_LIST && i < per->count; i++)
		if (per->items[i]->type == YAML_SCALAR && str_eq(per->items[i]->text, axis))
			return true;
	return per->type == YAML_SCALAR && str_eq(per->text, axis);
}

static void keep_promise(struct whole *w, const struct family *f, size_t axis, size_t a, size_t b)
{
	const struct same *s = f->of[a] ? f->of[a] : f->of[b];
	const struct yaml *per = s->node->recipe->per;
	const char *name = LIST_AT(w->v->axes, struct axis *, axis)->name;
	char *why cleanup_free = difference(f->of[a], f->of[b]);

	if (per && !may_depend(per, name))
		err_list_at(w->errors, E_OTHER_AXIS, per->pos,
			    "node '%s' depends on axis '%s' (%s), which 'per' does not name",
			    f->name, name, why);
}

/* Which axes make a difference to F. */
static void find_axes(struct whole *w, struct family *f)
{
	for (size_t axis = 0; axis < w->v->axes.count; axis++) {
		for (size_t a = 0; a < variant_count(w) && !f->matters[axis]; a++) {
			for (size_t b = a + 1; b < variant_count(w); b++) {
				if (f->of[a] == f->of[b] || !neighbours(w, a, b, axis))
					continue;
				f->matters[axis] = true;
				keep_promise(w, f, axis, a, b);
				break;
			}
		}
	}
}

static const char *name_of(struct whole *w, const struct family *f, const struct same *s, bool all)
{
	struct str name cleanup_str = STR_INIT;

	str_append(&name, f->name);
	for (size_t i = 0; i < w->v->axes.count; i++)
		if (all || f->matters[i])
			str_printf(&name, "@%s", variant_at(w->v, s->first)->values[i]);
	return arena_strdup(w->arena, name.buf);
}

/* With variants left out, the axes that matter need not tell all apart. */
static void name_family(struct whole *w, struct family *f)
{
	struct map seen cleanup_map = {0};
	bool all = false;

	if (f->first->next)
		find_axes(w, f);
	for (size_t i = 0; !f->first->next && i < variant_count(w); i++)
		if (!f->of[i])
			find_axes(w, f);
	for (struct same *s = f->first; s; s = s->next)
		all = all || map_set(&seen, name_of(w, f, s, false), s);
	for (struct same *s = f->first; s; s = s->next)
		s->node->name = name_of(w, f, s, all);
}

/* NODE@1.0.0 of a recipe's own list is named apart from NODE@VALUE of an axis. */
static void check_own_value(struct whole *w, const struct recipe *r)
{
	const char *at = strrchr(r->name, '@');

	if (at && variants_axis_of(w->v, at + 1) >= 0)
		err_list_at(w->errors, E_DUPLICATE_NAME, (struct pos){r->file, 1, 1},
			    "'%s' is a value of a list here and of an axis of 'variants': give one "
			    "another name",
			    at + 1);
}

/* `per` names axes. */
static void check_per(struct whole *w, const struct recipe *r)
{
	const struct yaml *per = r->per;
	size_t count = per && per->type == YAML_LIST ? per->count : 1;

	for (size_t i = 0; per && i < count; i++) {
		const struct yaml *y = per->type == YAML_LIST ? per->items[i] : per;
		bool known = false;

		for (size_t k = 0; y->type == YAML_SCALAR && k < w->v->axes.count; k++)
			known |= str_eq(LIST_AT(w->v->axes, struct axis *, k)->name, y->text);
		if (!known)
			err_list_at(w->errors, E_UNKNOWN_VARIANT, y->pos,
				    "'%s' is not an axis of 'variants' in project.yaml: 'per' "
				    "lists those",
				    y->type == YAML_SCALAR ? y->text : "per");
	}
}

/* ---- all together ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct node *const *)a)->name, (*(struct node *const *)b)->name);
}

static void put_together(struct whole *w)
{
	struct graph *g = w->g;

	for (size_t i = 0; i < w->families.count; i++) {
		struct family *f = w->families.items[i];

		name_family(w, f);
		for (struct same *s = f->first; s; s = s->next) {
			check_own_value(w, s->node->recipe);
			check_per(w, s->node->recipe);
			nodes_push(&g->nodes, s->node);
		}
	}
	if (g->nodes.count)
		qsort(g->nodes.items, g->nodes.count, sizeof(*g->nodes.items), by_name);
	for (size_t i = 0; i < g->nodes.count; i++) {
		g->nodes.items[i]->index = i;
		map_set(&g->by_name, g->nodes.items[i]->name, g->nodes.items[i]);
	}
	graph_order(g);
}

/* What a project says of itself is the same in all variants. */
static void compare_projects(struct whole *w, const struct project *a, const struct project *b)
{
	static const char *const keys[] = {"name", "version", "times", "default", "archives"};

	for (size_t i = 0; i < array_len(keys); i++) {
		const struct yaml *x = yaml_get(a->map, keys[i]), *y = yaml_get(b->map, keys[i]);

		if (x && y && !yaml_eq(x, y))
			err_list_at(w->errors, E_INVALID_VALUE, x->pos,
				    "'%s' is not the same in all variants: use no variable of an "
				    "axis here",
				    keys[i]);
	}
}

static struct graph *build_variant(struct whole *w, const struct kind *const *kinds,
				   const struct strv *sets, size_t i)
{
	struct project *first = w->g->project, *p = first;

	if (i)
		p = project_load_variant(w->arena, first, kinds, sets, i, w->errors);
	if (!p)
		return NULL;
	compare_projects(w, first, p);
	return graph_build(w->arena, p, w->errors);
}

static void clear_whole(void *graph)
{
	struct graph *g = graph;

	map_clear(&g->by_name);
	nodes_clear(&g->nodes);
	nodes_clear(&g->order);
	secrets_clear(&g->secrets);
}

/* No input may hold the key of any variant. */
static void take_secrets(struct graph *g, const struct graph *variant)
{
	for (size_t i = 0; i < variant->secrets.count; i++) {
		const struct secret *s = &variant->secrets.items[i];

		if (!secrets_find(&g->secrets, &s->digest))
			secrets_push(&g->secrets, *s);
	}
}

struct graph *graph_build_variants(struct arena *arena, struct project *project,
				   const struct kind *const *kinds, const struct strv *sets,
				   struct err_list *errors)
{
	struct whole w = {.arena = arena, .v = &project->variants, .errors = errors};
	size_t before = errors->count;
	struct graph *g;

	if (!project->variant)
		return graph_build(arena, project, errors);
	g = w.g = arena_alloc(arena, sizeof(*g));
	g->arena = arena;
	g->project = project;
	g->variant_count = variant_count(&w);
	g->variants = arena_alloc(arena, g->variant_count * sizeof(*g->variants));
	g->chosen = arena_alloc(arena, g->variant_count * sizeof(*g->chosen));
	memset(g->chosen, true, g->variant_count);
	w.of = arena_alloc(arena, g->variant_count * sizeof(*w.of));
	arena_defer(arena, clear_whole, g);
	for (size_t i = 0; i < g->variant_count; i++) {
		g->variants[i] = build_variant(&w, kinds, sets, i);
		if (!g->variants[i] || errors->count > before)
			continue;
		take_variant(&w, i, g->variants[i]);
		take_secrets(g, g->variants[i]);
	}
	if (errors->count == before) {
		put_together(&w);
	}
	map_clear(&w.sames);
	map_clear(&w.family_by_name);
	families_clear(&w.families);
	return errors->count == before ? g : NULL;
}

/* ---- which are meant ---- */

int graph_choose(struct graph *g, const struct strv *pairs, struct err **err)
{
	const struct variants *v = &g->project->variants;
	bool any = !pairs->count;

	for (size_t i = 0; i < pairs->count; i++) {
		const char *pair = pairs->items[i], *eq = strchr(pair, '=');
		int axis = eq ? variants_axis_of(v, eq + 1) : -1;
		const char *name = axis < 0 ? "" : LIST_AT(v->axes, struct axis *, axis)->name;

		if (axis < 0 || strlen(name) != (size_t)(eq - pair) ||
		    strncmp(name, pair, strlen(name)) != 0)
			return err_set(err, E_UNKNOWN_VARIANT,
				       "--variant '%s': write AXIS=VALUE as 'variants' of "
				       "recipes/project.yaml has them",
				       pair);
		for (size_t k = 0; k < g->variant_count; k++)
			g->chosen[k] &= str_eq(variant_at(v, k)->values[axis], eq + 1);
	}
	for (size_t k = 0; k < g->variant_count; k++)
		any |= g->chosen[k];
	return any ? 0
		   : err_set(err, E_UNKNOWN_VARIANT,
			     "--variant: no variant of the project has all of these");
}

void graph_tell_variants(struct graph *g)
{
	for (size_t i = 0; i < g->variant_count; i++) {
		for (size_t k = 0; k < g->variants[i]->nodes.count; k++) {
			struct node *n = g->variants[i]->nodes.items[k];

			n->wanted = n->whole->wanted;
			n->target = n->whole->target;
			n->key = n->whole->key;
			n->manifest = n->whole->manifest;
			n->record = n->whole->record;
		}
	}
}

bool graph_chosen(const struct graph *g, const struct node *n)
{
	bool chosen = !g->variant_count;

	for (size_t i = 0; i < g->variant_count; i++)
		chosen |= n->in_variant[i] && g->chosen[i];
	return chosen;
}

/* Whether VALUES, "pc@dev", are all of variant V. */
static bool has_values(const struct variants *v, size_t variant, const char *values)
{
	char *text cleanup_free = xstrdup(values), *rest = text, *value;

	while (*values && (value = strsep(&rest, "@"))) {
		int axis = variants_axis_of(v, value);

		if (axis < 0 || !str_eq(variant_at(v, variant)->values[axis], value))
			return false;
	}
	return true;
}

/* Nodes of the recipe that the first LEN bytes of NAME name, and of the VALUES after it. */
static void match(const struct graph *g, const char *name, size_t len, const char *values,
		  struct nodes *ret)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		struct node *n = g->nodes.items[i];
		const char *own = n->recipe->name;
		bool meant = false;

		if (strncmp(own, name, len) != 0 || own[len])
			continue;
		for (size_t k = 0; k < g->variant_count && !meant; k++)
			meant = n->in_variant[k] && g->chosen[k] &&
				has_values(&g->project->variants, k, values);
		if (meant)
			nodes_push(ret, n);
	}
}

void graph_match(const struct graph *g, const char *name, struct nodes *ret)
{
	size_t len = strlen(name);
	struct node *n = graph_node(g, name);

	if (!g->variant_count) {
		if (n)
			nodes_push(ret, n);
		return;
	}
	match(g, name, len, "", ret);
	while (!ret->count && len) {
		while (len && name[len - 1] != '@')
			len--;
		if (len)
			match(g, name, len - 1, name + len, ret);
		len = len ? len - 1 : 0;
	}
}
