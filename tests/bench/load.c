/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-load DIR COUNT: makes a project of COUNT nodes (one recipe and one input file each) in DIR
 * if there is none, and prints what loading it costs, step by step.
 */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "graph/plan.h"

struct demo {
	struct ref *root;
	struct list inputs, run, outputs;
};

#define AT(field) offsetof(struct demo, field)
static const struct option options[] = {
	{"root", OPT_REF, AT(root), .accept = ACCEPT_TREE, .help = "Root."},
	{"inputs", OPT_REF, AT(inputs), .flags = OPT_LIST,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_NODE | ACCEPT_INSIDE, .help = "Inputs."},
	{"run", OPT_STEP, AT(run), .flags = OPT_LIST, .help = "Steps."},
	{"outputs", OPT_STRING, AT(outputs), .flags = OPT_LIST, .help = "Outputs."},
};
static const struct schema schema = SCHEMA(struct demo, options);

static void outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct demo *d = ctx->opts;

	for (size_t i = 0; i < d->outputs.count; i++)
		output_specs_push(ret, (struct output_spec){LIST_AT(d->outputs, const char *, i),
							    OUTPUT_FILE});
}

static const struct kind run_kind = {
	.name = "run", .version = 1, .schema = &schema, .outputs = outputs};
static const struct kind *const kinds[] = {&run_kind, NULL};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double lap(const char *what, double since)
{
	double t = now();

	printf("%-24s %8.1f ms\n", what, (t - since) * 1e3);
	return t;
}

static int put(const char *dir, const char *name, const char *text, struct err **err)
{
	char *path cleanup_free = path_join(dir, name);

	if (path_mkparents(path, err))
		return -1;
	return file_write(path, text, strlen(text), 0644, false, err);
}

static int generate(const char *dir, size_t count, struct err **err)
{
	if (put(dir, "recipes/project.yaml", "schema: 1\nname: bench\n", err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		char *recipe cleanup_free = xasprintf("recipes/n%zu.yaml", i);
		char *input cleanup_free = xasprintf("src/f%zu", i);
		char *text cleanup_free =
			xasprintf("kind: run\ninputs: [%s%s]\nrun: [cp f%zu out]\n"
				  "outputs: [out]\n",
				  input, i ? ", n0" : "", i);

		if (put(dir, recipe, text, err) || put(dir, input, "x\n", err))
			return -1;
	}
	return 0;
}

/* All nodes count as built, so that every manifest can be made. */
static void settle(struct graph *g)
{
	for (size_t i = 0; i < g->nodes.count; i++) {
		struct node *n = g->nodes.items[i];
		struct record *r = arena_alloc(g->arena, sizeof(*r));

		r->output_count = n->outputs.count;
		r->outputs = arena_alloc(g->arena, (n->outputs.count + 1) * sizeof(*r->outputs));
		for (size_t k = 0; k < n->outputs.count; k++)
			r->outputs[k].name = n->outputs.items[k].name;
		n->record = r;
	}
}

static int measure(const char *dir, struct err_list *errors, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	char *store_path cleanup_free = path_join(dir, "store");
	struct tool_versions tools = {.arena = arena};
	double start = now(), t = start;
	struct project *p = project_load(arena, dir, kinds, NULL, errors);
	struct graph *g;
	struct store *s;

	if (!p || errors->count)
		return 1;
	t = lap("project_load", t);
	g = graph_build(arena, p, errors);
	if (!g)
		return 1;
	t = lap("graph_build", t);
	settle(g);
	if (store_open(store_path, true, &s, err))
		return -1;
	t = lap("store_open", t);
	for (size_t i = 0; i < g->order.count; i++)
		if (manifest_make(g, g->order.items[i], s, &tools, err))
			return -1;
	t = lap("manifest_make", t);
	store_close(s);
	lap("store_close", t);
	lap("total", start);
	return 0;
}

int main(int argc, char **argv)
{
	struct err_list errors cleanup_err_list = {0};
	struct err *err cleanup_err = NULL;
	char *mark cleanup_free = argc == 3 ? path_join(argv[1], "recipes") : NULL;
	int rc;

	if (!mark) {
		fputs("usage: bench-load DIR COUNT\n", stderr);
		return 2;
	}
	rc = path_exists(mark) ? 0 : generate(argv[1], strtoul(argv[2], NULL, 10), &err);
	if (rc == 0)
		rc = measure(argv[1], &errors, &err);
	if (rc)
		fprintf(stderr, "%s\n", err ? err->text : errors.items[0]->text);
	return rc != 0;
}
