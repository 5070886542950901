/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/graph.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "graph/order.h"
#include "graph/resolve.h"
#include "graph/variants.h"
#include "recipe/facts.h"

/* Names of a cycle that are shown at most. */
#define CYCLE_SHOWN 12

struct builder {
	struct arena *arena;
	struct graph *g;
	struct resolver r;
	struct node *n;     /* in work */
	struct edges edges; /* of the node in work */
};

static void clear_graph(void *graph)
{
	struct graph *g = graph;

	map_clear(&g->by_name);
	nodes_clear(&g->nodes);
	nodes_clear(&g->order);
	secrets_clear(&g->secrets);
}

struct kind_ctx node_ctx(const struct graph *g, const struct node *n)
{
	return (struct kind_ctx){.arena = g->arena,
				 .node = n->recipe->name,
				 .project_dir = g->project->dir,
				 .project = n->recipe->project,
				 .opts = n->recipe->opts,
				 .map = n->recipe->map};
}

struct demand node_demand(const struct node *n)
{
	const struct kind *k = n->recipe->kind;
	struct demand d = k->demand ? k->demand(n->recipe->opts) : (struct demand){0};
	unsigned lent = 0;

	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;
		const struct kind *lender = from ? from->recipe->kind : NULL;

		if (lender && lender->lent_memory_mb &&
		    lender->lent_memory_mb(from->recipe->opts) > lent)
			lent = lender->lent_memory_mb(from->recipe->opts);
	}
	d.memory_mb += lent;
	return d;
}

const struct edge *node_edge(const struct node *n, const struct ref *ref)
{
	for (size_t i = 0; ref && i < n->in.count; i++) {
		if (str_eq(n->in.items[i].ref_text, ref->text))
			return &n->in.items[i];
	}
	return NULL;
}

void node_missing(const struct graph *g, const struct node *n, struct err_list *errors)
{
	struct kind_ctx ctx = node_ctx(g, n);

	if (n->recipe->kind->missing)
		n->recipe->kind->missing(&ctx, errors);
}

static struct pos file_pos(const struct node *n)
{
	return (struct pos){n->recipe->file, 1, 1};
}

static bool output_name_valid(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '/')
			return false;
	return *name && strlen(name) <= 200 && !str_eq(name, ".") && !str_eq(name, "..");
}

static void check_outputs(struct builder *b, const struct node *n)
{
	struct map seen cleanup_map = {0};

	for (size_t i = 0; i < n->outputs.count; i++) {
		const char *name = n->outputs.items[i].name;

		if (!output_name_valid(name))
			err_list_at(
				b->r.errors, E_INVALID_NAME, file_pos(n),
				"'%s' cannot be the name of an output: use one word without '/'",
				name);
		else if (n->outputs.count > 1 && map_set(&seen, name, (void *)name))
			err_list_at(b->r.errors, E_DUPLICATE_NAME, file_pos(n),
				    "two outputs are named '%s'", name);
	}
}

static void add_node(struct builder *b, struct recipe *recipe)
{
	struct node *n = arena_alloc(b->arena, sizeof(*n));
	struct output_specs outputs = {0};
	struct kind_ctx ctx;

	n->name = recipe->name;
	n->recipe = recipe;
	n->index = b->g->nodes.count;
	nodes_push(&b->g->nodes, n);
	map_set(&b->g->by_name, n->name, n);
	ctx = node_ctx(b->g, n);
	recipe->kind->outputs(&ctx, &outputs);
	n->outputs.items = arena_alloc(b->arena, (outputs.count + 1) * sizeof(*outputs.items));
	n->outputs.count = outputs.count;
	if (outputs.count)
		memcpy(n->outputs.items, outputs.items, outputs.count * sizeof(*outputs.items));
	output_specs_clear(&outputs);
	check_outputs(b, n);
	n->lock = recipe->kind->lock ? recipe->kind->lock(&ctx) : NULL;
}

