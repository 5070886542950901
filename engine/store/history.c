/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs and notes: what a store remembers beside its records. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/trace.h"
#include "base/vec.h"
#include "store/store_priv.h"

/* History is a comfort: where there is no room for it, the run goes on without. */
static int forgive_full(int rc, struct err **err)
{
	if (rc == 0 || (*err)->code->cls != ERR_RESOURCE)
		return rc;
	trace(TRACE_STORE, "history: %s", (*err)->text);
	err_free(steal_ptr(*err));
	return 0;
}

/*
 * A run that goes on holds a lock on one byte of STORE/lock, at the place of its number: the kernel
 * drops it however the process ends, and it is seen from other pid namespaces too.
 */
static struct flock run_byte(int64_t run)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = run, .l_len = 1};
}

static void hold_run(const struct store *s, int64_t run)
{
	struct flock byte = run_byte(run);

	if (fcntl(s->lock, F_OFD_SETLK, &byte) < 0)
		trace(TRACE_STORE, "cannot lock run %lld: %s", (long long)run, strerror(errno));
}

static void release_run(const struct store *s, int64_t run)
{
	struct flock byte = run_byte(run);

	byte.l_type = F_UNLCK;
	(void)!fcntl(s->lock, F_OFD_SETLK, &byte);
}

static bool goes_on(const struct store *s, int64_t run)
{
	struct flock byte = run_byte(run);

	return fcntl(s->lock, F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}

int store_run_begin(struct store *s, const char *targets, int64_t *ret_id, struct err **err)
{
	struct state_project *p = s->project && s->project->name ? s->project : NULL;
	int64_t id = 0;
	int rc = state_call(s, err, state_run_begin(s->state, p, targets, time(NULL), &id, err));
	rc = forgive_full(rc, err);
	if (rc == 0 && id)
		hold_run(s, id);
	if (rc == 0)
		*ret_id = id;
	return rc;
}

int store_run_node(struct store *s, int64_t run, const struct run_node *n, struct err **err)
{
	int rc;

	if (run == 0)
		return 0;
	rc = state_call(s, err,
			state_run_node(s->state, s->project ? s->project->id : 0, run, n, err));
	return forgive_full(rc, err);
}

int store_run_end(struct store *s, int64_t run, double wall_s, int exit_code, struct err **err)
{
	int rc;

	store_flush_cache(s);
	store_reload_project(s);
	if (run == 0)
		return 0;
	rc = state_call(s, err, state_run_end(s->state, run, wall_s, exit_code, err));
	release_run(s, run);
	return forgive_full(rc, err);
}

int store_note_get(struct store *s, const char *name, struct str *ret, struct err **err)
{
	return state_call(s, err, state_note_get(s->state, name, ret, err));
}

int store_note_put(struct store *s, const char *name, const struct str *data, struct err **err)
{
	return state_call(s, err, state_note_put(s->state, name, data, err));
}

void store_fold_log(struct store *s)
{
	if (s->state)
		state_fold_log(s->state);
}

DEFINE_VEC(run_infos, struct run_info)
DEFINE_VEC(run_nodes, struct run_node)

struct listing {
	const struct store *s;
	struct arena *arena;
	struct run_infos runs;
	struct run_nodes nodes;
};

static void list_run(void *arg, const struct run_info *row)
{
	struct listing *l = arg;
	struct run_info own = *row;

	own.targets = arena_strdup(l->arena, row->targets);
	own.root = row->root ? arena_strdup(l->arena, row->root) : NULL;
	own.name = row->name ? arena_strdup(l->arena, row->name) : NULL;
	if (own.state == RUN_KILLED && goes_on(l->s, own.id))
		own.state = RUN_RUNNING;
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

int store_runs(struct store *s, struct arena *arena, bool all, size_t limit, struct run_info **ret,
	       size_t *ret_count, struct err **err)
{
	bool one = !all && s->project;
	struct listing l = {.s = s, .arena = arena};
	int rc;

	if (one && !s->project->id && store_find_project(s, err) < 0)
		return -1;
	if (one && !s->project->id) { /* it never ran */
		*ret_count = 0;
		return 0;
	}
	rc = state_call(s, err,
			(l.runs.count = 0, state_run_each(s->state, one ? s->project->id : 0, limit,
							  list_run, &l, err)));
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
	struct listing l = {.s = s, .arena = arena};
	int rc = state_call(
		s, err,
		(l.nodes.count = 0, state_run_node_each(s->state, run, list_node, &l, err)));
	if (rc == 0) {
		*ret = keep(arena, l.nodes.items, l.nodes.count, sizeof(*l.nodes.items));
		*ret_count = l.nodes.count;
	}
	run_nodes_clear(&l.nodes);
	return rc;
}

bool store_run_is_own(const struct store *s, const struct run_info *run)
{
	return s->project && s->project->id && s->project->id == run->project;
}

int store_run_of_key(struct store *s, const struct digest *key, struct arena *arena,
		     struct run_info *ret, struct err **err)
{
	struct listing l = {.s = s, .arena = arena};
	int rc = state_call(s, err,
			    (l.runs.count = 0, state_run_of_key(s->state, key, list_run, &l, err)));
	if (rc == 0)
		*ret = l.runs.items[0];
	run_infos_clear(&l.runs);
	return rc;
}
