/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/plan.h"

/* Seconds for a node of a kind that was never built. */
#define ESTIMATE_UNKNOWN 1.0

struct planner {
	struct graph *g;
	struct store *s;
	struct tool_versions *tools;
	struct plan_nodes *ret;
	enum plan_verdict *verdicts; /* by node index */
};

/* The first input that is not cached; NULL: the node's key can be made. */
static const struct node *unsettled_input(const struct planner *p, const struct node *n)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (from && p->verdicts[from->index] != PLAN_CACHED)
			return from;
	}
	return NULL;
}

static const char *changes_reason(struct arena *arena, const struct changes *changes)
{
	struct str s cleanup_str = STR_INIT;

	if (!changes->count)
		return "its result is no longer in the store";
	change_text(&changes->items[0], &s);
	if (changes->count > 1)
		str_printf(&s, " (and %zu more)", changes->count - 1);
	return arena_strndup(arena, s.buf, s.len);
}

static int explain_miss(struct planner *p, struct plan_node *pn, struct err **err)
{
	struct record *last = NULL;
	int rc = store_record_last(p->s, pn->node->name, p->g->arena, &last, err);

	if (rc < 0)
		return -1;
	if (rc > 0) {
		pn->reason = "never built";
		return 0;
	}
	manifest_diff(p->g->arena, last->manifest, pn->node->manifest, &pn->changes);
	pn->reason = changes_reason(p->g->arena, &pn->changes);
	return 0;
}

/* Looks the node's key up: hit, or miss for a reason. */
static int ask_store(struct planner *p, struct plan_node *pn, struct err **err)
{
	struct node *n = pn->node;
	struct record *found = NULL;
	char *why cleanup_free = NULL;
	int rc = store_record_get(p->s, &n->key, p->g->arena, &found, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return explain_miss(p, pn, err);
	rc = store_record_check(p->s, found, &why, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		pn->reason = arena_strdup(p->g->arena, why ? why : "its result is damaged");
		return 0;
	}
	n->record = found;
	pn->verdict = PLAN_CACHED;
	pn->reason = "unchanged";
	pn->estimate = 0;
	return 0;
}

static int plan_one(struct planner *p, struct node *n, struct err **err)
{
	const struct node *behind = unsettled_input(p, n);
	struct plan_node *pn = plan_nodes_at_end(p->ret);
	int rc = 0;

	*pn = (struct plan_node){.node = n, .verdict = PLAN_BUILD, .estimate = -1};
	if (behind) {
		pn->verdict = PLAN_MAYBE;
		pn->reason = arena_printf(p->g->arena, "after %s", behind->name);
	} else if (manifest_make(p->g, n, p->s, p->tools, err)) {
		rc = -1;
	} else {
		rc = ask_store(p, pn, err);
	}
	p->verdicts[n->index] = pn->verdict;
	if (rc == 0 && pn->verdict != PLAN_CACHED &&
	    store_duration(p->s, n->name, &pn->estimate, err) < 0)
		rc = -1;
	return rc;
}

int plan_make(struct graph *g, struct store *s, struct tool_versions *tools, struct plan_nodes *ret,
	      struct err **err)
{
	enum plan_verdict *verdicts cleanup_free = xcalloc(g->nodes.count + 1, sizeof(*verdicts));
	struct planner p = {g, s, tools, ret, verdicts};

	for (size_t i = 0; i < g->order.count; i++)
		if (g->order.items[i]->wanted && plan_one(&p, g->order.items[i], err))
			return -1;
	return 0;
}

void plan_release(struct plan_nodes *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		changes_clear(&plan->items[i].changes);
	plan_nodes_clear(plan);
}

/* Durations of the nodes of one kind that are known. */
struct kind_history {
	double *seconds;
	size_t count, cap;
};

static void history_add(struct kind_history *h, double seconds)
{
	if (h->count == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 16;
		h->seconds = xreallocarray(h->seconds, h->cap, sizeof(*h->seconds));
	}
	h->seconds[h->count++] = seconds;
}

static int compare_seconds(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct kind_history *h)
{
	if (!h || !h->count)
		return ESTIMATE_UNKNOWN;
	qsort(h->seconds, h->count, sizeof(*h->seconds), compare_seconds);
	return h->seconds[h->count / 2];
}

static void free_histories(struct map *kinds)
{
	for (size_t i = 0; i < kinds->count; i++) {
		struct kind_history *h = kinds->entries[i].value;

		free(h->seconds);
		free(h);
	}
	map_clear(kinds);
}

static int read_history(struct graph *g, struct store *s, struct map *kinds, struct err **err)
{
	for (size_t i = 0; i < g->order.count; i++) {
		struct node *n = g->order.items[i];
		struct kind_history *h = map_get(kinds, n->recipe->kind->name);
		int rc;

		if (!n->wanted)
			continue;
		n->estimate = -1;
		rc = store_duration(s, n->name, &n->estimate, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			continue;
		if (!h) {
			h = xcalloc(1, sizeof(*h));
			map_set(kinds, n->recipe->kind->name, h);
		}
		history_add(h, n->estimate);
	}
	return 0;
}

static void fill_unknown(struct graph *g, const struct map *kinds)
{
	struct map medians cleanup_map = {0};
	double *values cleanup_free = xcalloc(kinds->count + 1, sizeof(*values));

	for (size_t i = 0; i < kinds->count; i++) {
		values[i] = median(kinds->entries[i].value);
		map_set(&medians, kinds->entries[i].key, &values[i]);
	}
	for (size_t i = 0; i < g->order.count; i++) {
		struct node *n = g->order.items[i];
		const double *m = map_get(&medians, n->recipe->kind->name);

		if (n->wanted && n->estimate < 0)
			n->estimate = m ? *m : ESTIMATE_UNKNOWN;
	}
}

/* From the targets back: a node is as urgent as itself and the longest path behind it. */
static void find_critical(struct graph *g)
{
	for (size_t i = g->order.count; i-- > 0;) {
		struct node *n = g->order.items[i];

		n->critical = 0;
		for (size_t k = 0; k < n->users.count; k++) {
			const struct node *user = n->users.items[k];

			if (user->wanted && user->critical > n->critical)
				n->critical = user->critical;
		}
		n->critical += n->estimate;
	}
}

int plan_estimate(struct graph *g, struct store *s, struct err **err)
{
	struct map kinds = {0};
	int rc = read_history(g, s, &kinds, err);

	if (rc == 0) {
		fill_unknown(g, &kinds);
		find_critical(g);
	}
	free_histories(&kinds);
	return rc;
}
