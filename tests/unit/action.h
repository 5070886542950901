/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A worker for tests of kinds: options from recipe text, inputs by hand, no process and no store.
 * Include it in one file of a test that does not link the run layer.
 */
#include "kinds/kinds.h"
#include "recipe/yaml.h"
#include "run/action.h"

static struct action_input action_inputs[16];

static inline void input_add(struct action *a, struct action_input in)
{
	assert_true(a->input_count < array_len(action_inputs));
	action_inputs[a->input_count++] = in;
}

/*
 * An attempt at node NAME of KIND with the options in TEXT; outputs go to a new directory in dir.
 */
static inline struct action action_new(const struct kind *kind, const char *name, const char *text)
{
	struct arena *arena = arena_new();
	struct err_list errors cleanup_err_list = {0};
	struct err *err = NULL;
	struct yaml *y = yaml_parse(arena, "r", text, strlen(text), &errors);
	char *out = NULL, *work = NULL;
	struct action a = {.arena = arena, .node = name, .project = "edge", .epoch = 1700000000};

	a.opts = y ? schema_decode(kind->schema, arena, y, NULL, &errors) : NULL;
	if (errors.count)
		fail_msg("%u:%u: %s", errors.items[0]->line, errors.items[0]->col,
			 errors.items[0]->text);
	ok(tmp_dir(dir, "out", &out, &err), &err);
	ok(tmp_dir(dir, "work", &work, &err), &err);
	a.outdir = arena_strdup(arena, out);
	a.workdir = arena_strdup(arena, work);
	a.kind = kind;
	a.inputs = action_inputs;
	free(out);
	free(work);
	return a;
}

const struct action_input *action_input(const struct action *a, const struct ref *ref)
{
	for (size_t i = 0; i < a->input_count; i++)
		if (str_eq(a->inputs[i].ref, ref->text))
			return &a->inputs[i];
	fail_msg("no input '%s'", ref->text);
	return NULL;
}

const char *action_output(const struct action *a, const char *name)
{
	return arena_printf(a->arena, "%s/%s", a->outdir, name);
}

const char *action_place(const struct action *a, struct pos pos)
{
	return arena_printf(a->arena, "%s:%u", pos.file, pos.line);
}

void action_misused(struct action *a, const struct action_input *tree, int64_t since)
{
}

void action_go_outside(struct action *a)
{
}

void action_progress(struct action *a, int percent, const char *fmt, ...)
{
}

void action_downloaded(struct action *a, uint64_t done, uint64_t total, const char *what)
{
}

void action_log(struct action *a, const char *fmt, ...)
{
}