/* out/a/b is an output of node 'a' or the directory of node 'a/b', not both. */
static void check_directory(struct builder *b, const struct node *n)
{
	char *name cleanup_free = xstrdup(n->name);
	char *slash = strrchr(name, '/');
	const struct node *parent;

	if (!slash)
		return;
	*slash = 0;
	parent = map_get(&b->g->by_name, name);
	for (size_t i = 0; parent && i < parent->outputs.count; i++)
		if (str_eq(parent->outputs.items[i].name, slash + 1))
			err_list_at(b->r.errors, E_DUPLICATE_NAME, file_pos(n),
				    "node '%s' and output '%s' of node '%s' need the same place: "
				    "rename one",
				    n->name, slash + 1, name);
}

static int add_secret(void *arg, const char *option_path, const char *project_path)
{
	struct resolver *r = arg;

	place_hide(&r->hidden, r->g->arena, r->dirfd, project_path);
	return 0;
}

/* Those that TEXT waits for. */
static void add_values(struct builder *b, const struct value_text *text)
{
	struct edge edge;

	for (size_t i = 0; text && i < text->count; i++)
		if (resolve_value(&b->r, &text->refs[i], &edge) == 0)
			edges_push(&b->edges, edge);
}

static int add_ref(void *arg, const char *option_path, struct ref *ref)
{
	struct builder *b = arg;
	struct edge edge;

	if (resolve_ref(&b->r, option_path, ref, &edge))
		return 0;
	edges_push(&b->edges, edge);
	add_values(b, edge.waits);
	return 0;
}

/* The fact of its own that the node's maker is handed. */
static void add_fact(struct builder *b)
{
	const struct recipe *r = b->n->recipe;
	struct edge edge = {.ref_text = EDGE_FACT, .type = REF_PATH, .pos = file_pos(b->n)};
	const char *name;

	if (!r->kind->input_fact || (r->kind->wants_fact && !r->kind->wants_fact(r->opts)))
		return;
	name = arena_printf(b->arena, "%s#%s", r->name, r->kind->input_fact);
	edge.filled = facts_expand(b->g->project->facts, edge.pos, name, b->r.errors);
	if (edge.filled)
		edges_push(&b->edges, edge);
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	int c = x->value - y->value;

	if (!c)
		c = strcmp(x->ref_text, y->ref_text);
	if (!c)
		c = strcmp(x->pos.file, y->pos.file);
	if (c)
		return c;
	return x->pos.line != y->pos.line ? (x->pos.line < y->pos.line ? -1 : 1)
					  : (x->pos.col > y->pos.col) - (x->pos.col < y->pos.col);
}

/* Workers find inputs by their text, so that one text must mean one thing in a node. */
static void merge(struct builder *b, struct edge *kept, const struct edge *e)
{
	kept->signer |= e->signer;
	kept->keep_git |= e->keep_git;
	if (kept->type != e->type || (kept->output && !str_eq(kept->output, e->output)))
		err_list_at(b->r.errors, E_AMBIGUOUS_REFERENCE, e->pos,
			    "'%s' means another thing than in %s:%u: name the output ('%s:...')",
			    e->ref_text, kept->pos.file, kept->pos.line, e->ref_text);
}

/* Sorts the edges of the node in work, merges equal ones and gives them to it. */
static void take_edges(struct builder *b)
{
	struct edges *from = &b->edges, *to = &b->n->in;

	if (!from->count)
		return;
	if (from->count > 1)
		qsort(from->items, from->count, sizeof(*from->items), compare_edges);
	to->items = arena_alloc(b->arena, from->count * sizeof(*to->items));
	for (size_t i = 0; i < from->count; i++) {
		const struct edge *e = &from->items[i];

		if (to->count && str_eq(to->items[to->count - 1].ref_text, e->ref_text))
			merge(b, &to->items[to->count - 1], e);
		else
			to->items[to->count++] = *e;
	}
	from->count = 0;
}

