/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs, durations and snapshots: what a store remembers beside its records. */
#include <string.h>
#include <time.h>

#include "base/trace.h"
#include "base/vec.h"
#include "store/store_priv.h"

/* History is a comfort: where there is no room for it, the run goes on without. */
static int forgive_full(int rc, struct err **err)
{
	if (rc == 0 || (*err)->cls != ERR_RESOURCE)
		return rc;
	trace(TRACE_STORE, "history: %s", (*err)->text);
	err_free(steal_ptr(*err));
	return 0;
}

int store_run_begin(struct store *s, const char *targets, int64_t *ret_id, struct err **err)
{
	int64_t id = 0;
	int rc;

	do {
		rc = store_ready(s, err) < 0
			     ? -1
			     : state_run_begin(s->state, targets, time(NULL), &id, err);
	} while (rc < 0 && store_heal(s, err));
	rc = forgive_full(rc, err);
	if (rc == 0)
		*ret_id = id;
	return rc;
}

int store_run_node(struct store *s, int64_t run, const struct run_node *n, struct err **err)
{
	int rc;

	if (run == 0 || str_eq(n->status, "cached"))
		return 0;
	do {
		rc = store_ready(s, err) < 0 ? -1 : state_run_node(s->state, run, n, err);
	} while (rc < 0 && store_heal(s, err));
	return forgive_full(rc, err);
}

int store_run_end(struct store *s, int64_t run, double wall_s, int exit_code, struct err **err)
{
	int rc;

	store_flush_cache(s);
	if (run == 0)
		return 0;
	do {
		rc = store_ready(s, err) < 0 ? -1
					     : state_run_end(s->state, run, wall_s, exit_code, err);
	} while (rc < 0 && store_heal(s, err));
	return forgive_full(rc, err);
}

int store_snapshot_get(struct store *s, const char *name, struct str *ret, struct err **err)
{
	int rc;

	do {
		rc = store_ready(s, err) < 0 ? -1 : state_snapshot_get(s->state, name, ret, err);
	} while (rc < 0 && store_heal(s, err));
	return rc;
}

int store_snapshot_put(struct store *s, const char *name, const struct str *data, struct err **err)
{
	int rc;

	do {
		rc = store_ready(s, err) < 0 ? -1 : state_snapshot_put(s->state, name, data, err);
	} while (rc < 0 && store_heal(s, err));
	return rc;
}

DEFINE_VEC(run_infos, struct run_info)
DEFINE_VEC(run_nodes, struct run_node)

struct listing {
	struct arena *arena;
	struct run_infos runs;
	struct run_nodes nodes;
};

static void list_run(void *arg, const struct run_info *row)
{
	struct listing *l = arg;
	struct run_info own = *row;

	own.targets = arena_strdup(l->arena, row->targets);
	run_infos_push(&l->runs, own);
}

static void list_node(void *arg, const struct run_node *row)
{
	struct listing *l = arg;
	struct run_node own = *row;

	own.node = arena_strdup(l->arena, row->node);
	own.status = arena_strdup(l->arena, row->status);
	own.error = row->error ? arena_strdup(l->arena, row->error) : NULL;
	run_nodes_push(&l->nodes, own);
}

/* COUNT elements of SIZE bytes in ARENA. */
static void *keep(struct arena *arena, const void *items, size_t count, size_t size)
{
	void *own = arena_alloc(arena, (count ? count : 1) * size);

	if (count)
		memcpy(own, items, count * size);
	return own;
}

int store_runs(struct store *s, struct arena *arena, size_t limit, struct run_info **ret,
	       size_t *ret_count, struct err **err)
{
	struct listing l = {.arena = arena};
	int rc;

	do {
		l.runs.count = 0;
		rc = store_ready(s, err) < 0 ? -1
					     : state_run_each(s->state, limit, list_run, &l, err);
	} while (rc < 0 && store_heal(s, err));
	if (rc == 0) {
		*ret = keep(arena, l.runs.items, l.runs.count, sizeof(*l.runs.items));
		*ret_count = l.runs.count;
	}
	run_infos_clear(&l.runs);
	return rc;
}

int store_run_nodes(struct store *s, int64_t run, struct arena *arena, struct run_node **ret,
		    size_t *ret_count, struct err **err)
{
	struct listing l = {.arena = arena};
	int rc;

	do {
		l.nodes.count = 0;
		rc = store_ready(s, err) < 0
			     ? -1
			     : state_run_node_each(s->state, run, list_node, &l, err);
	} while (rc < 0 && store_heal(s, err));
	if (rc == 0) {
		*ret = keep(arena, l.nodes.items, l.nodes.count, sizeof(*l.nodes.items));
		*ret_count = l.nodes.count;
	}
	run_nodes_clear(&l.nodes);
	return rc;
}

static void add_duration(void *arg, const char *node, double seconds)
{
	struct store *s = arg;
	double *own = map_get(&s->durations, node);

	if (!own) {
		own = arena_alloc(s->arena, sizeof(*own));
		map_set(&s->durations, arena_strdup(s->arena, node), own);
	}
	*own = seconds;
}

int store_duration(struct store *s, const char *node, double *ret_seconds, struct err **err)
{
	const double *known;

	if (!s->durations_loaded) {
		if (store_ready(s, err) < 0 ||
		    (state_duration_each(s->state, add_duration, s, err) < 0 &&
		     !store_heal(s, err)))
			return -1;
		s->durations_loaded = true;
	}
	known = map_get(&s->durations, node);
	if (!known)
		return 1;
	*ret_seconds = *known;
	return 0;
}
