/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engines of the Bazel Remote Execution API as a place: grpc://HOST:PORT and grpcs://HOST:PORT. */
#include <stdlib.h>

#include "base/url.h"
#include "remote/transport_reapi_priv.h"

#define FIND_MOST 10000u /* digests of a call */
#define SHA256 1

static struct reapi *reapi_of(struct transport *t)
{
	return (struct reapi *)t;
}

/* ---- names ---- */

Reapi__Digest *reapi_name(struct reapi_name *n, const struct digest *d, size_t size)
{
	reapi__digest__init(&n->message);
	n->message.hash = digest_hex(d, n->hex);
	n->message.size_bytes = (int64_t)size;
	return &n->message;
}

static int by_digest(const void *a, const void *b)
{
	const struct remote_blob *x = *(struct remote_blob *const *)a;
	const struct remote_blob *y = *(struct remote_blob *const *)b;

	return memcmp(&x->digest, &y->digest, sizeof(x->digest));
}

void reapi_sort(struct reapi_sorted *s, struct remote_blob *blobs, size_t n, bool missing_only)
{
	s->items = xreallocarray(NULL, n + 1, sizeof(struct remote_blob *));
	s->count = 0;
	for (size_t i = 0; i < n; i++) {
		if (!missing_only || blobs[i].missing)
			s->items[s->count++] = &blobs[i];
	}
	qsort(s->items, s->count, sizeof(struct remote_blob *), by_digest);
}

size_t reapi_find(struct remote_blob *const *items, size_t count, const Reapi__Digest *d)
{
	struct digest want;
	size_t low = 0, high = count;

	if (!d || digest_parse(d->hash, &want))
		return count;
	while (low < high) {
		size_t mid = (low + high) / 2;

		if (memcmp(&items[mid]->digest, &want, sizeof(want)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < count && digest_eq(&items[low]->digest, &want) ? low : count;
}

/* ---- what the server can ---- */

static bool has(const int32_t *list, size_t n, int32_t what)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == what)
			return true;
	}
	return false;
}

static int take_capabilities(struct reapi *r, const Reapi__ServerCapabilities *s, struct err **err)
{
	const Reapi__CacheCapabilities *c = s->cache;
	int64_t most;

	if (!c)
		return err_set(err, E_REMOTE_REFUSED, "%s: it is not a cache, it has no blobs",
			       r->shown);
	if (!has(c->digest_functions, c->n_digest_functions, SHA256))
		return err_set(err, E_REMOTE_REFUSED,
			       "%s: it does not name blobs by SHA-256; set its digest function",
			       r->shown);
	most = c->max_batch_total_size_bytes;
	r->batch_max =
		most > 0 && (uint64_t)most < REAPI_BATCH_MAX ? (size_t)most : REAPI_BATCH_MAX;
	r->zstd = has(c->supported_batch_update_compressors,
		      c->n_supported_batch_update_compressors, REAPI_ZSTD);
	r->writes = c->action_cache_update && c->action_cache_update->update_enabled;
	r->executes = s->execution && s->execution->exec_enabled;
	free(r->version);
	r->version = s->high_api_version ? xasprintf("%d.%d", s->high_api_version->major,
						     s->high_api_version->minor)
					 : xstrdup("2");
	r->ready = true;
	return 0;
}

int reapi_ready(struct reapi *r, struct err **err)
{
	Reapi__GetCapabilitiesRequest q = REAPI__GET_CAPABILITIES_REQUEST__INIT;
	struct reapi_call c = {.call.limit_ms = GRPC_UNARY_MS};
	int rc;

	if (r->ready)
		return 0;
	q.instance_name = (char *)r->instance;
	rc = reapi_call_run(r->g, &c, REAPI_METHOD "Capabilities/GetCapabilities", &q.base,
			    &reapi__server_capabilities__descriptor, &r->t, r->named, err);
	if (rc == GRPC_NOT_FOUND)
		rc = err_set(err, E_REMOTE_REFUSED, "%s: it has no instance '%s'", r->shown,
			     r->instance);
	if (rc == 0)
		rc = take_capabilities(r, (Reapi__ServerCapabilities *)c.answer, err);
	reapi_call_release(&c);
	return rc;
}

static int reapi_hello(struct transport *t, struct str *ret, struct err **err)
{
	struct reapi *r = reapi_of(t);
	struct remote_blob empty = {.data = "", .missing = true};
	struct err *why cleanup_err = NULL;
	char *size cleanup_free = NULL;

	r->ready = false;
	if (reapi_ready(r, err) < 0)
		return -1;
	size = str_bytes(r->batch_max);
	digest_data("", 0, &empty.digest);
	str_printf(ret, "REAPI %s, batches of %s%s; %s", r->version, size, r->zstd ? ", zstd" : "",
		   r->executes ? TRANSPORT_EXECUTES "; " : "");
	if (!r->writes)
		str_append(ret, "results may only be read");
	else if (t->type->put(t, &empty, 1, &why) < 0)
		str_printf(ret, "results may only be read (%s)", why->text);
	else
		str_append(ret, "results may be read and written");
	return 0;
}

