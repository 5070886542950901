/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that nothing reaches, locks that are missing, results that depend on the host. */
#include "check/view.h"
#include "kinds/debian/lock_check.h"
#include "kinds/kinds.h"
#include "kinds/run/run_opts.h"

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

/* Marks nodes whose recipes others extend. */
static void mark_extended(const struct graph *g, bool *seen)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct list *bases = &g->nodes.items[i]->recipe->extended;

		for (size_t k = 0; k < bases->count; k++) {
			const struct extended *e = LIST_AT(*bases, struct extended *, k);

			if (e->node)
				seen[graph_node(g, e->node)->index] = true;
		}
	}
}

/*
 * Tests, boards and releases are there to be asked for by name, what ties others together likewise;
 * devices for their facts, which make no edge; what was shipped to be compared with.
 */
static bool stands_alone(const struct node *n)
{
	const struct kind *k = n->recipe->kind;

	return k->ties || k->input_fact || check_below_tests(n) || k == &kind_board ||
	       k == &kind_release || k == &kind_shipped;
}

/* Of a chain that nothing reaches only the end is named. */
static void check_reached(struct check_view *v)
{
	const struct graph *g = v->g;
	bool *seen cleanup_free = reached(g);

	mark_extended(g, seen);
	for (size_t i = 0; g->project->defaults.count && i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (!seen[i] && !n->users.count && !stands_alone(n))
			check_say(v, CHECK_UNREACHED_NODE, (struct pos){n->recipe->file, 1, 1},
				  "nothing reaches node '%s': name it in 'default' of "
				  "project.yaml, use it, or delete the file",
				  n->name);
	}
}

static void check_host_tools(struct check_view *v, const struct node *n)
{
	if (n->recipe->kind != &kind_run || !run_on_host(n->recipe->opts))
		return;
	check_say(v, CHECK_HOST_TOOLS, recipe_pos(n->recipe, "root"),
		  "node '%s' runs with the programs of this host, so another host may give "
		  "another result: name a tree in 'root'",
		  n->name);
}

/* Said of each: what such steps can reach of the kernel is more than others can. */
static void check_nested(struct check_view *v, const struct node *n)
{
	const bool *nested =
		schema_field(n->recipe->kind->schema, n->recipe->opts, "nested", OPT_BOOL);

	if (nested && *nested)
		check_say(v, CHECK_NESTED_STEPS, recipe_pos(n->recipe, "nested"),
			  "steps of node '%s' may make mounts and namespaces of their own: know "
			  "what they run",
			  n->name);
}

/* Whether a node that somebody wants has a lock that answers its recipe. */
static void check_locked(struct check_view *v, const struct node *n)
{
	struct err_list found cleanup_err_list = {0};

	if (!n->wanted || !lock_applies(n->recipe))
		return;
	lock_check(v->arena, n->recipe->project, n->recipe, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct err *e = found.items[i];

		check_say(v, CHECK_UNLOCKED_PACKAGE, (struct pos){e->file, e->line, e->col}, "%s",
			  e->text);
	}
}

/* Whether a line of a script fetches something: its bytes are then whatever is there that day. */
static bool fetches(const char *line, size_t len)
{
	static const char *const tools[] = {"curl ", "wget ", "git clone ", "git fetch "};
	char *text cleanup_free = xstrndup(line, len);

	if (!strstr(text, "://"))
		return false;
	for (size_t i = 0; i < array_len(tools); i++) {
		if (strstr(text, tools[i]))
			return true;
	}
	return false;
}

static void check_fetches(struct check_view *v, const struct node *n)
{
	const struct list *steps = check_list(n, "run", OPT_STEP);

	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = LIST_AT(*steps, struct step *, i);

		for (const char *p = step->script; p && *p; p += strspn(p, "\n")) {
			size_t len = strcspn(p, "\n");

			if (fetches(p, len))
				check_say(
					v, CHECK_URL_WITHOUT_DIGEST, step->pos,
					"this step takes what a URL gives, and no digest says what "
					"that is: fetch it in a node of kind 'fetch' and name that "
					"as input");
			p += len;
		}
	}
}

int check_graph_rules(struct check_view *v, struct err **err)
{
	check_reached(v);
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		check_host_tools(v, n);
		check_nested(v, n);
		check_locked(v, n);
		check_fetches(v, n);
	}
	return 0;
}
