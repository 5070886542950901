/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/remote.h"

#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/trace.h"
#include "run/remote_int.h"
#include "store/blob.h"

/* So long nobody may answer anything before nodes start without an answer, and so long the helper
 * may take to load. */
#define SILENCE_MS 2000
#define LOAD_MS 20000
/* How long a cache that does not answer is left alone. */
#define OFF_MS 30000

void remote_open(struct sched *d)
{
	d->remote = xcalloc(1, sizeof(*d->remote));
	d->remote->use = d->opts->remote;
	d->remote->gone = !d->opts->remote;
	d->remote->dead = !d->opts->remote || !d->opts->remote->cache;
}

void remote_close(struct sched *d)
{
	struct remote *r = d->remote;

	if (!r)
		return;
	helper_close(r->helper);
	for (size_t i = 0; i < r->transfers.count; i++) {
		nodes_clear(&r->transfers.items[i]->waiting);
		free(r->transfers.items[i]);
	}
	transfers_clear(&r->transfers);
	nodes_clear(&r->held);
	nodes_clear(&r->found);
	err_free(r->err);
	free(r);
	d->remote = NULL;
}

pid_t remote_pid(const struct sched *d)
{
	return d->remote->helper ? helper_pid(d->remote->helper) : 0;
}

/* --- on and off ---------------------------------------------------------------------------- */

/* Nothing will be answered any more: who waited goes on. */
static void give_up_waiting(struct sched *d)
{
	for (size_t i = 0; d->asked && i < d->g->nodes.count; i++) {
		struct node *n = d->g->nodes.items[i];

		if (n->state == NODE_ASKED)
			node_set_state(d, n, NODE_READY);
	}
}

static void fail_required(struct remote *r, const struct err_code *code, const char *text)
{
	if (r->use && r->use->required && !r->err)
		err_set(&r->err, code, "--remote-required: %s", text);
}

void remote_off(struct sched *d, const struct err_code *code, const char *text, bool for_good)
{
	struct remote *r = d->remote;
	bool quiet = r->dead || r->off_until;
	char *said cleanup_free = xasprintf("%s; building without the cache%s", text,
					    for_good ? "" : ", which is tried again in 30 s");

	r->dead |= for_good;
	r->off_until = clock_ms() + OFF_MS;
	r->probing = false;
	r->told = true;
	if (!quiet)
		sched_warn(d, NULL, said);
	fail_required(r, code, text);
	give_up_waiting(d);
}

/* The helper is gone: what was under way comes to nothing. */
static void lose_helper(struct sched *d, struct err *err)
{
	struct remote *r = d->remote;

	r->gone = true;
	if (r->use && !r->use->cache)
		sched_warn(d, NULL, err->text);
	remote_off(d, err->code, err->text, true);
	err_free(err);
	helper_close(steal_ptr(r->helper));
	for (size_t i = 0; i < r->transfers.count; i++) {
		struct transfer *t = r->transfers.items[i];

		if (!t->done)
			transfer_end(d, t, TRANSFER_FAILED, NULL);
	}
}

bool remote_helps(struct sched *d)
{
	struct remote *r = d->remote;
	struct helper_opts o = {.program = d->opts->worker,
				.build = d->opts->build,
				.store = store_dir(d->s),
				.write = r->use && r->use->write};
	struct err *err = NULL;

	if (r->helper || r->gone)
		return !r->gone;
	if (helper_open(&o, &r->helper, &err) == 0) {
		r->loading = true;
		r->heard_ms = clock_ms() + LOAD_MS - SILENCE_MS;
		return true;
	}
	r->gone = true;
	remote_off(d, err->code, err->text, true);
	err_free(err);
	return false;
}

/* Whether requests can be made now; the first one starts the helper. */
bool remote_usable(struct sched *d)
{
	const struct remote *r = d->remote;

	if (r->dead || (r->off_until && (r->probing || clock_ms() < r->off_until)))
		return false;
	return remote_helps(d);
}

