/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/action.h"

#include <assert.h>

#include "graph/graph.h"

static int compare(const void *key, const void *item)
{
	return strcmp(key, ((const struct action_input *)item)->ref);
}

const struct action_input *action_input(const struct action *a, const struct ref *ref)
{
	const struct action_input *in =
		a->input_count
			? bsearch(ref->text, a->inputs, a->input_count, sizeof(*a->inputs), compare)
			: NULL;

	assert(in); /* the graph made an edge of every reference */
	return in;
}

const struct action_input *action_fact(const struct action *a)
{
	const struct ref ref = {.text = EDGE_FACT};

	return action_input(a, &ref);
}

const char *action_secret(const struct action *a, const char *node, const char *option)
{
	for (size_t i = 0; i < a->secret_count; i++) {
		if (str_eq(a->secrets[i].node, node) && str_eq(a->secrets[i].option, option))
			return a->secrets[i].path;
	}
	return NULL;
}

const char *action_place(const struct action *a, struct pos pos)
{
	return pos.line ? arena_printf(a->arena, "%s:%u", pos.file, pos.line)
			: arena_printf(a->arena, "recipes/%s.yaml", a->node);
}

const char *action_output(const struct action *a, const char *name)
{
	return arena_printf(a->arena, "%s/%s", a->outdir, name);
}
