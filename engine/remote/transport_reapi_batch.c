/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blobs to and from an engine of the REAPI: several batches at once, each tried again by itself. A
 * blob that is larger than the server's batches goes as a stream of bytes (google.bytestream).
 */
#include <stdio.h>
#include <sys/random.h>
#include <zstd.h>

#include "base/clock.h"
#include "remote/transport_reapi_priv.h"

#define ENTRIES_MOST 500u
#define ZSTD_LEVEL 1
#define STREAM_PIECE (256u << 10)

struct batch {
	struct remote_blob **items;
	size_t count;
	struct reapi_call call;
	bool open, done;
	struct retry retry;
	uint64_t due_ms;
	struct str streamed; /* of a read: what has come */
};

struct transfer {
	struct reapi *r;
	bool put;
	struct batch *batches;
	size_t count;
	struct err *err;     /* it cannot go on */
	struct err *damaged; /* the first blob with wrong bytes */
};

/* ---- batches ---- */

static bool is_stream(const struct batch *b, const struct reapi *r)
{
	return b->items[0]->size + REAPI_ENTRY > r->batch_max;
}

static bool same_name(const struct remote_blob *a, const struct remote_blob *b)
{
	return digest_eq(&a->digest, &b->digest);
}

/* How many of ITEMS the next batch has: equal ones stay together. */
static size_t batch_len(const struct reapi *r, struct remote_blob **items, size_t count)
{
	size_t n = 0, bytes = 0;

	while (n < count) {
		bool again = n && same_name(items[n], items[n - 1]);
		size_t more = again ? 0 : items[n]->size + REAPI_ENTRY;

		if (n && !again && (bytes + more > r->batch_max || n >= ENTRIES_MOST))
			break;
		bytes += more;
		n++;
	}
	return n;
}

static void cut(struct transfer *x, struct reapi_sorted *s)
{
	x->batches = xcalloc(s->count, sizeof(*x->batches));
	for (size_t at = 0; at < s->count;) {
		struct batch *b = &x->batches[x->count++];

		b->items = s->items + at;
		b->count = batch_len(x->r, b->items, s->count - at);
		b->call.call.silence_ms = GRPC_SILENCE_MS;
		b->streamed = (struct str)STR_INIT;
		at += b->count;
	}
}

/* ---- sending ---- */

struct upload {
	Reapi__BatchUpdateBlobsRequest message;
	Reapi__BatchUpdateBlobsRequest__Blob *blobs, **list;
	struct reapi_name *names;
	struct str *packed;
};

static void upload_add(struct transfer *x, struct upload *u, const struct remote_blob *b)
{
	size_t i = u->message.n_requests++, room = ZSTD_compressBound(b->size), n;
	Reapi__BatchUpdateBlobsRequest__Blob *m = u->list[i] = &u->blobs[i];

	reapi__batch_update_blobs_request__blob__init(m);
	m->digest = reapi_name(&u->names[i], &b->digest, b->size);
	m->data.data = (uint8_t *)b->data;
	m->data.len = b->size;
	u->packed[i] = (struct str)STR_INIT;
	if (!x->r->zstd || !b->size)
		return;
	n = ZSTD_compress(str_reserve(&u->packed[i], room), room, b->data, b->size, ZSTD_LEVEL);
	if (ZSTD_isError(n) || n >= b->size)
		return;
	m->data.data = (uint8_t *)u->packed[i].buf;
	m->data.len = n;
	m->compressor = REAPI_ZSTD;
}

static void upload_start(struct transfer *x, struct batch *b)
{
	struct upload u = {.blobs = xcalloc(b->count, sizeof(*u.blobs)),
			   .list = xcalloc(b->count, sizeof(*u.list)),
			   .names = xcalloc(b->count, sizeof(*u.names)),
			   .packed = xcalloc(b->count, sizeof(*u.packed))};

	reapi__batch_update_blobs_request__init(&u.message);
	u.message.instance_name = (char *)x->r->instance;
	u.message.requests = u.list;
	for (size_t i = 0; i < b->count; i++) {
		if (!i || !same_name(b->items[i], b->items[i - 1]))
			upload_add(x, &u, b->items[i]);
	}
	reapi_call_start(x->r->g, &b->call,
			 REAPI_METHOD "ContentAddressableStorage/BatchUpdateBlobs", &u.message.base,
			 &reapi__batch_update_blobs_response__descriptor);
	for (size_t i = 0; i < u.message.n_requests; i++)
		str_release(&u.packed[i]);
	free(u.blobs);
	free(u.list);
	free(u.names);
	free(u.packed);
}