static void connect(struct builder *b)
{
	struct graph *g = b->g;

	for (size_t i = 0; i < g->nodes.count; i++) {
		b->n = g->nodes.items[i];
		schema_each_ref(b->n->recipe->kind->schema, b->n->recipe->opts, add_ref, b);
		for (const struct option_text *t = b->n->recipe->waiting; t; t = t->next)
			add_values(b, t->text);
		add_fact(b);
		take_edges(b);
	}
	edges_clear(&b->edges);
}

/* An edge from N to a node that is not in the order: each such node has one. */
static const struct edge *blocked_edge(const struct node *n)
{
	for (size_t i = 0; i < n->in.count; i++)
		if (n->in.items[i].from && n->in.items[i].from->nblock)
			return &n->in.items[i];
	return NULL;
}

/* Reports the cycle that N lies on: "a -> b -> a", where "a -> b" means that a needs b. */
static void report_cycle(struct builder *b, const struct node *n)
{
	struct str s cleanup_str = STR_INIT;
	const struct node *at = n;
	size_t count = 0;

	do {
		if (count++ < CYCLE_SHOWN)
			str_printf(&s, "%s -> ", at->name);
		at = blocked_edge(at)->from;
	} while (at != n);
	if (count > CYCLE_SHOWN)
		str_printf(&s, "(%zu more) -> ", count - CYCLE_SHOWN);
	str_append(&s, n->name);
	err_list_at(b->r.errors, E_REFERENCE_CYCLE, blocked_edge(n)->pos,
		    "the nodes need each other: %s", s.buf);
}

/* From every blocked node along its first blocked edge: the walk ends on a cycle, new or known. */
static void find_cycles(struct builder *b)
{
	struct graph *g = b->g;
	size_t *walk cleanup_free = xcalloc(g->nodes.count + 1, sizeof(*walk));

	if (g->order.count == g->nodes.count)
		return;
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (!n->nblock)
			continue;
		while (!walk[n->index]) {
			walk[n->index] = i + 1;
			n = blocked_edge(n)->from;
		}
		if (walk[n->index] == i + 1)
			report_cycle(b, n);
	}
}

static void find_lock_dates(struct graph *g)
{
	for (size_t i = 0; i < g->order.count; i++) {
		struct node *n = g->order.items[i];
		struct kind_ctx ctx = node_ctx(g, n);

		if (n->recipe->kind->lock_date)
			n->lock_date = n->recipe->kind->lock_date(&ctx);
		for (size_t k = 0; k < n->in.count; k++) {
			const struct edge *e = &n->in.items[k];

			if (e->from && !e->value && e->from->lock_date > n->lock_date)
				n->lock_date = e->from->lock_date;
		}
	}
}

static void check_defaults(struct builder *b)
{
	const struct list *defaults = &b->g->project->defaults;
	const struct yaml *y = yaml_get(b->g->project->map, "default");

	for (size_t i = 0; i < defaults->count; i++) {
		const char *name = LIST_AT(*defaults, const char *, i), *near;
		struct pos pos = y->type == YAML_LIST ? y->items[i]->pos : y->pos;

		if (map_get(&b->g->by_name, name) || map_get(&b->g->project->unsound, name))
			continue;
		near = graph_near(b->g, name);
		if (near)
			err_list_at(b->r.errors, E_UNKNOWN_NODE, pos,
				    "unknown node '%s': did you mean '%s'?", name, near);
		else
			err_list_at(b->r.errors, E_UNKNOWN_NODE, pos,
				    "unknown node '%s': there is no recipes/%s.yaml", name, name);
	}
}

static void build(struct builder *b)
{
	struct graph *g = b->g;
	const struct map *recipes = &g->project->recipes;

	for (size_t i = 0; i < recipes->count; i++)
		add_node(b, recipes->entries[i].value);
	place_hide(&b->r.hidden, g->arena, b->r.dirfd, "pki/private");
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct recipe *r = g->nodes.items[i]->recipe;

		check_directory(b, g->nodes.items[i]);
		schema_each_secret(r->kind->schema, r->opts, add_secret, &b->r);
	}
	check_defaults(b);
	connect(b);
	graph_order(g);
	find_cycles(b);
	find_lock_dates(g);
}