/* It answered. */
static void is_on(struct sched *d)
{
	struct remote *r = d->remote;

	if (r->off_until && !r->dead) {
		sched_tell(d,
			   &(struct event){.type = EVENT_NOTE, .text = "the cache answers again"});
		r->off_until = 0;
	}
	r->probing = false;
	transfer_push_held(d);
}

/* --- questions ----------------------------------------------------------------------------- */

bool remote_may_share(const struct node *n)
{
	const struct kind *k = n->recipe->kind;

	return n->outputs.count && (!k->shared || k->shared(n->recipe->opts));
}

bool remote_ask(struct sched *d, struct node *n)
{
	struct memory *m = &d->memory[n->index];
	struct artifact *wanted cleanup_free = NULL;
	struct remote *r = d->remote;

	if (m->local || (m->asked && digest_eq(&m->asked_key, &n->key)) || !remote_may_share(n) ||
	    !remote_usable(d))
		return false;
	wanted = xcalloc(n->outputs.count, sizeof(*wanted));
	for (size_t i = 0; i < n->outputs.count; i++)
		wanted[i] = (struct artifact){.name = n->outputs.items[i].name,
					      .type = n->outputs.items[i].type};
	if (!d->asked && r->heard_ms < clock_ms())
		r->heard_ms = clock_ms();
	r->probing = r->off_until != 0;
	m->asked = true;
	m->asked_key = n->key;
	helper_ask(r->helper, n->index, &n->key, strlen(n->manifest), wanted, n->outputs.count);
	node_set_state(d, n, NODE_ASKED);
	return true;
}

/* The record in R of N, in the graph's arena. */
static struct record *take_record(struct sched *d, const struct node *n,
				  const struct helper_reply *r)
{
	struct arena *a = d->g->arena;
	struct record *rec = arena_alloc(a, sizeof(*rec));

	*rec = r->record;
	rec->key = n->key;
	rec->node = n->name;
	rec->manifest = n->manifest;
	rec->outputs = arena_alloc(a, (r->record.output_count + 1) * sizeof(*rec->outputs));
	for (size_t i = 0; i < rec->output_count; i++) {
		rec->outputs[i] = r->record.outputs[i];
		rec->outputs[i].name = n->outputs.items[i].name;
	}
	return rec;
}

/* Only a node that has neither begun nor got another key meanwhile. */
static bool waits_for_answer(const struct sched *d, const struct node *n)
{
	const struct memory *m = &d->memory[n->index];

	return (n->state == NODE_ASKED || n->state == NODE_READY) && n->manifest && m->asked &&
	       !m->local && digest_eq(&m->asked_key, &n->key);
}

static void on_record(struct sched *d, struct node *n, const struct helper_reply *r)
{
	if (!waits_for_answer(d, n) || r->record.output_count != n->outputs.count)
		return;
	d->memory[n->index].found = take_record(d, n, r);
	d->memory[n->index].by = arena_strdup(d->g->arena, r->by);
	nodes_push(&d->remote->found, n);
}

/* Nobody has it, or could be asked. */
static void on_no_record(struct sched *d, struct node *n)
{
	if (n->state == NODE_ASKED)
		node_set_state(d, n, NODE_READY);
}

/* All records that came together, in one transaction; their nodes are hits. */
static int settle_found(struct sched *d, struct err **err)
{
	struct nodes *found = &d->remote->found;
	struct record **recs cleanup_free = xcalloc(found->count + 1, sizeof(struct record *));
	int rc;

	for (size_t i = 0; i < found->count; i++)
		recs[i] = d->memory[found->items[i]->index].found;
	rc = found->count ? store_records_take(d->s, recs, found->count, err) : 0;
	for (size_t i = 0; rc == 0 && i < found->count; i++) {
		struct node *n = found->items[i];

		if (!waits_for_answer(d, n))
			continue;
		d->memory[n->index].shared = true;
		rc = settle_lookup(d, n, err);
		if (rc == 1) {
			on_no_record(d, n);
			rc = 0;
		}
	}
	found->count = 0;
	return rc;
}

