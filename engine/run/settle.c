/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "base/trace.h"
#include "graph/values.h"
#include "run/sched_run.h"

/* A disk on which blobs break faster than they are made is not worth more. */
#define STARTS_MAX 5

void sched_tell(struct sched *d, const struct event *ev)
{
	if (d->opts->sink)
		d->opts->sink->event(d->opts->sink, ev);
}

void sched_stop(struct sched *d)
{
	if (!d->stopping)
		sched_tell(d, &(struct event){.type = EVENT_STOPPING});
	d->stopping = true;
}

void sched_warn(struct sched *d, const struct node *n, const char *text)
{
	sched_tell(d, &(struct event){.type = EVENT_WARNING, .node = n, .text = text});
}

void node_set_state(struct sched *d, struct node *n, enum node_state state)
{
	trace(TRACE_SCHED, "%s: state %d -> %d", n->name, (int)n->state, (int)state);
	n->state = state;
	switch (state) {
	case NODE_HIT:
		d->result->cached++;
		break;
	case NODE_BUILT:
		d->result->built++;
		break;
	case NODE_FAILED:
		d->result->failed++;
		break;
	case NODE_SKIPPED:
		d->result->skipped++;
		break;
	case NODE_READY:
		nodes_push(&d->fresh, n);
		break;
	case NODE_WAITING:
	case NODE_RUNNING:
		break;
	}
}

void settle(struct sched *d, struct node *n)
{
	for (size_t i = 0; i < n->users.count; i++) {
		struct node *u = n->users.items[i];

		if (u->wanted && u->state == NODE_WAITING && --u->nblock == 0)
			node_set_state(d, u, NODE_READY);
	}
}

/* All that need N, over any number of steps, cannot be built. */
static void skip_users(struct sched *d, struct node *failed)
{
	struct nodes todo = {0};

	nodes_push(&todo, failed);
	while (todo.count) {
		struct node *n = todo.items[--todo.count];

		for (size_t i = 0; i < n->users.count; i++) {
			struct node *u = n->users.items[i];
			char *text cleanup_free = NULL;

			if (!u->wanted || u->state != NODE_WAITING)
				continue;
			text = xasprintf("input '%s' %s", n->name,
					 n == failed ? "failed" : "was skipped");
			node_set_state(d, u, NODE_SKIPPED);
			sched_tell(d, &(struct event){
					      .type = EVENT_NODE_SKIPPED, .node = u, .text = text});
			nodes_push(&todo, u);
		}
	}
	nodes_clear(&todo);
}

void settle_failed(struct sched *d, struct node *n, const struct job *j, struct err *err)
{
	struct event ev = {.type = EVENT_NODE_FAILED, .node = n, .err = err};

	if (j) {
		ev.seconds = job_seconds(j);
		ev.log = j->log;
		ev.log_path = j->log_path;
	}
	node_set_state(d, n, NODE_FAILED);
	sched_tell(d, &ev);
	if (d->result->first_error)
		err_free(err);
	else
		d->result->first_error = err;
	if (!d->opts->keep_going)
		sched_stop(d);
	skip_users(d, n);
}

static bool outputs_fit(const struct node *n, const struct record *r)
{
	if (r->output_count != n->outputs.count)
		return false;
	for (size_t i = 0; i < r->output_count; i++) {
		if (!str_eq(r->outputs[i].name, n->outputs.items[i].name) ||
		    r->outputs[i].type != n->outputs.items[i].type)
			return false;
	}
	return true;
}

int settle_lookup(struct sched *d, struct node *n, struct err **err)
{
	char *why cleanup_free = NULL;
	struct record *rec;
	int rc = store_record_get(d->s, &n->key, d->g->arena, &rec, err);

	if (rc)
		return rc;
	if (!outputs_fit(n, rec))
		return 1;
	rc = store_record_check(d->s, rec, &why, err);
	if (rc > 0) {
		char *text cleanup_free = xasprintf("%s; building '%s' again",
						    why ? why : "a blob is damaged", n->name);

		sched_warn(d, n, text);
	}
	if (rc)
		return rc;
	n->record = rec;
	node_set_state(d, n, d->memory[n->index].built ? NODE_BUILT : NODE_HIT);
	if (!d->memory[n->index].built && !d->memory[n->index].hit)
		sched_tell(d, &(struct event){.type = EVENT_NODE_HIT, .node = n});
	d->memory[n->index].hit = true;
	settle(d, n);
	return 0;
}

