/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch graph: the nodes the targets reach and their edges, coloured by what a build would do. */
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "cli/json.h"
#include "cli/session.h"
#include "machine/sandbox/confined.h"

#define SVG_MAX (64 * 1024 * 1024)

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
		bool seen = !from || from == last;

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

/* Graphviz draws: our text goes in through a file without a name. */
static int write_svg(const struct str *dot, struct err **err)
{
	static char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8", NULL};
	char *argv[] = {"dot", "-Tsvg", NULL}, *program cleanup_free = path_program("dot");
	struct proc_opts opts = {.env = env, .timeout_s = 120};
	struct confined wall cleanup_confined = {0};
	struct str svg cleanup_str = STR_INIT;
	int fd cleanup_fd = -1;

	if (!program)
		return err_set(err, E_PROGRAM_MISSING,
			       "drawing SVG needs 'dot': install the package graphviz, "
			       "or use --format mermaid");
	if (tmp_in_memory("graph.dot", dot->buf, dot->len, &fd, err) < 0)
		return -1;
	opts.in = fd;
	confined_program(&wall, "dot");
	confined_apply(&wall, &opts);
	if (proc_output(argv, &opts, SVG_MAX, &svg, err))
		return -1;
	fwrite(svg.buf, 1, svg.len, stdout);
	return 0;
}

static int print_graph(const struct session *s, const struct plan_nodes *plan, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	int format = s->cli->json ? GRAPH_JSON : s->cli->format;

	if (format == GRAPH_JSON) {
		write_json(plan);
		return 0;
	}
	if (format == GRAPH_MERMAID)
		write_mermaid(plan, &text);
	else
		write_dot(s, plan, &text);
	if (format == GRAPH_SVG)
		return write_svg(&text, err);
	fwrite(text.buf, 1, text.len, stdout);
	return 0;
}

int cmd_graph(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct plan_nodes plan = {0};
	struct err *err = NULL;
	int code = session_open(&s, c, SESSION_STORE, &c->args);

	if (code == 0)
		code = session_note_missing(&s, false);
	if (code)
		return code;
	if (plan_make(s.graph, s.store, &s.tools, &plan, &err) || print_graph(&s, &plan, &err))
		code = cli_fail(&s, err);
	plan_release(&plan);
	return code;
}
