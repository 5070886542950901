/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes to and from the cache: what is fetched when, what it is worth, and what becomes of it. */
#include <poll.h>

#include "base/clock.h"
#include "run/remote_int.h"
#include "store/blob.h"

/* A fetch may take so much longer than making it, which takes a processor, too. */
#define PATIENCE_S 5
/* Below that no rate is known. */
#define MEASURED_BYTES (4u * 1024 * 1024)
#define MEASURED_MS 500
#define TELL_MS 1000

/* --- events -------------------------------------------------------------------------------- */

static const struct artifact *artifact_of(const struct transfer *t)
{
	return &t->rec->outputs[t->output];
}

static uint64_t total_of(const struct transfer *t)
{
	uint64_t bytes = 0;

	if (!t->up)
		return artifact_of(t)->allocated;
	for (size_t i = 0; i < t->rec->output_count; i++)
		bytes += t->rec->outputs[i].allocated;
	return bytes;
}

static void tell(struct sched *d, const struct transfer *t)
{
	sched_tell(d, &(struct event){.type = EVENT_TRANSFER,
				      .node = t->node,
				      .text = t->up ? NULL : artifact_of(t)->name,
				      .up = t->up,
				      .done = t->done && !t->lost,
				      .failed = t->lost,
				      .bytes = t->moved,
				      .total_bytes = total_of(t),
				      .seconds = (double)(clock_ms() - t->began_ms) / 1000});
}

void transfer_tick(struct sched *d)
{
	struct remote *r = d->remote;
	uint64_t now = clock_ms();

	if (!(r->fetching || r->pushing) || now < r->told_ms + TELL_MS)
		return;
	r->told_ms = now;
	for (size_t i = 0; i < r->transfers.count; i++)
		if (!r->transfers.items[i]->done)
			tell(d, r->transfers.items[i]);
}

/* --- fetching ------------------------------------------------------------------------------ */

static struct transfer *begin(struct sched *d, struct node *n, bool up, size_t output)
{
	struct remote *r = d->remote;
	struct transfer *t = xcalloc(1, sizeof(*t));

	*t = (struct transfer){.up = up,
			       .left = !up && store_is_left(d->s, &n->key),
			       .node = n,
			       .rec = n->record,
			       .output = output,
			       .began_ms = clock_ms()};
	transfers_push(&r->transfers, t);
	if (!up && !r->fetching++)
		r->busy_since = clock_ms();
	r->pushing += up;
	return t;
}

static uint64_t id_of(const struct sched *d)
{
	return d->g->nodes.count + d->remote->transfers.count - 1;
}

/* One that comes already, or NULL. */
static struct transfer *under_way(const struct remote *r, const struct node *n, size_t output)
{
	for (size_t i = r->transfers.count; r->fetching && i-- > 0;) {
		struct transfer *t = r->transfers.items[i];

		if (!t->up && !t->done && t->node == n && t->output == output &&
		    t->rec == n->record)
			return t;
	}
	return NULL;
}

/* What this project had of the node before, whose bytes are mostly the same. */
static size_t near_blob(struct sched *d, const struct artifact *a, const char *node,
			struct arena *arena, struct artifact *ret)
{
	struct err *ignored cleanup_err = NULL;
	struct record *last;

	if (store_record_last(d->s, node, arena, &last, &ignored) != 0)
		return 0;
	for (size_t i = 0; i < last->output_count; i++) {
		const struct artifact *o = &last->outputs[i];

		if (str_eq(o->name, a->name) && o->type == a->type && store_blob_is_here(d->s, o)) {
			*ret = *o;
			return 1;
		}
	}
	return 0;
}

static struct transfer *fetch(struct sched *d, struct node *n, size_t output)
{
	struct arena *arena cleanup_arena = arena_new();
	struct transfer *t = begin(d, n, false, output);
	struct artifact near;
	size_t count = near_blob(d, artifact_of(t), n->name, arena, &near);

	helper_fetch(d->remote->helper, id_of(d), n->record, output, &near, count);
	tell(d, t);
	return t;
}

static bool is_absent(const struct sched *d, const struct artifact *a)
{
	return a->shared && !store_blob_is_here(d->s, a);
}

static bool edge_takes(const struct edge *e, const struct artifact *a)
{
	return !e->output || str_eq(e->output, a->name);
}

/* Whether N could start now. */
static bool inputs_are_here(const struct sched *d, const struct node *n)
{
	if (n->lacks)
		return false;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		const struct record *rec = e->from ? e->from->record : NULL;

		if (e->from && !rec)
			return false;
		for (size_t k = 0; rec && k < rec->output_count; k++)
			if (edge_takes(e, &rec->outputs[k]) && is_absent(d, &rec->outputs[k]))
				return false;
	}
	return true;
}

/* Whether fetching A is quicker than making it, as far as one can tell. */
static bool is_worth(const struct sched *d, const struct node *n, const struct artifact *a)
{
	const struct remote *r = d->remote;
	uint64_t ms = r->busy_ms + (r->fetching ? clock_ms() - r->busy_since : 0);
	double seconds;

	if (r->got < MEASURED_BYTES || ms < MEASURED_MS || store_is_left(d->s, &n->key))
		return true;
	seconds = (double)a->allocated / ((double)r->got * 1000 / (double)ms);
	return seconds <= n->record->seconds + PATIENCE_S || !inputs_are_here(d, n);
}

