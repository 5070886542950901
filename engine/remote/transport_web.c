/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Web servers as a place: PUT, GET and HEAD of cas/<sha256> and ac/<key> below a URL. http and
 * https, which nginx (WebDAV), bazel-remote and others speak, and s3://BUCKET/PREFIX (web_place.h).
 */
#include <stdlib.h>

#include "base/http_request.h"
#include "base/url.h"
#include "remote/retry.h"
#include "remote/transport.h"
#include "remote/web_place.h"

#define PARALLEL 16
/* So often an answer may end too early at one place: then the server has no more of it. */
#define CUTS_MOST 3

struct web {
	struct transport t;
	struct arena *arena;
	struct web_place at;
	struct http_access access;
	struct http_client *client;
	bool known; /* it has answered before */
};

static struct web *web_of(struct transport *t)
{
	return (struct web *)t;
}

/* ---- answers ---- */

static bool is_done(const struct http_request *r)
{
	return r->status && r->status != 408 && r->status != 429 && r->status / 100 != 5;
}

/* A server that answers, but has not all the bytes. */
static bool is_cut(const struct http_request *r)
{
	return !r->status && r->cuts >= CUTS_MOST;
}

/* Room does not come back in seconds. */
static bool may_pass(const struct http_request *r)
{
	return !is_done(r) && !is_cut(r) && !r->lasting && r->status != 501 && r->status != 505 &&
	       r->status != 507;
}

/* S3 says of what is not there that it may not be seen, to who may not list the bucket. */
static bool is_absent(const struct web *w, const struct http_request *r)
{
	if (r->status == 404 || r->status == 410)
		return true;
	return w->at.is_s3 && r->status == 403 &&
	       (str_eq(r->method, "HEAD") || strstr(r->answer.buf, "<Code>AccessDenied<"));
}

static const char *advice(const struct web *w, const struct http_request *r)
{
	bool named = w->at.signing.key_id || w->at.token || w->access.user;

	if (w->at.is_s3 && strstr(r->answer.buf, "RequestTimeTooSkewed"))
		return "; the clock of this machine is wrong, or the server's";
	if (w->at.is_s3 && strstr(r->answer.buf, "SignatureDoesNotMatch"))
		return "; the secret is not that of the key";
	if (w->at.is_s3 && strstr(r->answer.buf, "InvalidAccessKeyId"))
		return "; it does not know the key";
	if (r->status == 401)
		return named ? "; it does not accept what it was told of who asks"
			     : "; it wants to know who asks: 'token:' in config.yaml, "
			       "$ORCH_CACHE_TOKEN or ~/.netrc";
	if (r->status == 403 && str_eq(r->method, "PUT"))
		return "; it may be read, but not written";
	if (r->status == 405)
		return "; it does not take this method: is WebDAV's PUT switched on?";
	if (r->status == 413)
		return "; its limit for a file is too low: 4 MiB are needed";
	if (r->status == 507)
		return "; it has no room";
	return r->status / 100 == 3 ? "; it is somewhere else" : "";
}

static int answer_error(const struct web *w, const struct http_request *r, struct err **err)
{
	if (!r->status)
		return err_set(err, E_REMOTE_UNREACHABLE, "%s: %s", w->t.shown, r->why);
	return err_set(err, E_REMOTE_REFUSED, "%s: HTTP status %ld to %s%s", w->t.shown, r->status,
		       r->method, advice(w, r));
}

/* Those that wait for another try; */
static size_t still_open(const struct http_request *r, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += may_pass(&r[i]);
	return open;
}

static void try_again(struct web *w, struct http_request *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!may_pass(&r[i]))
			continue;
		r[i].status = 0;
		w->t.retries++;
	}
}

static bool any_answer(const struct http_request *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (r[i].status)
			return true;
	}
	return false;
}

/* All of them, in rounds as long as what has failed may pass; a round that gains starts afresh. */
static void run(struct web *w, struct http_request *r, size_t n)
{
	struct retry retry = {0};
	size_t open = n;

	w->t.calls += n;
	for (;;) {
		size_t left;
		int ms;

		http_client_run(w->client, r, n);
		w->known |= any_answer(r, n);
		left = still_open(r, n);
		if (left < open)
			retry = (struct retry){0};
		open = left;
		ms = left ? retry_pause(&retry, w->known) : -1;
		if (ms < 0)
			return;
		retry_sleep(ms);
		try_again(w, r, n);
	}
}