/* What is wrong with one blob of an answer that is right otherwise. */
struct verdict {
	enum grpc_status status;
	const char *text;
};

static struct verdict upload_verdict(const struct batch *b)
{
	const Reapi__BatchUpdateBlobsResponse *a = (void *)b->call.answer;
	struct verdict v = {GRPC_OK, NULL};
	size_t known = 0;

	if (!a)
		return (struct verdict){GRPC_INTERNAL, "an answer without a message"};
	for (size_t i = 0; i < a->n_responses; i++) {
		const Reapi__Status *s = a->responses[i]->status;

		known += reapi_find(b->items, b->count, a->responses[i]->digest) < b->count;
		if (s && s->code && s->code != GRPC_ALREADY_EXISTS &&
		    (!v.status || reapi_may_pass(v.status, v.text)))
			v = (struct verdict){(enum grpc_status)s->code, s->message};
	}
	if (!v.status && !known)
		v = (struct verdict){GRPC_INTERNAL, "an answer about other blobs"};
	return v;
}

/* ---- fetching ---- */

static void download_start(struct transfer *x, struct batch *b)
{
	int32_t zstd[] = {REAPI_ZSTD};
	Reapi__BatchReadBlobsRequest q = REAPI__BATCH_READ_BLOBS_REQUEST__INIT;
	struct reapi_name *names cleanup_free = xcalloc(b->count, sizeof(*names));
	Reapi__Digest **list cleanup_free = xcalloc(b->count, sizeof(Reapi__Digest *));

	q.instance_name = (char *)x->r->instance;
	q.digests = list;
	for (size_t i = 0; i < b->count; i++) {
		if (!i || !same_name(b->items[i], b->items[i - 1])) {
			list[q.n_digests] = reapi_name(&names[q.n_digests], &b->items[i]->digest,
						       b->items[i]->size);
			q.n_digests++;
		}
	}
	if (x->r->zstd) {
		q.acceptable_compressors = zstd;
		q.n_acceptable_compressors = array_len(zstd);
	}
	reapi_call_start(x->r->g, &b->call, REAPI_METHOD "ContentAddressableStorage/BatchReadBlobs",
			 &q.base, &reapi__batch_read_blobs_response__descriptor);
}

static void damaged(struct transfer *x, const struct remote_blob *b, const char *why)
{
	char hex[DIGEST_HEX + 1];

	if (!x->damaged)
		err_set(&x->damaged, E_REMOTE_DAMAGED, "%s: the bytes of blob %s %s", x->r->shown,
			digest_hex(&b->digest, hex), why);
}

/* BYTES, which are B's to keep, if they are what its name says. */
static void keep(struct transfer *x, struct remote_blob *b, char *bytes, size_t len)
{
	struct digest d;

	if (len == b->size)
		digest_data(bytes, len, &d);
	if (len != b->size || !digest_eq(&d, &b->digest)) {
		damaged(x, b, "are not those of its name");
		free(bytes);
		return;
	}
	b->got = bytes;
	x->r->t.received += len;
}

/* Never more than its digest promises, whatever is packed in there. */
static void unpack(struct transfer *x, struct remote_blob *b, const ProtobufCBinaryData *data)
{
	char *bytes = xmalloc(b->size + 1);
	size_t n = ZSTD_decompress(bytes, b->size, data->data, data->len);

	if (!ZSTD_isError(n)) {
		keep(x, b, bytes, n);
		return;
	}
	damaged(x, b, "cannot be unpacked");
	free(bytes);
}

static void take_blob(struct transfer *x, struct remote_blob *b,
		      Reapi__BatchReadBlobsResponse__Blob *m)
{
	enum grpc_status status = m->status ? (enum grpc_status)m->status->code : GRPC_OK;

	if (b->got || status == GRPC_NOT_FOUND)
		return;
	if (status == GRPC_INTERNAL || status == GRPC_DATA_LOSS)
		damaged(x, b, "are lost, the server says");
	else if (status && !x->err)
		reapi_error(status, m->status->message, x->r->shown, "BatchReadBlobs", x->r->named,
			    &x->err);
	else if (!status && m->compressor == REAPI_ZSTD)
		unpack(x, b, &m->data);
	else if (!status)
		keep(x, b, xmemdup(m->data.data ? m->data.data : (uint8_t *)"", m->data.len),
		     m->data.len);
}