/* N is made here, from the start; WHY (may be NULL) is said. */
static int make_here(struct sched *d, struct node *n, const char *why, struct err **err)
{
	struct memory *m = &d->memory[n->index];

	if (store_record_drop(d->s, &n->key, err) < 0)
		return -1;
	if (why)
		sched_warn(d, n, why);
	m->local = true;
	m->gone = store_is_left(d->s, &n->key);
	m->before = n->record;
	unsettle(d, n);
	return 0;
}

/* Output K of N comes for USER (NULL: the run), or N is made again. */
static int get(struct sched *d, struct node *n, size_t k, struct node *user, struct err **err)
{
	const struct artifact *a = &n->record->outputs[k];
	struct transfer *t = under_way(d->remote, n, k);
	bool left = !t && store_is_left(d->s, &n->key);
	char *why cleanup_free = NULL;

	if (!t && !(left ? remote_helps(d) : remote_usable(d))) {
		if (!d->remote->told)
			why = xasprintf("output '%s' of '%s' is %s alone, and cannot be fetched "
					"now; building it and others like it here",
					a->name, n->name,
					left ? "on a farm" : "in the shared cache");
		d->remote->told = true;
		return make_here(d, n, why, err);
	}
	if (!t && !is_worth(d, n, a)) {
		why = xasprintf("building '%s' here, which is quicker than to fetch it", n->name);
		sched_tell(d, &(struct event){.type = EVENT_NOTE, .text = why});
		return make_here(d, n, NULL, err);
	}
	if (!t)
		t = fetch(d, n, k);
	if (user)
		nodes_push(&t->waiting, user);
	return 0;
}

/* Whether N, which AT makes, takes what FROM made from where it is. */
static bool stays(const struct sched *d, const struct node *n, const struct node *from, size_t at)
{
	return at != SCHED_HERE && !d->memory[n->index].bytes && sched_keeper(d, from) == at;
}

static int need_edge(struct sched *d, struct node *n, const struct edge *e, size_t at, bool *here,
		     struct err **err)
{
	for (size_t k = 0; e->from->record && k < e->from->record->output_count; k++) {
		const struct artifact *a = &e->from->record->outputs[k];

		if (!edge_takes(e, a) || !is_absent(d, a) || stays(d, n, e->from, at))
			continue;
		*here = false;
		if (get(d, e->from, k, n, err) < 0)
			return -1;
	}
	return 0;
}

int remote_need(struct sched *d, struct node *n, bool values, bool *ret_here, struct err **err)
{
	size_t executor = values ? SCHED_HERE : sched_executor(d, n);

	*ret_here = true;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		size_t at = e->value ? SCHED_HERE : executor;

		if (e->from && (!values || e->value) && need_edge(d, n, e, at, ret_here, err) < 0)
			return -1;
	}
	if (!*ret_here && n->state == NODE_READY)
		node_set_state(d, n, NODE_FETCHING);
	return 0;
}

static bool is_left(const struct sched *d, const struct node *n)
{
	enum fetch_what what = d->remote->use ? d->remote->use->fetch : FETCH_TARGETS;

	if (!n->wanted || !n->record || what == FETCH_NONE)
		return false;
	return what == FETCH_ALL || n->target ||
	       (d->memory[n->index].opened && store_is_left(d->s, &n->key));
}

int remote_need_outputs(struct sched *d, bool *ret_here, struct err **err)
{
	*ret_here = true;
	for (size_t i = 0; i < d->g->nodes.count; i++) {
		struct node *n = d->g->nodes.items[i];

		for (size_t k = 0; n->record && k < n->record->output_count; k++) {
			if (!is_absent(d, &n->record->outputs[k]) || !is_left(d, n))
				continue;
			*ret_here = false;
			if (get(d, n, k, NULL, err) < 0)
				return -1;
		}
	}
	return 0;
}

/* --- pushing ------------------------------------------------------------------------------- */

static void push(struct sched *d, struct node *n)
{
	struct transfer *t = begin(d, n, true, 0);

	helper_push(d->remote->helper, id_of(d), &n->key, d->memory[n->index].repair);
	tell(d, t);
}

void remote_built(struct sched *d, const struct node *n)
{
	struct remote *r = d->remote;

	if (r->dead || r->no_push || !r->use->write || !remote_may_share(n))
		return;
	if (remote_usable(d))
		push(d, d->g->nodes.items[n->index]);
	else
		nodes_push(&r->held, d->g->nodes.items[n->index]);
}

void transfer_push_held(struct sched *d)
{
	struct remote *r = d->remote;

	while (r->held.count && r->helper && !r->dead && !r->no_push) {
		struct node *n = r->held.items[--r->held.count];

		if (n->record)
			push(d, n);
	}
}