static void built(struct sched *d, const struct job *j)
{
	d->memory[j->node->index].built = true;
	node_set_state(d, j->node, NODE_BUILT);
	sched_tell(d, &(struct event){.type = EVENT_NODE_BUILT,
				      .node = j->node,
				      .seconds = j->node->record->seconds,
				      .log = j->log,
				      .log_path = j->log_path});
	settle(d, j->node);
}

static struct record *make_record(struct sched *d, const struct job *j)
{
	struct arena *a = d->g->arena;
	struct record *r = arena_alloc(a, sizeof(*r));
	const struct node *n = j->node;

	*r = (struct record){
		.key = n->key,
		.node = n->name,
		.manifest = n->manifest,
		.outputs = arena_alloc(a, (j->outputs.count + 1) * sizeof(*r->outputs)),
		.output_count = j->outputs.count,
		.seconds = job_seconds(j),
		.log = j->log,
		.built_at = (int64_t)time(NULL),
	};
	for (size_t i = 0; i < r->output_count; i++) {
		r->outputs[i] = j->outputs.items[i];
		r->outputs[i].name = n->outputs.items[i].name;
	}
	return r;
}

int settle_built(struct sched *d, struct job *j, struct err **err)
{
	struct node *n = j->node;
	char *what cleanup_free = NULL;
	struct record *rec;
	int rc = manifest_recheck(d->g, n, d->s, &what, err);

	if (rc < 0)
		return -1;
	if (rc == 1 && d->memory[n->index].reruns++) {
		return err_set(err, E_INPUT_CHANGED,
			       "input '%s' keeps changing while the node runs; "
			       "build again when nothing writes it",
			       what);
	} else if (rc == 1) {
		char *text cleanup_free =
			xasprintf("input '%s' changed while the node ran; running it again", what);

		sched_warn(d, n, text);
		return 1;
	}
	job_log(j, false);
	rec = make_record(d, j);
	if (store_record_put(d->s, rec, err) < 0)
		return -1;
	n->record = rec;
	built(d, j);
	return 0;
}

/* Results of nodes that ran in a tree which had changed. */
static int drop_users(struct sched *d, struct job *j, const struct job_damage *damage,
		      struct err **err)
{
	char *text cleanup_free = NULL;
	size_t dropped;

	if (store_blob_misused(d->s, &damage->blob, damage->since, &dropped, err) < 0)
		return -1;
	text = xasprintf("the unpacked tree of '%s' in the store had changed and was unpacked "
			 "again; %zu results that used it since it was last looked at were dropped",
			 damage->blob.name, dropped);
	sched_warn(d, j->node, text);
	d->again = d->again || dropped;
	return 0;
}

/* Tells the user, and the store. */
static int put_away(struct sched *d, struct job *j, const struct job_damage *damage,
		    struct err **err)
{
	char *name cleanup_free = artifact_digest_string(&damage->blob);
	char *text cleanup_free = NULL;
	size_t dropped;

	if (damage->misused)
		return drop_users(d, j, damage, err);
	if (store_blob_damaged(d->s, &damage->blob, &damage->state.stamp, &dropped, err) < 0)
		return -1;
	text = xasprintf("'%s' (%s) in the store was damaged: %s", damage->blob.name, name,
			 damage->state.why);
	sched_warn(d, j->node, text);
	d->again = d->again || dropped;
	return 0;
}

int settle_damages(struct sched *d, struct job *j, int rc, struct err **err)
{
	struct err *e = NULL;

	for (size_t i = 0; i < j->damages.count; i++) {
		if (put_away(d, j, &j->damages.items[i], &e) == 0)
			continue;
		err_free(*err);
		*err = e;
		return -1;
	}
	if (rc >= 0 || !j->damages.count || (*err)->code->cls != ERR_STORE ||
	    d->starts >= STARTS_MAX)
		return rc;
	err_free(steal_ptr(*err));
	d->again = true;
	return 1;
}

int settle_damaged_values(struct sched *d, struct node *n, struct err **err)
{
	struct err *ignored cleanup_err = NULL;

	if ((*err)->code->cls != ERR_STORE || d->starts >= STARTS_MAX ||
	    values_drop_damaged(n, d->s, &ignored))
		return -1;
	sched_warn(d, n, (*err)->text);
	err_free(steal_ptr(*err));
	d->again = true;
	return 1;
}
