/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/plan.h"

#include "base/pace.h"
#include "graph/values.h"

/* Seconds for a node of a kind that was never built and says nothing of it. */
#define ESTIMATE_UNKNOWN 1.0

struct planner {
	struct graph *g;
	struct store *s;
	struct tool_versions *tools;
	struct plan_nodes *ret;
	enum plan_verdict *verdicts; /* by node index */
	plan_ask_fn *ask;            /* or NULL */
	void *arg;
	bool builds; /* one of them is not cached */
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

	change_text(&changes->items[0], &s);
	if (changes->count > 1)
		str_printf(&s, " (and %zu more)", changes->count - 1);
	return arena_strndup(arena, s.buf, s.len);
}

int plan_reason(struct arena *arena, struct store *s, const struct node *n, struct changes *changes,
		const char **ret, struct err **err)
{
	struct record *last = NULL;
	struct node_past past;
	int rc = store_node_past(s, n->name, &past, err);

	if (rc) {
		*ret = "never built";
		return rc < 0 ? -1 : 0;
	}
	rc = store_record_last(s, n->name, arena, &last, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		manifest_diff(arena, last->manifest, n->manifest, changes);
	if (digest_eq(&past.key, &n->key))
		*ret = "its result is no longer in the store";
	else if (changes->count)
		*ret = changes_reason(arena, changes);
	else
		*ret = arena_printf(
			arena, "changed since run %lld, whose result is no longer in the store",
			(long long)past.run);
	return 0;
}

int plan_origin(struct arena *arena, struct store *s, const struct digest *key, const char **ret,
		struct err **err)
{
	struct run_info run;
	int rc = store_run_of_key(s, key, arena, &run, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		*ret = "already in the store";
	else if (!run.root || store_run_is_own(s, &run))
		*ret = arena_printf(arena, "built in run %lld", (long long)run.id);
	else
		*ret = arena_printf(arena, "built in run %lld of '%s'", (long long)run.id,
				    run.root);
	return 0;
}

static int explain_hit(struct planner *p, struct plan_node *pn, struct err **err)
{
	struct node_past past;
	int rc = store_node_past(p->s, pn->node->name, &past, err);

	if (rc == 0 && digest_eq(&past.key, &pn->node->key)) {
		pn->reason = "unchanged";
		return 0;
	}
	if (rc < 0)
		return -1;
	return plan_origin(p->g->arena, p->s, &pn->node->key, &pn->reason, err);
}

/* What is not here of a result whose record is. */
static uint64_t bytes_elsewhere(const struct store *s, const struct record *rec)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];

		if (a->shared && !store_blob_is_here(s, a))
			bytes += a->allocated;
	}
	return bytes;
}

/* 0: a shared cache has it. */
static int ask_elsewhere(struct planner *p, struct plan_node *pn)
{
	const char *by = "";

	if (!p->ask || p->ask(p->arg, p->g, pn->node, &pn->fetch, &by) != 0)
		return 1;
	pn->verdict = PLAN_CACHED;
	pn->shared = true;
	pn->reason =
		arena_printf(p->g->arena, "in the shared cache%s%s", *by ? ", made by " : "", by);
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
	if (rc > 0 && ask_elsewhere(p, pn) == 0)
		return 0;
	if (rc > 0)
		return plan_reason(p->g->arena, p->s, n, &pn->changes, &pn->reason, err);
	rc = store_record_check(p->s, found, &why, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		pn->reason = arena_strdup(p->g->arena, why ? why : "its result is damaged");
		return 0;
	}
	n->record = found;
	pn->verdict = PLAN_CACHED;
	pn->fetch = bytes_elsewhere(p->s, found);
	pn->left = pn->fetch && store_is_left(p->s, &n->key);
	return explain_hit(p, pn, err);
}

/* A node whose inputs are all cached. What it lacks (node->lacks) counts when it would run. */
static int plan_ready(struct planner *p, struct plan_node *pn, struct err **err)
{
	struct node *n = pn->node;
	int rc = manifest_make(p->g, n, p->s, p->tools, err);

	if (rc == 0)
		rc = ask_store(p, pn, err);
	if (!n->lacks || pn->verdict == PLAN_CACHED)
		return rc;
	if (rc < 0)
		err_free(steal_ptr(*err));
	pn->reason = n->lacks;
	return 0;
}