/* Whether the server wants some of it to be asked for again. */
static bool is_busy(const struct batch *b)
{
	const Reapi__BatchReadBlobsResponse *a = (void *)b->call.answer;

	for (size_t i = 0; a && i < a->n_responses; i++) {
		const Reapi__Status *s = a->responses[i]->status;

		if (s && reapi_may_pass((enum grpc_status)s->code, s->message))
			return true;
	}
	return false;
}

static void copy_to_equals(struct batch *b)
{
	for (size_t i = 1; i < b->count; i++) {
		if (!b->items[i]->got && b->items[i - 1]->got &&
		    same_name(b->items[i], b->items[i - 1]))
			b->items[i]->got = xmemdup(b->items[i - 1]->got, b->items[i]->size);
	}
}

static void take_blobs(struct transfer *x, struct batch *b)
{
	Reapi__BatchReadBlobsResponse *a = (void *)b->call.answer;

	for (size_t i = 0; a && i < a->n_responses; i++) {
		size_t at = reapi_find(b->items, b->count, a->responses[i]->digest);

		if (at < b->count)
			take_blob(x, b->items[at], a->responses[i]);
	}
	copy_to_equals(b);
}

/* ---- streams ---- */

static char *resource(const struct reapi *r, const struct remote_blob *b, const char *before)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("%s%s%sblobs/%s/%zu", r->instance, *r->instance ? "/" : "", before,
			 digest_hex(&b->digest, hex), b->size);
}

static int take_piece(void *arg, const void *data, size_t len)
{
	struct batch *b = arg;
	Reapi__ReadResponse *m = (void *)reapi_unpack(&reapi__read_response__descriptor, data, len);
	bool fits = m && m->data.len <= b->items[0]->size - b->streamed.len;

	if (fits)
		str_append_len(&b->streamed, m->data.data, m->data.len);
	reapi_unpacked_free(m ? &m->base : NULL);
	return !fits;
}

static void stream_read(struct transfer *x, struct batch *b)
{
	Reapi__ReadRequest q = REAPI__READ_REQUEST__INIT;
	char *name cleanup_free = resource(x->r, b->items[0], "");

	str_clear(&b->streamed);
	q.resource_name = name;
	b->call.on_message = take_piece;
	b->call.call.arg = b;
	reapi_call_start(x->r->g, &b->call, "google.bytestream.ByteStream/Read", &q.base, NULL);
}

/* A name that no other upload of this blob has, as a UUID. */
static char *upload_name(const struct reapi *r, const struct remote_blob *b)
{
	unsigned char random[16] = {0};
	char uuid[37];
	char *before cleanup_free = NULL;

	if (getrandom(random, sizeof(random), 0) < 0)
		memcpy(random, &(uint64_t){clock_ms()}, sizeof(uint64_t));
	before = xasprintf("uploads/%s/", uuid_format(random, uuid));
	return resource(r, b, before);
}

static void stream_write(struct transfer *x, struct batch *b)
{
	const struct remote_blob *blob = b->items[0];
	char *name cleanup_free = upload_name(x->r, blob);
	size_t at = 0;

	do {
		Reapi__WriteRequest q = REAPI__WRITE_REQUEST__INIT;
		size_t n = blob->size - at < STREAM_PIECE ? blob->size - at : STREAM_PIECE;

		q.resource_name = at ? (char *)"" : name;
		q.write_offset = (int64_t)at;
		q.data.data = (uint8_t *)blob->data + at;
		q.data.len = n;
		at += n;
		q.finish_write = at == blob->size;
		reapi_call_add(&b->call, &q.base);
	} while (at < blob->size);
	reapi_call_send(x->r->g, &b->call, "google.bytestream.ByteStream/Write", true,
			&reapi__write_response__descriptor);
}

static struct verdict stream_verdict(const struct batch *b)
{
	const Reapi__WriteResponse *a = (void *)b->call.answer;

	if (a && (a->committed_size == (int64_t)b->items[0]->size || a->committed_size == -1))
		return (struct verdict){GRPC_OK, NULL};
	return (struct verdict){GRPC_INTERNAL, "it has kept another number of bytes"};
}

static void stream_keep(struct transfer *x, struct batch *b)
{
	char *bytes = xmemdup(b->streamed.buf, b->streamed.len);

	keep(x, b->items[0], bytes, b->streamed.len);
	str_release(&b->streamed);
	copy_to_equals(b);
}

/* ---- all of them ---- */

