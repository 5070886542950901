/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "remote/share_priv.h"

static int open_all(struct share *s, const struct remote_config *c, struct err **err)
{
	s->all = arena_alloc(s->arena, (c->cache.count + 1) * sizeof(*s->all));
	for (size_t i = 0; i < c->cache.count; i++) {
		const char *url = LIST_AT(c->cache, const char *, i);

		if (transport_open(url, &s->access, &s->all[i], err) < 0)
			return -1;
		s->count++;
	}
	if (!s->count)
		return err_set(err, E_REMOTE_URL,
			       "no shared cache is configured: write 'remote: {cache: URL}' into "
			       "config.yaml, or set ORCH_CACHE");
	if (c->mode == REMOTE_WRITE && s->trust.count && !c->sign)
		return err_set(err, E_INVALID_VALUE,
			       "with 'trust' nothing counts that is not signed: write 'sign' into "
			       "'remote' of config.yaml, too");
	if (c->mode == REMOTE_WRITE && c->sign)
		return signer_load(c->sign, &s->signer, err);
	return 0;
}

int share_open(const struct remote_config *c, const char *store_dir, struct share **ret,
	       struct err **err)
{
	struct share *s = xcalloc(1, sizeof(*s));

	s->arena = arena_new();
	s->store = arena_strdup(s->arena, store_dir);
	remote_config_access(c, &s->access);
	remote_config_trust(c, s->arena, &s->trust);
	if (open_all(s, c, err) < 0) {
		share_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int share_open_place(const struct remote_config *c, const char *url, const char *store_dir,
		     struct share **ret, struct err **err)
{
	struct share *s = xcalloc(1, sizeof(*s));

	s->arena = arena_new();
	s->store = arena_strdup(s->arena, store_dir);
	remote_config_access(c, &s->access);
	s->all = arena_alloc(s->arena, sizeof(*s->all));
	if (transport_open(url, &s->access, &s->all[0], err) < 0) {
		share_close(s);
		return -1;
	}
	s->count = 1;
	*ret = s;
	return 0;
}

void share_close(struct share *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		transport_close(s->all[i]);
	signer_free(s->signer);
	arena_free(s->arena);
	free(s);
}

size_t share_count(const struct share *s)
{
	return s->count;
}

struct transport *share_transport(const struct share *s, size_t i)
{
	return s->all[i];
}

void share_counts(const struct share *s, struct share_counts *ret)
{
	*ret = s->counts;
	for (size_t i = 0; i < s->count; i++) {
		ret->sent += s->all[i]->sent;
		ret->received += s->all[i]->received;
	}
}

void share_on_warning(struct share *s, void (*warn)(void *arg, const char *text), void *arg)
{
	s->warn = warn;
	s->warn_arg = arg;
}

void share_on_bytes(struct share *s, void (*moved)(void *arg, uint64_t bytes), void *arg)
{
	s->moved = moved;
	s->moved_arg = arg;
}

void share_warn(struct share *s, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (s->warn)
		s->warn(s->warn_arg, text);
}

void share_tell(struct share *s)
{
	uint64_t now = 0;

	for (size_t i = 0; i < s->count; i++)
		now += s->all[i]->sent + s->all[i]->received;
	if (s->moved && now > s->told)
		s->moved(s->moved_arg, now - s->told);
	s->told = now;
}

/* What came from transport I for KEY: 0 and *RET; 1, and why one may not be used; -1. */
static int judge(struct share *s, size_t i, struct remote_question *q, const struct trust *trust,
		 struct arena *arena, struct result **ret, char **ret_why, struct err **err)
{
	char hex[DIGEST_HEX + 1];

	if (q->rc < 0 && q->err->code == E_REMOTE_DAMAGED) {
		s->counts.damaged++;
		share_warn(s, "%s", q->err->text);
		return 1;
	}
	if (q->rc < 0)
		*err = steal_ptr(q->err);
	if (q->rc != 0)
		return q->rc;
	if (result_decode(q->message.buf, q->message.len, &q->key, trust, arena, ret, ret_why) == 0)
		return 0;
	s->counts.refused++;
	share_warn(s, "the result %.12s in %s %s; it is not used", digest_hex(&q->key, hex),
		   s->all[i]->shown, *ret_why);
	return 1;
}

int share_ask(struct share *s, size_t i, const struct digest *key, size_t manifest_size,
	      const struct trust *trust, struct arena *arena, struct result **ret, char **ret_why,
	      struct err **err)
{
	struct remote_question q = {
		.key = *key, .manifest_size = manifest_size, .message = STR_INIT};
	int rc;

	s->all[i]->type->results_get(s->all[i], &q, 1);
	share_tell(s);
	rc = judge(s, i, &q, trust, arena, ret, ret_why, err);
	remote_question_release(&q);
	return rc;
}

/* Keeps the first error, for when nobody answers. */
static void keep(struct err **first, struct err *err)
{
	if (*first)
		err_free(err);
	else
		*first = err;
}

/*
 * Whether R was made with the libraries that we have: what they render may differ in bytes. Said
 * once: it is so for all results of a machine.
 */
static bool made_alike(struct share *s, const struct transport *t, const struct result *r,
		       char **ret_why)
{
	if (str_eq(r->libraries, result_libraries))
		return true;
	*ret_why = xasprintf("was made with %s, and here it is %s", r->libraries, result_libraries);
	s->counts.refused++;
	if (!s->told_libraries)
		share_warn(s, "the result of '%s' in %s %s; such results are not used", r->node,
			   t->shown, *ret_why);
	s->told_libraries = true;
	return false;
}

/* What transport I answers to Q, which no other could: in Q's results. */
static void take_answer(struct share *s, size_t i, struct remote_question *a, struct arena *arena,
			struct share_question *q)
{
	char *why cleanup_free = NULL;
	struct err *e = NULL;
	int rc = judge(s, i, a, &s->trust, arena, &q->result, &why, &e);

	if (rc == 0 && !made_alike(s, s->all[i], q->result, &why))
		rc = 1;
	if (rc == 0 && !result_fits(q->result, q->wanted, q->count)) {
		rc = 1;
		s->counts.refused++;
		why = xstrdup("has other outputs than the node");
		share_warn(s, "the result of '%s' in %s %s; it is not used", q->result->node,
			   s->all[i]->shown, why);
	}
	s->counts.hits += rc == 0;
	if (rc < 0)
		keep(&q->err, e);
	else
		q->rc = rc;
	if (why && !q->why)
		q->why = steal_ptr(why);
}

/* Those of Q that nobody has answered with a result go to transport I. */
static void ask_transport(struct share *s, size_t i, struct share_question *q, size_t n,
			  struct arena *arena)
{
	struct remote_question *all cleanup_free = xcalloc(n + 1, sizeof(*all));
	struct share_question **open cleanup_free = xcalloc(n + 1, sizeof(struct share_question *));
	size_t count = 0;

	for (size_t k = 0; k < n; k++) {
		if (q[k].rc == 0)
			continue;
		all[count] = (struct remote_question){
			.key = q[k].key, .manifest_size = q[k].manifest_size, .message = STR_INIT};
		open[count++] = &q[k];
	}
	if (count)
		s->all[i]->type->results_get(s->all[i], all, count);
	share_tell(s);
	for (size_t k = 0; k < count; k++) {
		take_answer(s, i, &all[k], arena, open[k]);
		remote_question_release(&all[k]);
	}
}

void share_results_get(struct share *s, struct share_question *q, size_t n, struct arena *arena)
{
	s->counts.asked += n;
	for (size_t k = 0; k < n; k++) {
		q[k].rc = -1; /* until somebody has answered */
		q[k].why = NULL;
		q[k].err = NULL;
	}
	for (size_t i = 0; i < s->count; i++)
		ask_transport(s, i, q, n, arena);
	for (size_t k = 0; k < n; k++) {
		if (q[k].rc >= 0)
			err_free(steal_ptr(q[k].err));
		if (q[k].rc <= 0)
			free(steal_ptr(q[k].why));
	}
}

void share_question_release(struct share_question *q)
{
	free(steal_ptr(q->why));
	err_free(steal_ptr(q->err));
}

int share_result_get(struct share *s, const struct digest *key, size_t manifest_size,
		     const struct artifact *wanted, size_t count, struct arena *arena,
		     struct result **ret, char **ret_why, struct err **err)
{
	struct share_question q = {
		.key = *key, .manifest_size = manifest_size, .wanted = wanted, .count = count};

	share_results_get(s, &q, 1, arena);
	*ret = q.result;
	*ret_why = steal_ptr(q.why);
	if (q.rc < 0)
		*err = steal_ptr(q.err);
	share_question_release(&q);
	return q.rc;
}

/* --- blobs --------------------------------------------------------------------------------- */

/* Those that are still missing, moved together: the transport sees no others. */
static size_t pick_missing(struct remote_blob *blobs, size_t n, struct remote_blob **ret)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (!blobs[i].got && !blobs[i].taken)
			ret[k++] = &blobs[i];
	return k;
}

static int get_from(struct share *s, struct transport *t, struct remote_blob **wanted, size_t n,
		    struct err **err)
{
	struct remote_blob *copy cleanup_free = xcalloc(n, sizeof(*copy));
	int rc;