struct graph *graph_build(struct arena *arena, struct project *project, struct err_list *errors)
{
	struct graph *g = arena_alloc(arena, sizeof(*g));
	struct builder b = {.arena = arena, .g = g, .r = {.g = g, .errors = errors}};
	size_t before = errors->count;
	struct err *err = NULL;

	g->arena = arena;
	g->project = project;
	arena_defer(arena, clear_graph, g);
	b.r.dirfd = open(project->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (b.r.dirfd < 0) {
		err_errno(&err, E_FILE_UNREADABLE, errno, "cannot open directory '%s'",
			  project->dir);
		err_list_add(errors, err);
		return NULL;
	}
	build(&b);
	for (size_t i = 0; i < b.r.hidden.count; i++)
		secrets_add(&g->secrets, arena, b.r.dirfd, b.r.hidden.items[i].path);
	close(b.r.dirfd);
	hidden_list_clear(&b.r.hidden);
	return errors->count == before ? g : NULL;
}

struct node *graph_node(const struct graph *g, const char *name)
{
	return map_get(&g->by_name, name);
}

/* The node that NAME may stand for: its recipe, its place in out/, one of its outputs, a typo. */
static const char *near_target(const struct graph *g, const char *name)
{
	const char *start = str_skip(name, "recipes/"), *out = str_skip(name, "out/");
	char *plain cleanup_free = xstrdup(start ? start : out ? out : name);
	char *suffix = strrchr(plain, '.'), *colon = strchr(plain, ':');
	const struct node *n;

	if (colon)
		*colon = 0;
	else if (suffix && (str_eq(suffix, ".yaml") || str_eq(suffix, ".lock")))
		*suffix = 0;
	n = graph_node(g, plain);
	return n ? n->name : graph_near(g, plain);
}

static int add_target(struct graph *g, const char *name, struct err **err)
{
	struct nodes found = {0};
	const char *near;
	bool any;

	graph_match(g, name, &found);
	for (size_t i = 0; i < found.count; i++)
		found.items[i]->target = found.items[i]->wanted = true;
	any = found.count;
	nodes_clear(&found);
	if (any)
		return 0;
	if (g->variant_count && strchr(name, '@'))
		return err_set(err, E_UNKNOWN_VARIANT,
			       "'%s' is in no variant that is built: 'orch plan' lists those of "
			       "'%.*s'",
			       name, (int)strcspn(name, "@"), name);
	near = near_target(g, name);
	if (near)
		return err_set(err, E_UNKNOWN_NODE, "unknown node '%s': did you mean '%s'?", name,
			       near);
	return err_set(err, E_UNKNOWN_NODE, "unknown node '%s': a node is a file recipes/NODE.yaml",
		       name);
}

/* Inputs of wanted nodes are wanted: users come after their inputs in the order. */
static void spread(struct graph *g)
{
	for (size_t i = g->order.count; i-- > 0;) {
		const struct node *n = g->order.items[i];

		for (size_t k = 0; n->wanted && k < n->in.count; k++)
			if (n->in.items[k].from)
				n->in.items[k].from->wanted = true;
	}
}

int graph_select(struct graph *g, const struct strv *targets, struct err **err)
{
	const struct list *defaults = &g->project->defaults;
	bool given = targets && targets->count, all = !given && !defaults->count;

	for (size_t i = 0; i < g->nodes.count; i++) {
		struct node *n = g->nodes.items[i];

		n->target = n->wanted = all && graph_chosen(g, n);
	}
	for (size_t i = 0; given && i < targets->count; i++)
		if (add_target(g, targets->items[i], err))
			return -1;
	for (size_t i = 0; !given && i < defaults->count; i++)
		if (add_target(g, LIST_AT(*defaults, const char *, i), err))
			return -1;
	spread(g);
	return 0;
}
