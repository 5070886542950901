/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch graph: the nodes the targets reach and their edges, coloured by what a build would do. */
#include "cli/graph_svg.h"
#include "cli/json.h"
#include "cli/session.h"

static const char *const words[] = {"cached", "build", "perhaps"};
static const char *const fills[] = {"#d5efd5", "#f7d9c4", "#f7f0c4"};

/* The distinct nodes a plan's node takes from; calls FN for each. */
static void each_input(const struct plan_node *p,
		       void (*fn)(void *arg, const struct plan_node *p, const struct node *from),
		       void *arg)
{
	const struct node *last = NULL;

	for (size_t i = 0; i < p->node->in.count; i++) {
		const struct node *from = p->node->in.items[i].from;
		bool seen = !from || !from->wanted || from == last;

		for (size_t k = 0; !seen && k < i; k++)
			seen = p->node->in.items[k].from == from;
		if (!seen)
			fn(arg, p, from);
		last = from;
	}
}

static void dot_edge(void *arg, const struct plan_node *p, const struct node *from)
{
	str_printf(arg, "\t\"%s\" -> \"%s\";\n", from->name, p->node->name);
}

/* Node names are [A-Za-z0-9._+-/]: nothing to quote in either language. */
static void write_dot(const struct session *s, const struct plan_nodes *plan, struct str *to)
{
	str_append(to, "digraph ");
	str_quote(to, s->project->name);
	str_append(to, " {\n\trankdir=LR;\n\tnode [shape=box, style=\"rounded,filled\", "
		       "fontname=\"sans\"];\n");
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_node *p = &plan->items[i];

		str_printf(to,
			   "\t\"%s\" [label=\"%s\\n%s\", fillcolor=\"%s\", tooltip=\"%s\"%s];\n",
			   p->node->name, p->node->name, p->node->recipe->kind->name,
			   fills[p->verdict], words[p->verdict],
			   p->node->target ? ", penwidth=2" : "");
	}
	for (size_t i = 0; i < plan->count; i++)
		each_input(&plan->items[i], dot_edge, to);
	str_append(to, "}\n");
}

static void mermaid_edge(void *arg, const struct plan_node *p, const struct node *from)
{
	str_printf(arg, "\tn%zu --> n%zu\n", from->index, p->node->index);
}

static void write_mermaid(const struct plan_nodes *plan, struct str *to)
{
	str_append(to, "flowchart LR\n");
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_node *p = &plan->items[i];

		str_printf(to, "\tn%zu[\"%s<br/>%s\"]:::%s\n", p->node->index, p->node->name,
			   p->node->recipe->kind->name, words[p->verdict]);
	}
	for (size_t i = 0; i < plan->count; i++)
		each_input(&plan->items[i], mermaid_edge, to);
	for (size_t i = 0; i < array_len(words); i++)
		str_printf(to, "\tclassDef %s fill:%s\n", words[i], fills[i]);
}

static void json_edge(void *arg, const struct plan_node *p, const struct node *from)
{
	json_array_append_new(arg, json_pack("{s:o, s:o}", "from", json_text(from->name), "to",
					     json_text(p->node->name)));
}

static void write_json(const struct plan_nodes *plan)
{
	json_t *nodes = json_array(), *edges = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_node *p = &plan->items[i];

		json_array_append_new(
			nodes, json_pack("{s:o, s:s, s:s, s:b}", "name", json_text(p->node->name),
					 "kind", p->node->recipe->kind->name, "status",
					 words[p->verdict], "target", (int)p->node->target));
		each_input(p, json_edge, edges);
	}
	json_print(
		stdout,
		json_pack("{s:i, s:b, s:o, s:o}", "v", 1, "ok", 1, "nodes", nodes, "edges", edges),
		false);
}

/* ---- what is shown ---- */