/* ---- blobs ---- */

static char *blob_url(const struct web *w, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("%s/cas/%s", w->at.base, digest_hex(d, hex));
}

static void requests_free(struct http_request *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		http_request_release(&r[i]);
		free((char *)r[i].url);
	}
	free(r);
}

static struct http_request *requests_for(const struct web *w, const char *method,
					 const struct remote_blob *blobs, size_t n)
{
	struct http_request *r = xcalloc(n + 1, sizeof(*r));

	for (size_t i = 0; i < n; i++)
		r[i] = (struct http_request){.method = method,
					     .url = blob_url(w, &blobs[i].digest),
					     .max = blobs[i].size};
	return r;
}

static int web_missing(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct web *w = web_of(t);
	struct http_request *r = requests_for(w, "HEAD", blobs, n);
	int rc = 0;

	run(w, r, n);
	for (size_t i = 0; i < n && rc == 0; i++) {
		bool there = r[i].status / 100 == 2;

		if (!there && !is_absent(w, &r[i]))
			rc = answer_error(w, &r[i], err);
		/* One that was cut short is sent again. */
		blobs[i].missing =
			!there || (r[i].length != UINT64_MAX && r[i].length != blobs[i].size);
	}
	requests_free(r, n);
	return rc;
}

static int web_put(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct web *w = web_of(t);
	struct http_request *r = xcalloc(n + 1, sizeof(*r));
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (!blobs[i].missing)
			continue;
		r[count++] = (struct http_request){.method = "PUT",
						   .url = blob_url(w, &blobs[i].digest),
						   .body = blobs[i].data,
						   .body_len = blobs[i].size};
	}
	run(w, r, count);
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (r[i].status / 100 == 2)
			t->sent += r[i].body_len;
		else
			rc = answer_error(w, &r[i], err);
	}
	requests_free(r, count);
	return rc;
}

/* Takes what came for B. 0, also when there is none; -1. */
static int take(struct web *w, struct remote_blob *b, struct http_request *r, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	struct digest d;

	if (is_absent(w, r))
		return 0;
	if (is_cut(r))
		return err_set(err, E_REMOTE_DAMAGED, "%s: blob %s ends too early: %s", w->t.shown,
			       digest_hex(&b->digest, hex), r->why);
	if (!r->too_large && r->status / 100 != 2)
		return answer_error(w, r, err);
	digest_data(r->answer.buf, r->answer.len, &d);
	if (r->too_large || r->answer.len != b->size || !digest_eq(&d, &b->digest))
		return err_set(err, E_REMOTE_DAMAGED,
			       "%s: the bytes of blob %s are not those of its name", w->t.shown,
			       digest_hex(&b->digest, hex));
	w->t.received += b->size;
	b->got = str_steal(&r->answer);
	return 0;
}

/* A blob that is asked for. */
struct asked {
	struct web *w;
	struct remote_blob *blob;
};

/* What is wrong with one is said when all have ended. */
static void on_came(struct http_request *r)
{
	struct asked *a = r->arg;
	struct err *ignored cleanup_err = NULL;

	if (take(a->w, a->blob, r, &ignored) == 0)
		transport_arrived(&a->w->t, a->blob);
}

static void get_all(struct web *w, struct remote_blob *blobs, struct http_request *r, size_t n)
{
	struct asked *all cleanup_free = xcalloc(n + 1, sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		blobs[i].got = NULL;
		blobs[i].taken = false;
		all[i] = (struct asked){w, &blobs[i]};
		r[i].came = on_came;
		r[i].arg = &all[i];
	}
	run(w, r, n);
}

static int web_get(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct web *w = web_of(t);
	struct http_request *r = requests_for(w, "GET", blobs, n);
	struct err *damaged = NULL, *failed = NULL;

	get_all(w, blobs, r, n);
	for (size_t i = 0; i < n; i++) {
		struct err *e = NULL;

		if (blobs[i].got || blobs[i].taken || take(w, &blobs[i], &r[i], &e) == 0)
			continue;
		if (e->code == E_REMOTE_DAMAGED && !damaged)
			damaged = steal_ptr(e);
		else if (e->code != E_REMOTE_DAMAGED && !failed)
			failed = steal_ptr(e);
		err_free(e);
	}
	requests_free(r, n);
	*err = failed ? steal_ptr(failed) : steal_ptr(damaged);
	err_free(damaged);
	return *err ? -1 : 0;
}

