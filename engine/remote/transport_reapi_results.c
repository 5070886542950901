/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Results in an engine of the REAPI. Many are asked for at once, over one connection; of more than
 * a few it is first asked, in one call, whose manifests are there, since who stores a result stores
 * its manifest before.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "remote/transport_reapi_priv.h"

/* Calls under way: what servers allow for a connection at least. */
#define RESULTS_WIDTH 100
/* So few are asked for without a look at their manifests: that is one way less. */
#define FEW_RESULTS 16

/* A place for a call that is under way or waits to be made again. */
struct asking {
	struct remote_question *q; /* NULL: free */
	struct reapi_call call;
	struct retry retry;
	uint64_t due_ms; /* 0: it is under way */
};

struct questions {
	struct reapi *r;
	struct remote_question *all;
	size_t count, next;     /* NEXT: the first that has not begun */
	const struct err *away; /* after all tries: nobody else is asked for, then */
	struct asking places[RESULTS_WIDTH];
};

/* ---- answers ---- */

/* The blob that MESSAGE names as its text, put back into it. 0; 1: it is gone; -1. */
static int inline_text(struct reapi *r, Reapi__ActionResult *message, struct str *ret,
		       struct err **err)
{
	const Reapi__Digest *d = message->stdout_digest;
	struct remote_blob blob = {.size = (size_t)d->size_bytes};
	int rc = 1;

	if (d->size_bytes < 0 || d->size_bytes > REMOTE_RESULT_MAX ||
	    digest_parse(d->hash, &blob.digest))
		return 1;
	if (r->t.type->get(&r->t, &blob, 1, err) < 0)
		return -1;
	if (blob.got) {
		message->stdout_raw.data = (uint8_t *)blob.got;
		message->stdout_raw.len = blob.size;
		reapi_pack(&message->base, ret);
		message->stdout_raw = (ProtobufCBinaryData){0};
		rc = 0;
	}
	free(blob.got);
	return rc;
}

/* Servers may keep what we sent as the text as a blob, and are free to leave it there. */
static int take_result(struct reapi *r, const struct str *raw, struct str *ret, struct err **err)
{
	Reapi__ActionResult *m =
		(void *)reapi_unpack(&reapi__action_result__descriptor, raw->buf, raw->len);
	int rc = 0;

	r->t.received += raw->len;
	if (m && !m->stdout_raw.len && m->stdout_digest && m->stdout_digest->size_bytes)
		rc = inline_text(r, m, ret, err);
	else
		str_append_len(ret, raw->buf, raw->len);
	reapi_unpacked_free(m ? &m->base : NULL);
	return rc;
}

/* ---- calls ---- */

static void ask(struct reapi *r, struct asking *a)
{
	Reapi__GetActionResultRequest q = REAPI__GET_ACTION_RESULT_REQUEST__INIT;
	struct reapi_name name;

	a->call.call.limit_ms = GRPC_UNARY_MS;
	a->call.call.message_max = REMOTE_RESULT_MAX;
	a->call.call.later = true;
	q.instance_name = (char *)r->instance;
	q.action_digest = reapi_name(&name, &a->q->key, a->q->manifest_size);
	q.inline_stdout = true;
	reapi_call_start(r->g, &a->call, REAPI_METHOD "ActionCache/GetActionResult", &q.base, NULL);
	a->due_ms = 0;
	r->t.calls++;
}

static void answered(struct questions *x, struct asking *a)
{
	struct remote_question *q = steal_ptr(a->q);
	const struct grpc_call *c = &a->call.call;
	struct reapi *r = x->r;

	if (c->status == GRPC_NOT_FOUND)
		q->rc = 1;
	else if (c->status == GRPC_OK)
		q->rc = take_result(r, &a->call.raw, &q->message, &q->err);
	else
		q->rc = reapi_error(c->status, c->text, r->shown, "GetActionResult", r->named,
				    &q->err);
	if (q->rc < 0 && q->err->code == E_REMOTE_UNREACHABLE) {
		x->away = q->err;
		x->next = x->count;
	}
}

static void call_ended(struct questions *x, struct asking *a)
{
	struct reapi *r = x->r;
	int ms = -1;

	if (reapi_may_pass(a->call.call.status, a->call.call.text))
		ms = reapi_retry_pause(&a->retry, r->g, &a->call.call);
	if (ms < 0) {
		answered(x, a);
	} else {
		r->t.retries++;
		a->due_ms = clock_ms() + (uint64_t)ms;
	}
	reapi_call_release(&a->call);
}

