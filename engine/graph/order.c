/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/order.h"

#include <string.h>

/* Calls FN for each distinct node that N takes from. SEEN has a stamp per node. */
static void each_input(struct graph *g, struct node *n, size_t *seen,
		       void (*fn)(struct graph *g, struct node *from, struct node *n))
{
	for (size_t i = 0; i < n->in.count; i++) {
		struct node *from = n->in.items[i].from;

		if (!from || seen[from->index] == n->index + 1)
			continue;
		seen[from->index] = n->index + 1;
		fn(g, from, n);
	}
}

static void count_user(struct graph *g, struct node *from, struct node *n)
{
	from->users.cap++;
	n->nblock++;
}

static void add_user(struct graph *g, struct node *from, struct node *n)
{
	if (!from->users.items)
		from->users.items = arena_alloc(g->arena, from->users.cap * sizeof(n));
	from->users.items[from->users.count++] = n;
}

static void find_users(struct graph *g)
{
	size_t *seen cleanup_free = xcalloc(g->nodes.count + 1, sizeof(*seen));

	for (size_t i = 0; i < g->nodes.count; i++)
		each_input(g, g->nodes.items[i], seen, count_user);
	memset(seen, 0, g->nodes.count * sizeof(*seen));
	for (size_t i = 0; i < g->nodes.count; i++)
		each_input(g, g->nodes.items[i], seen, add_user);
}

/*
 * Inputs before users; among those that are free, by name. Nodes on or after a cycle are left out.
 */
static void sort(struct graph *g)
{
	for (size_t i = 0; i < g->nodes.count; i++)
		if (!g->nodes.items[i]->nblock)
			nodes_push(&g->order, g->nodes.items[i]);
	for (size_t i = 0; i < g->order.count; i++) {
		const struct nodes *users = &g->order.items[i]->users;

		for (size_t k = 0; k < users->count; k++)
			if (--users->items[k]->nblock == 0)
				nodes_push(&g->order, users->items[k]);
	}
}

void graph_order(struct graph *g)
{
	find_users(g);
	sort(g);
}
