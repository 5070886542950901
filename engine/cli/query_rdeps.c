/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch query rdeps: what depends on a node, directly and by way of others. Needs no result. */
#include <limits.h>

#include "cli/as_owner.h"
#include "cli/json.h"
#include "cli/query.h"
#include "cli/table.h"

#define FAR UINT_MAX

/* How many steps each node, by its index, is away from N along the edges to its users; else FAR. */
static unsigned *distances(const struct graph *g, const struct node *n)
{
	unsigned *away = xcalloc(g->nodes.count + 1, sizeof(*away));

	for (size_t i = 0; i < g->nodes.count; i++)
		away[i] = FAR;
	away[n->index] = 0;
	for (size_t i = 0; i < g->order.count; i++) {
		const struct node *user = g->order.items[i];

		for (size_t k = 0; k < user->in.count; k++) {
			const struct node *from = user->in.items[k].from;

			if (from && away[from->index] != FAR &&
			    away[from->index] + 1 < away[user->index])
				away[user->index] = away[from->index] + 1;
		}
	}
	return away;
}

/* The inputs of USER by which it depends on the node, each once, in order of names. */
static void find_ways(const struct node *user, const unsigned *away, struct strs *ret)
{
	for (size_t i = 0; i < user->in.count; i++) {
		const struct node *from = user->in.items[i].from;
		bool seen = !from || away[from->index] == FAR;

		for (size_t k = 0; k < ret->count && !seen; k++)
			seen = str_eq(ret->items[k], from->name);
		if (!seen)
			strs_push(ret, from->name);
	}
}

static void print_row(struct table *t, const struct node *user, const struct strs *ways,
		      unsigned away)
{
	struct str text cleanup_str = STR_INIT;
	char *steps cleanup_free = xasprintf("%u", away);

	for (size_t i = 0; i < ways->count; i++)
		str_printf(&text, "%s%s", i ? ", " : "", ways->items[i]);
	table_row(t, steps, user->name, user->recipe->kind->name, text.buf);
}

static json_t *user_object(const struct node *user, const struct strs *ways, unsigned away)
{
	json_t *by = json_array();

	for (size_t i = 0; i < ways->count; i++)
		json_array_append_new(by, json_text(ways->items[i]));
	return json_pack("{s:o, s:s, s:o, s:i, s:b, s:o}", "node", json_text(user->name), "kind",
			 user->recipe->kind->name, "recipe", json_text(user->recipe->file), "steps",
			 (int)away, "direct", away == 1, "by", by);
}

static void tell_user(const struct node *user, const unsigned *away, struct table *table,
		      json_t *list)
{
	struct strs ways = {0};

	find_ways(user, away, &ways);
	if (list)
		json_array_append_new(list, user_object(user, &ways, away[user->index]));
	else
		print_row(table, user, &ways, away[user->index]);
	strs_clear(&ways);
}

/* The nearest first. */
static size_t tell_users(const struct graph *g, const unsigned *away, struct table *table,
			 json_t *list)
{
	size_t count = 0, before = SIZE_MAX;

	for (unsigned steps = 1; count != before; steps++) {
		before = count;
		for (size_t i = 0; i < g->order.count; i++) {
			const struct node *user = g->order.items[i];

			if (away[user->index] != steps)
				continue;
			tell_user(user, away, table, list);
			count++;
		}
	}
	return count;
}

static int tell(const struct session *s, const struct node *n)
{
	unsigned *away cleanup_free = distances(s->graph, n);
	struct table *table =
		s->cli->json ? NULL : table_new(">STEPS", "NODE", "KIND", "BY WAY OF", NULL);
	json_t *list = s->cli->json ? json_array() : NULL;
	size_t count = tell_users(s->graph, away, table, list);

	if (list)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:o}", "v", 1, "ok", 1, "node",
				     json_text(n->name), "users", list),
			   false);
	else if (count)
		table_print(steal_ptr(table));
	else
		printf("nothing depends on '%s'\n", n->name);
	table_free(table);
	return s->cli->exit_code && count ? 3 : 0;
}

int query_rdeps(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct err *err = NULL;
	const struct node *n;
	int code;

	if (query_check(c, "rdeps", 2, "NODE", &err) < 0 || act_as_owner(c, &err) < 0)
		return cli_fail(&s, err);
	code = session_open(&s, c, SESSION_GRAPH, NULL);
	if (code)
		return code;
	n = session_node(&s, c->args.items[1], &err);
	return n ? tell(&s, n) : cli_fail(&s, err);
}