/* Takes what has ended. */
static void take_ended(struct questions *x)
{
	for (size_t i = 0; i < RESULTS_WIDTH; i++) {
		struct asking *a = &x->places[i];

		if (a->q && !a->due_ms && a->call.call.done)
			call_ended(x, a);
	}
}

/* The next question that is open, or NULL. */
static struct remote_question *next_question(struct questions *x)
{
	while (x->next < x->count) {
		struct remote_question *q = &x->all[x->next++];

		if (q->rc < 0)
			return q;
	}
	return NULL;
}

/* Starts what may start. How many are left, and in how many milliseconds the next is due. */
static size_t start_due(struct questions *x, int *ret_ms)
{
	uint64_t now = clock_ms();
	size_t left = 0;

	*ret_ms = -1;
	for (size_t i = 0; i < RESULTS_WIDTH; i++) {
		struct asking *a = &x->places[i];
		bool fresh = !a->q && (a->q = next_question(x));

		if (fresh)
			a->retry = (struct retry){0};
		if (fresh || (a->q && a->due_ms && a->due_ms <= now))
			ask(x->r, a);
		else if (a->q && a->due_ms && (*ret_ms < 0 || a->due_ms - now < (uint64_t)*ret_ms))
			*ret_ms = (int)(a->due_ms - now);
		left += a->q != NULL;
	}
	return left;
}

static void ask_all(struct questions *x)
{
	int ms;

	while (start_due(x, &ms)) {
		grpc_step(x->r->g, 0); /* all that has been started goes out at once */
		take_ended(x);
		if (!grpc_step(x->r->g, ms) && ms > 0)
			reapi_pause(x->r->g, ms);
		take_ended(x);
	}
	for (size_t i = 0; x->away && i < x->count; i++) {
		if (x->all[i].rc < 0 && !x->all[i].err)
			err_set(&x->all[i].err, x->away->code, "%s", x->away->text);
	}
}

/* Whose manifest is not there has no result. A server that does not tell is asked for each. */
static void look_at_manifests(struct reapi *r, struct remote_question *q, size_t n)
{
	struct remote_blob *manifests cleanup_free = xcalloc(n, sizeof(*manifests));
	struct err *ignored cleanup_err = NULL;

	for (size_t i = 0; i < n; i++)
		manifests[i] = (struct remote_blob){.digest = q[i].key, .size = q[i].manifest_size};
	if (r->t.type->missing(&r->t, manifests, n, &ignored) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		q[i].rc = manifests[i].missing ? 1 : -1;
}

void reapi_results_get(struct transport *t, struct remote_question *q, size_t n)
{
	struct questions x = {.r = (struct reapi *)t, .all = q, .count = n};
	struct err *e cleanup_err = NULL;
	int rc = reapi_ready(x.r, &e);

	for (size_t i = 0; i < n; i++) {
		q[i].rc = -1;
		if (rc < 0)
			err_set(&q[i].err, e->code, "%s", e->text);
	}
	if (rc == 0 && n > FEW_RESULTS)
		look_at_manifests(x.r, q, n);
	if (rc == 0)
		ask_all(&x);
}

int reapi_result_put(struct transport *t, const struct digest *key, size_t manifest_size,
		     const struct str *message, struct err **err)
{
	struct reapi *r = (struct reapi *)t;
	Reapi__UpdateActionResultRequest q = REAPI__UPDATE_ACTION_RESULT_REQUEST__INIT;
	struct reapi_call c = {.call.silence_ms = GRPC_SILENCE_MS};
	struct reapi_name name;
	int rc = reapi_ready(r, err);

	q.instance_name = (char *)r->instance;
	q.action_digest = reapi_name(&name, key, manifest_size);
	q.action_result.data = (uint8_t *)message->buf;
	q.action_result.len = message->len;
	if (rc == 0)
		rc = reapi_call_run(r->g, &c, REAPI_METHOD "ActionCache/UpdateActionResult",
				    &q.base, NULL, t, r->named, err);
	if (rc > 0)
		rc = reapi_error(GRPC_NOT_FOUND, c.call.text, r->shown, "UpdateActionResult",
				 r->named, err);
	if (rc == 0)
		t->sent += message->len;
	reapi_call_release(&c);
	return rc;
}