static int plan_one(struct planner *p, struct node *n, struct err **err)
{
	const struct node *behind = unsettled_input(p, n);
	const struct edge *value = behind ? NULL : values_absent(n, p->s);
	struct plan_node *pn = plan_nodes_at_end(p->ret);
	int rc = 0;

	*pn = (struct plan_node){.node = n, .verdict = PLAN_BUILD};
	if (behind || value)
		pn->verdict = PLAN_MAYBE;
	if (behind)
		pn->reason = arena_printf(p->g->arena, "after %s", behind->name);
	else if (value)
		pn->reason = arena_printf(p->g->arena, "its value %s is in the shared cache alone",
					  value->ref_text);
	else
		rc = plan_ready(p, pn, err);
	p->verdicts[n->index] = pn->verdict;
	p->builds = p->builds || pn->verdict != PLAN_CACHED;
	return rc;
}

int plan_make_asking(struct graph *g, struct store *s, struct tool_versions *tools,
		     plan_ask_fn *ask, void *arg, struct plan_nodes *ret, struct err **err)
{
	enum plan_verdict *verdicts cleanup_free = xcalloc(g->nodes.count + 1, sizeof(*verdicts));
	struct planner p = {g, s, tools, ret, verdicts, ask, arg, false};

	for (size_t i = 0; i < g->order.count; i++)
		if (g->order.items[i]->wanted && plan_one(&p, g->order.items[i], err))
			return -1;
	return p.builds ? plan_estimate(g, s, err) : 0;
}

int plan_make(struct graph *g, struct store *s, struct tool_versions *tools, struct plan_nodes *ret,
	      struct err **err)
{
	return plan_make_asking(g, s, tools, NULL, NULL, ret, err);
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
		struct duration d;
		int rc;

		if (!n->wanted)
			continue;
		n->estimate = -1;
		n->estimate_from = NULL;
		n->guessed = true;
		rc = store_duration(s, n->name, &d, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			continue;
		n->estimate = d.seconds;
		n->estimate_from = d.root;
		n->guessed = false;
		if (!h) {
			h = xcalloc(1, sizeof(*h));
			map_set(kinds, n->recipe->kind->name, h);
		}
		history_add(h, n->estimate);
	}
	return 0;
}

/* PACE is measured when it is needed first; 0 before. */
static double guess(const struct kind *kind, double *pace)
{
	if (!kind->usual_s)
		return ESTIMATE_UNKNOWN;
	if (!*pace)
		*pace = pace_probe();
	return kind->usual_s * *pace;
}

static void fill_unknown(struct graph *g, const struct map *kinds)
{
	struct map medians cleanup_map = {0};
	double *values cleanup_free = xcalloc(kinds->count + 1, sizeof(*values));
	double pace = 0;

	for (size_t i = 0; i < kinds->count; i++) {
		values[i] = median(kinds->entries[i].value);
		map_set(&medians, kinds->entries[i].key, &values[i]);
	}
	for (size_t i = 0; i < g->order.count; i++) {
		struct node *n = g->order.items[i];
		const double *m = map_get(&medians, n->recipe->kind->name);

		if (n->wanted && n->guessed)
			n->estimate = m ? *m : guess(n->recipe->kind, &pace);
	}
}

/* From the targets back: a node is as urgent as itself and the longest path after it. */
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

double plan_left(const struct graph *g, unsigned jobs, const double *rest)
{
	double *path cleanup_free = xcalloc(g->nodes.count + 1, sizeof(*path));
	double work = 0, longest = 0;

	for (size_t i = g->order.count; i-- > 0;) {
		const struct node *n = g->order.items[i];

		if (!n->wanted)
			continue;
		for (size_t k = 0; k < n->users.count; k++) {
			const struct node *user = n->users.items[k];

			if (user->wanted && path[user->index] > path[n->index])
				path[n->index] = path[user->index];
		}
		path[n->index] += rest[n->index];
		work += rest[n->index];
		longest = path[n->index] > longest ? path[n->index] : longest;
	}
	work /= jobs ? jobs : 1;
	return work > longest ? work : longest;
}