/* Notes in KEEP what N needs (or, USERS, what needs it), at most DEPTH steps away; 0: all. */
static void mark(const struct node *n, bool users, unsigned depth, bool *keep)
{
	struct nodes todo = {0};

	keep[n->index] = true;
	nodes_push(&todo, (struct node *)n);
	for (size_t at = 0, step = 0, end = 1; at < todo.count; at++) {
		if (at == end) {
			step++;
			end = todo.count;
		}
		if (depth && step == depth)
			break;
		n = todo.items[at];
		for (size_t i = 0; i < (users ? n->users.count : n->in.count); i++) {
			struct node *next = users ? n->users.items[i] : n->in.items[i].from;

			if (next && !keep[next->index]) {
				keep[next->index] = true;
				nodes_push(&todo, next);
			}
		}
	}
	nodes_clear(&todo);
}

static int focus(const struct session *s, struct err **err)
{
	const struct node *n = s->cli->focus ? session_node(s, s->cli->focus, err) : NULL;
	bool *keep cleanup_free = xcalloc(s->graph->nodes.count + 1, sizeof(*keep));
	bool *users cleanup_free = xcalloc(s->graph->nodes.count + 1, sizeof(*users));

	if (s->cli->depth && !s->cli->focus)
		return err_set(err, E_USAGE, "--depth needs --focus NODE");
	if (!s->cli->focus)
		return 0;
	if (!n)
		return -1;
	mark(n, false, s->cli->depth, keep);
	mark(n, true, s->cli->depth, users);
	for (size_t i = 0; i < s->graph->nodes.count; i++)
		s->graph->nodes.items[i]->wanted &= keep[i] || users[i];
	return 0;
}

/* Those of PLAN that are shown still; the others' changes are freed. */
static void drop_others(struct plan_nodes *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->items[i].node->wanted)
			plan->items[kept++] = plan->items[i];
		else
			changes_clear(&plan->items[i].changes);
	}
	plan->count = kept;
}

static void write_svg(const struct session *s, const struct plan_nodes *plan, struct str *to)
{
	const struct plan_node **by_index cleanup_free =
		xcalloc(s->graph->nodes.count + 1, sizeof(*by_index));

	for (size_t i = 0; i < plan->count; i++)
		by_index[plan->items[i].node->index] = &plan->items[i];
	graph_svg(s->graph, by_index, to);
}

static void print_graph(const struct session *s, const struct plan_nodes *plan)
{
	struct str text cleanup_str = STR_INIT;
	int format = s->cli->json ? FORMAT_JSON : s->cli->format;

	if (format == FORMAT_JSON)
		write_json(plan);
	else if (format == FORMAT_MERMAID)
		write_mermaid(plan, &text);
	else if (format == FORMAT_SVG)
		write_svg(s, plan, &text);
	else
		write_dot(s, plan, &text);
	fwrite(text.buf, 1, text.len, stdout);
}

/* The graph alone, the same whatever was built: it needs no store. */
static int print_plain(struct session *s, const struct cli *c)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	int code = session_open(s, c, SESSION_GRAPH, &c->args);

	if (code)
		return code;
	if (c->json || c->format != FORMAT_SVG)
		err_set(&err, E_USAGE, "--no-status is for --format svg");
	if (err || focus(s, &err) < 0)
		return cli_fail(s, err);
	graph_svg(s->graph, NULL, &text);
	fwrite(text.buf, 1, text.len, stdout);
	return 0;
}

int cmd_graph(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct plan_nodes plan = {0};
	struct err *err = NULL;
	int code;

	if (c->format > FORMAT_JSON) {
		err_set(&err, E_USAGE, "a graph has --format dot, svg, mermaid or json");
		return cli_fail(&s, err);
	}
	if (c->no_status)
		return print_plain(&s, c);
	code = session_open(&s, c, SESSION_STORE, &c->args);
	if (code == 0)
		code = session_note_missing(&s, SESSION_NOTE_KEYS_AND_LOCKS);
	if (code)
		return code;
	if (plan_make(s.graph, s.store, &s.tools, &plan, &err) || focus(&s, &err)) {
		code = cli_fail(&s, err);
	} else {
		drop_others(&plan);
		print_graph(&s, &plan);
	}
	plan_release(&plan);
	return code;
}
