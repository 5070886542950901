/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A project in a temporary directory and a few kinds that make nothing, for tests of the graph
 * layer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "graph/plan.h"
#include "tmp.h"

struct demo {
	const char *text;
	uint64_t size;
	struct ref *tree, *image, *path, *later, *signer;
	struct list inputs, names, makes;
	const char *key;
	const char *look;
	struct list tools;
};

#define AT(field) offsetof(struct demo, field)
static const struct option demo_options[] = {
	{"text", OPT_STRING, AT(text), OPT_VALUE, .help = "Text."},
	{"size", OPT_SIZE, AT(size), .help = "Size."},
	{"tree", OPT_REF, AT(tree), .accept = ACCEPT_TREE, .help = "Tree."},
	{"image", OPT_REF, AT(image), .accept = ACCEPT_IMAGE, .help = "Image."},
	{"path", OPT_REF, AT(path), .accept = ACCEPT_PATH, .help = "Path."},
	{"later", OPT_REF, AT(later), OPT_LATER, .accept = ACCEPT_PATH, .help = "Later."},
	{"sign", OPT_REF, AT(signer), .accept = ACCEPT_SIGNER, .help = "Signer."},
	{"inputs", OPT_REF, AT(inputs), .flags = OPT_LIST,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_NODE | ACCEPT_INSIDE, .help = "Inputs."},
	{"names", OPT_STRING, AT(names), .flags = OPT_LIST, .help = "Names."},
	{"makes", OPT_STRING, AT(makes), .flags = OPT_LIST, .help = "Outputs; *.tar is a tree."},
	{"key", OPT_SECRET, AT(key), .help = "Key."},
	{"look", OPT_STRING, AT(look), .flags = OPT_UNKEYED, .help = "Does not matter."},
	{"tools", OPT_STRING, AT(tools), .flags = OPT_LIST | OPT_UNKEYED, .help = "Host tools."},
};
#undef AT
static const struct schema demo_schema = SCHEMA(struct demo, demo_options);

static void demo_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct demo *d = ctx->opts;

	for (size_t i = 0; i < d->makes.count; i++) {
		const char *name = LIST_AT(d->makes, const char *, i);

		output_specs_push(
			ret, (struct output_spec){name, str_ends(name, ".tar")   ? OUTPUT_TREE
							: str_ends(name, ".img") ? OUTPUT_IMAGE
										 : OUTPUT_FILE});
	}
	if (!d->makes.items)
		output_specs_push(ret, (struct output_spec){"out", OUTPUT_FILE});
}

static const char *locked_lock(const struct kind_ctx *ctx)
{
	return arena_printf(ctx->arena, "recipes/%s.lock", ctx->node);
}

/* One pin a line, NAME VALUE; "bad" is none. */
static int locked_pins(struct arena *to, const char *file, const char *text, struct pins *ret,
		       struct err **err)
{
	char *copy = arena_strdup(to, text), *line;

	while ((line = strsep(&copy, "\n")) && *line) {
		char *value = strchr(line, ' ');

		if (!value)
			return err_set(err, E_LOCK_MALFORMED, "%s: bad", file);
		*value++ = 0;
		pins_push(ret, (struct pin){"package", line, value});
	}
	return 0;
}

static uint64_t locked_date(const struct kind_ctx *ctx)
{
	const struct demo *d = ctx->opts;

	return d->size;
}

static void demo_tools(const void *opts, struct strs *ret)
{
	const struct demo *d = opts;

	for (size_t i = 0; i < d->tools.count; i++)
		strs_push(ret, LIST_AT(d->tools, const char *, i));
}

static void demo_missing(const struct kind_ctx *ctx, struct err_list *list)
{
	const struct demo *d = ctx->opts;
	char *path cleanup_free = d->later ? path_join(ctx->project_dir, d->later->text) : NULL;

	if (path && !path_exists(path))
		err_list_at(list, E_FILE_MISSING, d->later->pos, "'%s' is missing", d->later->text);
}

static struct demand demo_demand(const void *opts)
{
	return (struct demand){.cpus = 2, .memory_mb = 10};
}

/* One that lends the memory that its 'size' says, as a board does. */
static unsigned locked_lends(const void *opts)
{
	const struct demo *d = opts;

	return (unsigned)d->size;
}

static const struct kind demo_kind = {.name = "demo",
				      .summary = "for tests",
				      .version = 2,
				      .named = kind_always,
				      .schema = &demo_schema,
				      .outputs = demo_outputs,
				      .demand = demo_demand,
				      .missing = demo_missing,
				      .tools = demo_tools};
static const struct kind locked_kind = {.name = "locked",
					.version = 1,
					.schema = &demo_schema,
					.outputs = demo_outputs,
					.lock = locked_lock,
					.pins = locked_pins,
					.lent_memory_mb = locked_lends,
					.lock_date = locked_date};
static const struct kind *const demo_kinds[] = {&demo_kind, &locked_kind, NULL};

static struct arena *arena;
static struct err_list errors;
static char *project_dir;

static void put_mode(const char *name, const char *text, mode_t mode)
{
	char *path cleanup_free = path_join(project_dir, name);
	struct err *err cleanup_err = NULL;

	assert_int_equal(path_mkparents(path, &err), 0);
	assert_int_equal(file_write(path, text, strlen(text), mode, false, &err), 0);
}

static void put(const char *name, const char *text)
{
	put_mode(name, text, 0644);
}

static int setup(void **state)
{
	arena = arena_new();
	if (dir_setup(state) < 0)
		return -1;
	project_dir = path_join(dir, "p");
	put("recipes/project.yaml", "schema: 1\nname: p\n");
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	err_list_clear(&errors);
	free(project_dir);
	return dir_teardown(state);
}

/* The graph of the project, or NULL with ERRORS sorted. */
static struct graph *load(void)
{
	struct project *p;
	struct graph *g;

	err_list_clear(&errors);
	p = project_load(arena, project_dir, demo_kinds, NULL, &errors);
	g = p ? graph_build(arena, p, &errors) : NULL;
	err_list_sort(&errors);
	return errors.count ? NULL : g;
}

static struct graph *good(void)
{
	struct graph *g = load();

	if (!g)
		fail_msg("%s:%u: %s", errors.items[0]->file, errors.items[0]->line,
			 errors.items[0]->text);
	return g;
}
