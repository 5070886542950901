/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that nothing reaches, locks that are missing, results that depend on the host. */
#include "base/path.h"
#include "check/project_files.h"

/* Marks what the default targets reach; without defaults everything is a target. */
static bool *reached(const struct graph *g)
{
	const struct list *defaults = &g->project->defaults;
	bool *seen = xcalloc(g->nodes.count + 1, sizeof(*seen));

	for (size_t i = 0; i < defaults->count; i++)
		seen[graph_node(g, LIST_AT(*defaults, const char *, i))->index] = true;
	for (size_t i = g->order.count; i-- > 0;) {
		const struct node *n = g->order.items[i];

		for (size_t k = 0; seen[n->index] && k < n->in.count; k++)
			if (n->in.items[k].from)
				seen[n->in.items[k].from->index] = true;
	}
	return seen;
}

/* Of a chain that nothing reaches only the end is named. Nodes below tests/ are asked for by name.
 */
static void check_reached(const struct graph *g, struct err_list *errors)
{
	bool *seen cleanup_free = reached(g);

	for (size_t i = 0; g->project->defaults.count && i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (!seen[i] && !n->users.count && !str_skip(n->name, "tests/"))
			err_list_at(errors, (struct pos){n->recipe->file, 1, 1},
				    "nothing reaches node '%s': name it in 'default' of "
				    "project.yaml, use it, "
				    "or delete the file",
				    n->name);
	}
}

/* Paths of options have been looked at, and locks are looked into by their kind. */
static void check_implicit(const struct graph *g, const struct node *n, struct err_list *errors)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		char *path cleanup_free = e->path ? path_join(g->project->dir, e->path) : NULL;

		if (path && !str_ends(e->path, ".lock") && !path_exists(path))
			err_list_at(errors, e->pos, "'%s' is missing", e->path);
	}
}

static void check_host_tools(const struct node *n, struct err_list *warnings)
{
	const struct kind *k = n->recipe->kind;
	const struct yaml *root = yaml_get(n->recipe->map, "root");

	if (!str_eq(k->name, "run") || (root && !str_eq(root->text, "host")))
		return;
	err_list_at(warnings, root ? root->pos : (struct pos){n->recipe->file, 1, 1},
		    "node '%s' runs with the programs of this host, so another host may give "
		    "another result: "
		    "name a tree in 'root'",
		    n->name);
}

int check_graph_rules(struct check_view *v, struct err **err)
{
	const struct graph *g = v->g;

	check_reached(g, &v->report->errors);
	for (size_t i = 0; i < g->nodes.count; i++) {
		check_implicit(g, g->nodes.items[i], &v->report->errors);
		check_host_tools(g->nodes.items[i], &v->report->warnings);
	}
	return 0;
}