	for (size_t i = 0; i < n; i++)
		copy[i] = *wanted[i];
	rc = t->type->get(t, copy, n, err);
	for (size_t i = 0; i < n; i++) {
		wanted[i]->got = copy[i].got;
		wanted[i]->taken = copy[i].taken;
	}
	share_tell(s);
	return rc;
}

int share_get(struct share *s, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct remote_blob **wanted cleanup_free = xcalloc(n + 1, sizeof(struct remote_blob *));
	struct err *first cleanup_err = NULL;
	size_t answers = 0, left = pick_missing(blobs, n, wanted);

	for (size_t i = 0; left && i < s->count; i++) {
		struct err *e = NULL;
		int rc = get_from(s, s->all[i], wanted, left, &e);

		if (rc < 0 && e->code == E_REMOTE_DAMAGED) {
			s->counts.damaged++;
			share_warn(s, "%s", e->text);
			err_free(steal_ptr(e));
			answers++;
		} else if (rc < 0) {
			keep(&first, e);
		} else {
			answers++;
		}
		left = pick_missing(blobs, n, wanted);
	}
	if (!left)
		return 0;
	if (answers || !first)
		return 1;
	*err = steal_ptr(first);
	return -1;
}

int share_get_each(struct share *s, struct remote_blob *blobs, size_t n,
		   void (*arrived)(void *arg, struct remote_blob *b), void *arg, struct err **err)
{
	int rc;

	for (size_t i = 0; i < s->count; i++) {
		s->all[i]->arrived = arrived;
		s->all[i]->arrived_arg = arg;
	}
	rc = share_get(s, blobs, n, err);
	for (size_t i = 0; i < s->count; i++)
		s->all[i]->arrived = NULL;
	return rc;
}

void share_free_got(struct remote_blob *blobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(blobs[i].got);
		blobs[i].got = NULL;
	}
}