/* ---- blobs ---- */

static int find_some(struct reapi *r, struct remote_blob **items, size_t n, struct err **err)
{
	Reapi__FindMissingBlobsRequest q = REAPI__FIND_MISSING_BLOBS_REQUEST__INIT;
	struct reapi_name *names cleanup_free = xcalloc(n, sizeof(*names));
	Reapi__Digest **list cleanup_free = xcalloc(n, sizeof(Reapi__Digest *));
	struct reapi_call c = {.call.silence_ms = GRPC_SILENCE_MS};
	const Reapi__FindMissingBlobsResponse *a;
	int rc;

	for (size_t i = 0; i < n; i++)
		list[i] = reapi_name(&names[i], &items[i]->digest, items[i]->size);
	q.instance_name = (char *)r->instance;
	q.n_blob_digests = n;
	q.blob_digests = list;
	rc = reapi_call_run(r->g, &c, REAPI_METHOD "ContentAddressableStorage/FindMissingBlobs",
			    &q.base, &reapi__find_missing_blobs_response__descriptor, &r->t,
			    r->named, err);
	if (rc == GRPC_NOT_FOUND)
		rc = reapi_error(GRPC_NOT_FOUND, c.call.text, r->shown, "FindMissingBlobs",
				 r->named, err);
	a = (const Reapi__FindMissingBlobsResponse *)c.answer;
	for (size_t i = 0; rc == 0 && i < a->n_missing_blob_digests; i++) {
		size_t at = reapi_find(items, n, a->missing_blob_digests[i]);

		for (size_t k = at; k < n && digest_eq(&items[k]->digest, &items[at]->digest); k++)
			items[k]->missing = true;
	}
	reapi_call_release(&c);
	return rc;
}

static int reapi_missing(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct reapi *r = reapi_of(t);
	struct reapi_sorted s = {0};
	int rc = reapi_ready(r, err);

	for (size_t i = 0; i < n; i++)
		blobs[i].missing = false;
	reapi_sort(&s, blobs, n, false);
	for (size_t at = 0; rc == 0 && at < n; at += FIND_MOST)
		rc = find_some(r, s.items + at, n - at < FIND_MOST ? n - at : FIND_MOST, err);
	/* The same blob on both sides of a border. */
	for (size_t i = 1; rc == 0 && i < n; i++) {
		if (digest_eq(&s.items[i]->digest, &s.items[i - 1]->digest))
			s.items[i]->missing = s.items[i - 1]->missing;
	}
	free(s.items);
	return rc;
}

static int reapi_put(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct reapi *r = reapi_of(t);
	struct reapi_sorted s = {0};
	int rc = reapi_ready(r, err);

	reapi_sort(&s, blobs, n, true);
	if (rc == 0 && s.count)
		rc = reapi_put_all(r, &s, err);
	free(s.items);
	return rc;
}

static int reapi_get(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct reapi *r = reapi_of(t);
	struct reapi_sorted s = {0};
	int rc = reapi_ready(r, err);

	for (size_t i = 0; i < n; i++) {
		blobs[i].got = NULL;
		blobs[i].taken = false;
	}
	reapi_sort(&s, blobs, n, false);
	if (rc == 0 && n)
		rc = reapi_get_all(r, &s, err);
	free(s.items);
	return rc;
}

/* ---- open and close ---- */

static void reapi_close(struct transport *t)
{
	struct reapi *r = reapi_of(t);

	grpc_close(r->g);
	free(r->shown);
	free(r->version);
	free(r);
}

static int reapi_open(const char *url, const struct remote_access *access, struct transport **ret,
		      struct err **err);

const struct transport_type transport_reapi = {
	.schemes = "grpc grpcs",
	.text = "engine of the Remote Execution API",
	.open = reapi_open,
	.close = reapi_close,
	.hello = reapi_hello,
	.missing = reapi_missing,
	.put = reapi_put,
	.get = reapi_get,
	.results_get = reapi_results_get,
	.result_put = reapi_result_put,
};

static int reapi_open(const char *url, const struct remote_access *access, struct transport **ret,
		      struct err **err)
{
	struct reapi *r = xcalloc(1, sizeof(*r));

	if (grpc_open(url, access, &r->g, err) < 0) {
		free(r);
		return -1;
	}
	r->shown = url_shown(url);
	r->instance = access->instance ? access->instance : "";
	r->named = access->token || access->cert || url_has_user(url);
	r->t = (struct transport){.type = &transport_reapi, .shown = r->shown};
	*ret = &r->t;
	return 0;
}