static void batch_start(struct transfer *x, struct batch *b)
{
	bool stream = is_stream(b, x->r);

	if (x->put)
		stream ? stream_write(x, b) : upload_start(x, b);
	else
		stream ? stream_read(x, b) : download_start(x, b);
	b->open = true;
	x->r->t.calls++;
}

/* How a call ended, with what its answer says of blobs. */
static struct verdict batch_verdict(const struct transfer *x, const struct batch *b)
{
	if (b->call.unreadable)
		return (struct verdict){GRPC_INTERNAL, "an answer that cannot be read"};
	if (b->call.call.status)
		return (struct verdict){b->call.call.status, b->call.call.text};
	if (x->put)
		return is_stream(b, x->r) ? stream_verdict(b) : upload_verdict(b);
	return (struct verdict){GRPC_OK, NULL};
}

static void batch_succeeded(struct transfer *x, struct batch *b)
{
	if (x->put)
		x->r->t.sent += b->call.request.len;
	else if (is_stream(b, x->r))
		stream_keep(x, b);
	else
		take_blobs(x, b);
	for (size_t i = 0; !x->put && i < b->count; i++)
		transport_arrived(&x->r->t, b->items[i]);
	b->done = true;
}

static void batch_ended(struct transfer *x, struct batch *b)
{
	struct verdict v = batch_verdict(x, b);
	bool passes = reapi_may_pass(v.status, v.text) ||
		      (!v.status && !x->put && !is_stream(b, x->r) && is_busy(b));
	int ms = passes ? reapi_retry_pause(&b->retry, x->r->g, &b->call.call) : -1;

	b->open = false;
	if (ms >= 0) {
		x->r->t.retries++;
		b->due_ms = clock_ms() + (uint64_t)ms;
	} else if (!v.status) {
		batch_succeeded(x, b);
	} else if (!x->put && is_stream(b, x->r) &&
		   (v.status == GRPC_NOT_FOUND || v.status == GRPC_CANCELLED)) {
		if (v.status == GRPC_CANCELLED)
			damaged(x, b->items[0], "are more than its name says");
		b->done = true;
	} else if (!x->err) {
		reapi_error(v.status, v.text, x->r->shown,
			    x->put ? "storing blobs" : "reading blobs", x->r->named, &x->err);
	}
	reapi_call_release(&b->call);
}

/* Starts what may start. How many are left, and in how many milliseconds the next is due. */
static size_t start_due(struct transfer *x, int *ret_ms)
{
	uint64_t now = clock_ms();
	size_t left = 0, open = 0;

	for (size_t i = 0; i < x->count; i++)
		open += x->batches[i].open;
	*ret_ms = -1;
	for (size_t i = 0; i < x->count; i++) {
		struct batch *b = &x->batches[i];

		left += !b->done;
		if (b->done || b->open || open >= REAPI_WIDTH)
			continue;
		if (b->due_ms <= now) {
			batch_start(x, b);
			open++;
		} else if (*ret_ms < 0 || b->due_ms - now < (uint64_t)*ret_ms) {
			*ret_ms = (int)(b->due_ms - now);
		}
	}
	return left;
}

static void take_ended(struct transfer *x)
{
	for (size_t i = 0; i < x->count && !x->err; i++) {
		if (x->batches[i].open && x->batches[i].call.call.done)
			batch_ended(x, &x->batches[i]);
	}
}

static int transfer_end(struct transfer *x, struct err **err)
{
	for (size_t i = 0; i < x->count; i++) {
		if (x->batches[i].open)
			grpc_cancel(x->r->g, &x->batches[i].call.call);
		reapi_call_release(&x->batches[i].call);
		str_release(&x->batches[i].streamed);
	}
	free(x->batches);
	*err = x->err ? steal_ptr(x->err) : steal_ptr(x->damaged);
	err_free(x->damaged);
	return *err ? -1 : 0;
}

static int transfer_run(struct transfer *x, struct reapi_sorted *s, struct err **err)
{
	int ms;

	cut(x, s);
	while (!x->err && start_due(x, &ms)) {
		if (!grpc_step(x->r->g, ms) && ms > 0)
			reapi_pause(x->r->g, ms);
		take_ended(x);
	}
	return transfer_end(x, err);
}

int reapi_put_all(struct reapi *r, struct reapi_sorted *s, struct err **err)
{
	struct transfer x = {.r = r, .put = true};

	return transfer_run(&x, s, err);
}

int reapi_get_all(struct reapi *r, struct reapi_sorted *s, struct err **err)
{
	struct transfer x = {.r = r};

	return transfer_run(&x, s, err);
}