/* --- answers ------------------------------------------------------------------------------- */

static void on_failed(struct sched *d, const struct helper_reply *r, bool push)
{
	struct remote *m = d->remote;

	bool passes = r->code == E_REMOTE_UNREACHABLE;
	bool cache = r->code->cls == ERR_NET || r->code->cls == ERR_USER || r->code->cls == ERR_ENV;

	if (!cache) {
		sched_warn(d, NULL, r->text);
	} else if (!push || passes) {
		remote_off(d, r->code, r->text, !passes);
	} else {
		if (!m->no_push)
			sched_warn(d, NULL, r->text);
		m->no_push = true;
		fail_required(m, r->code, r->text);
	}
}

/* Of a question: its node; of a transfer: that. */
static void on_reply(void *arg, const struct helper_reply *r)
{
	struct sched *d = arg;
	struct remote *m = d->remote;
	bool question = r->id < d->g->nodes.count;
	struct node *n = question ? d->g->nodes.items[r->id] : NULL;
	size_t at = (size_t)r->id - d->g->nodes.count;
	struct transfer *t = !question && at < m->transfers.count ? m->transfers.items[at] : NULL;

	m->heard_ms = clock_ms() > m->heard_ms ? clock_ms() : m->heard_ms;
	if (r->type == HELPER_WARNING) {
		sched_warn(d, NULL, r->text);
		return;
	}
	if (r->type == HELPER_FAILED)
		on_failed(d, r, t && t->up);
	else if (!t || !t->left)
		is_on(d);
	if (t)
		transfer_answer(d, t, r);
	else if (n && r->type == HELPER_RECORD)
		on_record(d, n, r);
	else if (n)
		on_no_record(d, n);
}

/* What could not be heard while trees were hashed is no silence; nor was anything sent then. */
static void listen_again(struct remote *r)
{
	uint64_t now = clock_ms(), from = r->away_ms;

	if (!from)
		return;
	if (r->heard_ms > from && r->heard_ms < now)
		from = r->heard_ms;
	r->heard_ms += now - from;
	r->away_ms = 0;
}

void remote_poll(const struct sched *d, struct pollfd *ret)
{
	const struct helper *h = d->remote->helper;

	listen_again(d->remote);
	*ret = (struct pollfd){.fd = -1};
	if (h)
		*ret = (struct pollfd){.fd = helper_fd(h), .events = helper_events(h)};
}

int remote_io(struct sched *d, short revents, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct remote *r = d->remote;
	struct err *gone = NULL;

	if (!r->helper || !revents)
		return 0;
	if (helper_io(r->helper, revents, arena, on_reply, d, &gone) < 0)
		lose_helper(d, gone);
	if (r->loading && r->helper && helper_ready(r->helper)) {
		r->loading = false;
		r->heard_ms = clock_ms();
	}
	if (settle_found(d, err) < 0 || transfer_lose_all(d, err) < 0)
		return -1;
	if (r->err) {
		*err = steal_ptr(r->err);
		return -1;
	}
	return 0;
}

bool remote_busy(const struct sched *d)
{
	return d->asked || d->remote->fetching;
}

int remote_due(const struct sched *d)
{
	uint64_t now = clock_ms(), due = d->remote->heard_ms + SILENCE_MS;

	if (d->asked)
		return due > now ? (int)(due - now) : 0;
	return d->remote->fetching || d->remote->pushing ? 1000 : -1;
}

void remote_tick(struct sched *d)
{
	struct remote *r = d->remote;

	if (d->asked && clock_ms() >= r->heard_ms + SILENCE_MS) {
		trace(TRACE_SCHED, "%zu nodes go on without an answer", d->asked);
		give_up_waiting(d);
	}
	transfer_tick(d);
	r->away_ms = clock_ms();
}