/* One moment of it: 1 when there is nothing to wait for any more. */
static int drain_once(struct sched *d, uint64_t until, struct err **err)
{
	struct pollfd p[2] = {[1] = {.fd = d->signals, .events = POLLIN}};
	uint64_t now = clock_ms();

	remote_poll(d, &p[0]);
	if (!d->remote->pushing || now >= until || p[0].fd < 0 || d->result->signal)
		return 1;
	if (poll(p, 2, until - now < TELL_MS ? (int)(until - now) : TELL_MS) < 0)
		return 0;
	if (p[1].revents)
		sched_take_signals(d);
	transfer_tick(d);
	return remote_io(d, p[0].revents, err);
}

int remote_drain(struct sched *d, struct err **err)
{
	struct remote *r = d->remote;
	unsigned wait_s = r->use ? r->use->push_wait_s : 0;
	uint64_t until = clock_ms() + wait_s * UINT64_C(1000);
	char *text cleanup_free = NULL;
	size_t left;
	int rc = 0;

	while (rc == 0)
		rc = drain_once(d, until, err);
	left = r->pushing + r->held.count;
	if (rc < 0 || !left)
		return rc < 0 ? -1 : 0;
	d->result->remote.left += left;
	text = xasprintf("%zu result%s not written to the cache: `orch cache push` does it", left,
			 left == 1 ? " was" : "s were");
	sched_warn(d, NULL, text);
	return 0;
}

/* --- what becomes of it -------------------------------------------------------------------- */

/* A blob that came was hashed on its way into the store. */
static void note_good(struct sched *d, const struct artifact *a)
{
	char *path cleanup_free = cas_path(store_dir(d->s), a->type, &a->digest);
	struct err *ignored cleanup_err = NULL;
	struct blob_stamp stamp;

	if (blob_stamp_get(path, &stamp, &ignored) == 0)
		store_blob_good(d->s, a, &stamp);
}

static void count(struct sched *d, const struct transfer *t)
{
	struct remote_sums *s = &d->result->remote;

	if (t->up) {
		s->pushed++;
		s->pushed_bytes += t->moved;
	} else if (t->left) {
		s->brought++;
		s->brought_bytes += t->moved;
	} else {
		s->fetched++;
		s->fetched_bytes += t->moved;
		d->remote->got += total_of(t);
	}
}

/* Those that have all now go on; others find again what they still wait for. */
static void release(struct sched *d, struct transfer *t)
{
	for (size_t i = 0; i < t->waiting.count; i++)
		if (t->waiting.items[i]->state == NODE_FETCHING)
			node_set_state(d, t->waiting.items[i], NODE_READY);
	nodes_clear(&t->waiting);
}

void transfer_end(struct sched *d, struct transfer *t, enum transfer_end how, const char *why)
{
	struct remote *r = d->remote;

	t->done = true;
	t->lost = how != TRANSFER_DONE;
	t->why = why ? arena_strdup(d->g->arena, why) : NULL;
	if (t->up) {
		r->pushing--;
		if (how == TRANSFER_FAILED && !r->no_push)
			nodes_push(&r->held, t->node);
	} else if (!--r->fetching) {
		r->busy_ms += clock_ms() - r->busy_since;
	}
	if (how == TRANSFER_DONE)
		count(d, t);
	if (how == TRANSFER_DONE && !t->up)
		note_good(d, artifact_of(t));
	if (t->lost && !t->up)
		r->losses++;
	else
		release(d, t);
	tell(d, t);
}

void transfer_answer(struct sched *d, struct transfer *t, const struct helper_reply *r)
{
	if (t->done)
		return;
	t->moved += r->bytes;
	if (r->type == HELPER_MOVED)
		return;
	if (r->type == HELPER_PUSHED && *r->text)
		sched_warn(d, t->node, r->text);
	if (r->type == HELPER_LOST)
		transfer_end(d, t, TRANSFER_LOST, *r->text ? r->text : "no cache has it");
	else
		transfer_end(d, t, r->type == HELPER_FAILED ? TRANSFER_FAILED : TRANSFER_DONE,
			     NULL);
}

static int lose(struct sched *d, struct transfer *t, struct err **err)
{
	char *why cleanup_free = NULL;
	struct node *n = t->node;

	if ((n->state != NODE_HIT && n->state != NODE_BUILT) || n->record != t->rec)
		return 0;
	d->memory[n->index].repair = t->why != NULL;
	if (t->why) /* else why the cache cannot be used was said */
		why = xasprintf("cannot fetch output '%s' of '%s': %s; building it %s",
				artifact_of(t)->name, n->name, t->why, t->left ? "again" : "here");
	return make_here(d, n, why, err);
}

int transfer_lose_all(struct sched *d, struct err **err)
{
	struct remote *r = d->remote;

	for (size_t i = 0; r->losses && i < r->transfers.count; i++) {
		struct transfer *t = r->transfers.items[i];

		if (!t->lost || t->up || !t->rec)
			continue;
		if (lose(d, t, err) < 0)
			return -1;
		release(d, t);
		t->rec = NULL;
		r->losses--;
	}
	return 0;
}
