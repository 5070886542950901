/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "base/trace.h"
#include "graph/values.h"
#include "run/remote.h"

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
	d->asked += (state == NODE_ASKED) - (n->state == NODE_ASKED);
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
	case NODE_ASKED:
	case NODE_FETCHING:
	case NODE_RUNNING:
		break;
	}
}

static bool same_outputs(const struct record *a, const struct record *b)
{
	if (a->output_count != b->output_count)
		return false;
	for (size_t i = 0; i < a->output_count; i++)
		if (!digest_eq(&a->outputs[i].digest, &b->outputs[i].digest))
			return false;
	return true;
}

/* N was made again. Has it other bytes, what used it follows: everything is looked up again. */
static void compare(struct sched *d, const struct node *n)
{
	struct memory *m = &d->memory[n->index];
	char *text cleanup_free = NULL;

	if (m->before && !same_outputs(m->before, n->record)) {
		text = xasprintf("'%s' is not reproducible: %s has other bytes", n->name,
				 m->gone ? "the farm" : "the shared cache");
		sched_warn(d, n, text);
		d->again = true;
	}
	m->before = NULL;
}

void settle(struct sched *d, struct node *n)
{
	compare(d, n);
	for (size_t i = 0; i < n->users.count; i++) {
		struct node *u = n->users.items[i];

		if (u->wanted && u->state == NODE_WAITING && --u->nblock == 0)
			node_set_state(d, u, NODE_READY);
	}
}

static bool is_settled(const struct node *n)
{
	return n->state == NODE_HIT || n->state == NODE_BUILT;
}

/* Distinct inputs of N that are not settled. */
static size_t count_unsettled(const struct node *n)
{
	size_t count = 0;

	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;
		bool seen = !from || is_settled(from);

		for (size_t k = 0; k < i && !seen; k++)
			seen = n->in.items[k].from == from;
		count += !seen;
	}
	return count;
}

void unsettle(struct sched *d, struct node *n)
{
	struct memory *m = &d->memory[n->index];

	d->result->cached -= n->state == NODE_HIT;
	d->result->built -= n->state == NODE_BUILT;
	d->result->remote.farmed -= m->farmed;
	m->hit = m->built = m->farmed = false;
	for (size_t i = 0; i < n->users.count; i++) {
		struct node *u = n->users.items[i];

		if (!u->wanted)
			continue;
		if (u->state == NODE_WAITING) {
			u->nblock++;
		} else if (u->state == NODE_READY || u->state == NODE_ASKED ||
			   u->state == NODE_FETCHING) {
			u->nblock = 1;
			node_set_state(d, u, NODE_WAITING);
		}
	}
	n->record = NULL;
	n->nblock = count_unsettled(n);
	node_set_state(d, n, n->nblock ? NODE_WAITING : NODE_READY);
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

/*
 * A worker knows the lines of few keys: "recipes/NODE.yaml: KEY: …" gets KEY's place, or that of
 * the first '…' in its value.
 */
static void place_error(const struct recipe *r, struct err *err)
{
	const char *text = str_skip(err->text, r->file), *rest = text ? str_skip(text, ": ") : NULL;
	const char *said = rest ? strstr(rest, ": ") : NULL,
		   *from = said ? strchr(said, '\'') : NULL;
	const char *to = from ? strchr(from + 1, '\'') : NULL;
	char *key cleanup_free = said ? xstrndup(rest, (size_t)(said - rest)) : NULL;
	char *word cleanup_free = to ? xstrndup(from + 1, (size_t)(to - from - 1)) : NULL;
	struct pos pos;

	if (!key || !recipe_place(r, key, word, &pos))
		return;
	err_place(&err, pos);
	text = xstrdup(rest);
	free(err->text);
	err->text = (char *)text;
}

void settle_failed(struct sched *d, struct node *n, const struct job *j, struct err *err)
{
	struct event ev = {.type = EVENT_NODE_FAILED, .node = n, .err = err};

	if (j) {
		ev.seconds = job_seconds(j);
		ev.log = j->log;
		ev.log_path = j->log_path;
	}
	place_error(n->recipe, err);
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

/* Whether bytes of R are in a shared cache, or on a farm, alone. */
static bool is_elsewhere(const struct sched *d, const struct record *r)
{
	for (size_t i = 0; i < r->output_count; i++)
		if (r->outputs[i].shared && !store_blob_is_here(d->s, &r->outputs[i]))
			return true;
	return false;
}

void settle_sums(struct sched *d)
{
	struct remote_sums *s = &d->result->remote;

	for (size_t i = 0; i < d->g->nodes.count; i++) {
		const struct record *rec = d->g->nodes.items[i]->record;
		uint64_t bytes = s->stayed_bytes;

		for (size_t k = 0; d->memory[i].farmed && rec && k < rec->output_count; k++)
			if (rec->outputs[k].shared && !store_blob_is_here(d->s, &rec->outputs[k]))
				s->stayed_bytes += rec->outputs[k].allocated;
		s->stayed += s->stayed_bytes > bytes;
	}
}

static void tell_hit(struct sched *d, const struct node *n)
{
	struct memory *m = &d->memory[n->index];

	if (!m->built && !m->hit) {
		sched_tell(d, &(struct event){.type = EVENT_NODE_HIT,
					      .node = n,
					      .shared = m->shared,
					      .text = m->by});
		d->result->remote.hits += m->shared;
	}
	m->hit = true;
}

int settle_lookup(struct sched *d, struct node *n, struct err **err)
{
	char *why cleanup_free = NULL;
	struct record *rec;
	int rc = store_record_get(d->s, &n->key, d->g->arena, &rec, err);

	if (rc)
		return rc;
	if (!outputs_fit(n, rec) || (d->memory[n->index].local && is_elsewhere(d, rec)))
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
	tell_hit(d, n);
	settle(d, n);
	return 0;
}

static void built(struct sched *d, const struct job *j)
{
	d->memory[j->node->index].built = true;
	d->memory[j->node->index].farmed = j->slot.farm;
	node_set_state(d, j->node, NODE_BUILT);
	d->result->remote.farmed += j->slot.farm;
	sched_tell(d, &(struct event){.type = EVENT_NODE_BUILT,
				      .node = j->node,
				      .seconds = j->node->record->seconds,
				      .log = j->log,
				      .log_path = j->log_path});
	remote_built(d, j->node);
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
