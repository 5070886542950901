/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which node is meant by a text that names none. */
#include <strings.h>

#include "base/str.h"
#include "graph/graph.h"

#define RECIPES "recipes/"
#define OUT "out/"

/* TEXT without "recipes/" before it, and ".yaml" or ":OUTPUT" after it. Heap. */
static char *bare_name(const char *text)
{
	const char *rest = str_skip(text, RECIPES), *name = rest ? rest : text;
	size_t len = strcspn(name, ":");

	if (str_ends(name, ".yaml"))
		len = strlen(name) - strlen(".yaml");
	else if (str_ends(name, ".yml"))
		len = strlen(name) - strlen(".yml");
	return xstrndup(name, len);
}

static bool same_but_case(const char *node, const char *name)
{
	return strcasecmp(node, name) == 0;
}

/* Whether NODE is NAME in a directory of recipes/. */
static bool is_below(const char *node, const char *name)
{
	size_t n = strlen(node), len = strlen(name);

	return n > len && node[n - len - 1] == '/' && str_eq(node + n - len, name);
}

/* The only node that ALIKE says of NAME, or NULL. */
static const char *only_alike(const struct graph *g, const char *name,
			      bool (*alike)(const char *node, const char *name))
{
	const char *found = NULL;

	for (size_t i = 0; i < g->nodes.count; i++) {
		if (!alike(g->nodes.items[i]->name, name))
			continue;
		if (found)
			return NULL;
		found = g->nodes.items[i]->name;
	}
	return found;
}

static const char *nearest(const struct graph *g, const char *name)
{
	const char **names cleanup_free = xcalloc(g->nodes.count + 1, sizeof(*names));

	for (size_t i = 0; i < g->nodes.count; i++)
		names[i] = g->nodes.items[i]->name;
	return str_nearest(name, names, g->nodes.count);
}

const char *graph_near(const struct graph *g, const char *text)
{
	char *name cleanup_free = bare_name(text);
	const struct node *n = graph_node(g, name);
	const char *near = n ? n->name : only_alike(g, name, same_but_case);

	if (!near)
		near = only_alike(g, name, is_below);
	return near ? near : nearest(g, name);
}

static bool makes(const struct node *n, const char *output)
{
	for (size_t i = 0; i < n->outputs.count; i++)
		if (str_eq(n->outputs.items[i].name, output))
			return true;
	return false;
}

char *graph_near_output(const struct graph *g, const char *text)
{
	const char *rest = str_skip(text, OUT), *name = rest ? rest : text;

	for (const char *end = strpbrk(name, "/."); end; end = strpbrk(end + 1, "/.")) {
		char *node cleanup_free = xstrndup(name, (size_t)(end - name));
		const struct node *n = graph_node(g, node);

		if (n && makes(n, end + 1))
			return xasprintf("%s:%s", node, end + 1);
	}
	return rest && graph_node(g, rest) ? xstrdup(rest) : NULL;
}