/* ---- results ---- */

static char *result_url(const struct web *w, const struct digest *key)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("%s/ac/%s", w->at.base, digest_hex(key, hex));
}

static int take_result(struct web *w, struct http_request *r, struct str *ret, struct err **err)
{
	if (r->too_large)
		return err_set(err, E_REMOTE_DAMAGED, "%s: what it has as a result is too large",
			       w->t.shown);
	if (is_absent(w, r))
		return 1;
	if (is_cut(r))
		return err_set(err, E_REMOTE_DAMAGED, "%s: a result ends too early: %s", w->t.shown,
			       r->why);
	if (r->status / 100 != 2)
		return answer_error(w, r, err);
	str_append_len(ret, r->answer.buf, r->answer.len);
	w->t.received += r->answer.len;
	return 0;
}

static void web_results_get(struct transport *t, struct remote_question *q, size_t n)
{
	struct web *w = web_of(t);
	struct http_request *r = xcalloc(n + 1, sizeof(*r));

	for (size_t i = 0; i < n; i++)
		r[i] = (struct http_request){
			.method = "GET", .url = result_url(w, &q[i].key), .max = REMOTE_RESULT_MAX};
	run(w, r, n);
	for (size_t i = 0; i < n; i++)
		q[i].rc = take_result(w, &r[i], &q[i].message, &q[i].err);
	requests_free(r, n);
}

static int web_result_put(struct transport *t, const struct digest *key, size_t manifest_size,
			  const struct str *message, struct err **err)
{
	struct web *w = web_of(t);
	char *url cleanup_free = result_url(w, key);
	struct http_request r = {
		.method = "PUT", .url = url, .body = message->buf, .body_len = message->len};
	int rc = 0;

	run(w, &r, 1);
	if (r.status / 100 == 2)
		t->sent += message->len;
	else
		rc = answer_error(w, &r, err);
	http_request_release(&r);
	return rc;
}

/* ---- open and close ---- */

static int web_hello(struct transport *t, struct str *ret, struct err **err)
{
	struct web *w = web_of(t);
	struct remote_blob empty = {.data = "", .missing = true};
	struct str none cleanup_str = STR_INIT;
	struct err *why cleanup_err = NULL;

	digest_data("", 0, &empty.digest);
	if (transport_result_get(t, &empty.digest, 0, &none, err) < 0)
		return -1;
	str_append(ret, w->at.is_s3 ? "S3; " : "HTTP; ");
	if (web_put(t, &empty, 1, &why) < 0)
		str_printf(ret, "results may only be read (%s)", why->text);
	else
		str_append(ret, "results may be read and written");
	return 0;
}

static void web_close(struct transport *t)
{
	struct web *w = web_of(t);

	http_client_free(w->client);
	arena_free(w->arena);
	free(w);
}

static int web_open(const char *url, const struct remote_access *access, struct transport **ret,
		    struct err **err);

const struct transport_type transport_web = {
	.schemes = "https http s3",
	.text = "web server",
	.open = web_open,
	.close = web_close,
	.hello = web_hello,
	.missing = web_missing,
	.put = web_put,
	.get = web_get,
	.results_get = web_results_get,
	.result_put = web_result_put,
};

static int client_open(struct web *w, const struct remote_access *access, struct err **err)
{
	struct http_client_opts opts = {.access = &w->access,
					.bearer = w->at.token,
					.signing = w->at.signing.key_id ? &w->at.signing : NULL,
					.netrc = !w->at.is_s3,
					.parallel = PARALLEL};

	w->access = (struct http_access){.ca_file = access->ca,
					 .client_cert = access->cert,
					 .client_key = access->cert_key,
					 .user = w->at.user,
					 .password = w->at.password};
	return http_client_new(&opts, &w->client, err);
}

static int web_open(const char *url, const struct remote_access *access, struct transport **ret,
		    struct err **err)
{
	struct web *w = xcalloc(1, sizeof(*w));
	char *shown cleanup_free = url_shown(url);

	w->arena = arena_new();
	w->t = (struct transport){.type = &transport_web, .shown = arena_strdup(w->arena, shown)};
	if (web_place_find(w->arena, url, access, &w->at, err) < 0 ||
	    client_open(w, access, err) < 0) {
		web_close(&w->t);
		return -1;
	}
	*ret = &w->t;
	return 0;
}
