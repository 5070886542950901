/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/reapi_call.h"

#include <poll.h>

#include "base/clock.h"

#define LONG_TRY_MS 4000

/* ---- messages ---- */

void reapi_pack(const ProtobufCMessage *message, struct str *ret)
{
	size_t len = protobuf_c_message_get_packed_size(message);

	protobuf_c_message_pack(message, (uint8_t *)str_reserve(ret, len + 1));
	ret->len += len;
	ret->buf[ret->len] = 0;
}

/* What a message may take: two bytes can ask for a struct of a hundred. */
static void *capped_alloc(void *left, size_t size)
{
	size_t *n = left;

	if (size > *n)
		return NULL;
	*n -= size;
	return xmalloc(size);
}

static void capped_free(void *left, void *p)
{
	free(p);
}

ProtobufCMessage *reapi_unpack(const ProtobufCMessageDescriptor *type, const void *data, size_t len)
{
	size_t left = 8 * len + 8192;
	ProtobufCAllocator capped = {capped_alloc, capped_free, &left};

	return protobuf_c_message_unpack(type, &capped, len, data);
}

void reapi_unpacked_free(ProtobufCMessage *m)
{
	if (m)
		protobuf_c_message_free_unpacked(m, NULL);
}

/* ---- calls ---- */

static int take_answer(void *arg, const void *data, size_t len)
{
	struct reapi_call *c = arg;

	if (!c->type) {
		str_append_len(&c->raw, data, len);
		return 0;
	}
	if (!c->answer)
		c->answer = reapi_unpack(c->type, data, len);
	c->unreadable = !c->answer;
	return c->unreadable;
}

static void prepare(struct reapi_call *c)
{
	if (c->request.buf)
		return;
	c->request = (struct str)STR_INIT;
	c->raw = (struct str)STR_INIT;
}

void reapi_call_send(struct grpc *g, struct reapi_call *c, const char *method, bool framed,
		     const ProtobufCMessageDescriptor *type)
{
	c->type = type;
	c->unreadable = false;
	c->call.method = method;
	c->call.request = &c->request;
	c->call.framed = framed;
	c->call.on_message = c->on_message ? c->on_message : take_answer;
	if (!c->on_message)
		c->call.arg = c;
	grpc_start(g, &c->call);
}

void reapi_call_start(struct grpc *g, struct reapi_call *c, const char *method,
		      const ProtobufCMessage *message, const ProtobufCMessageDescriptor *type)
{
	prepare(c);
	str_clear(&c->request);
	reapi_pack(message, &c->request);
	reapi_call_send(g, c, method, false, type);
}

void reapi_call_add(struct reapi_call *c, const ProtobufCMessage *message)
{
	unsigned char prefix[GRPC_PREFIX];

	prepare(c);
	grpc_prefix(prefix, protobuf_c_message_get_packed_size(message));
	str_append_len(&c->request, prefix, sizeof(prefix));
	reapi_pack(message, &c->request);
}

void reapi_call_release(struct reapi_call *c)
{
	reapi_unpacked_free(steal_ptr(c->answer));
	grpc_call_release(&c->call);
	if (c->request.buf) {
		str_release(&c->request);
		str_release(&c->raw);
	}
}

void reapi_pause(struct grpc *g, int ms)
{
	uint64_t end = clock_ms() + (uint64_t)ms, now;

	while ((now = clock_ms()) < end) {
		if (!grpc_step(g, (int)(end - now)))
			poll(NULL, 0, (int)(end - now));
	}
}

int reapi_retry_pause(struct retry *r, const struct grpc *g, const struct grpc_call *c)
{
	if (grpc_lasting(g))
		return -1;
	if (clock_ms() - c->started_ms > LONG_TRY_MS)
		r->failed += 2;
	return retry_pause(r, grpc_known(g));
}

/* ---- what a status means ---- */

/* A message or a cache that is too small for this will be so again. */
static bool is_about_size(const char *text)
{
	static const char *const words[] = {"larger", "too large", "too big", "exceed", "max"};

	for (size_t i = 0; text && i < array_len(words); i++) {
		if (strcasestr(text, words[i]))
			return true;
	}
	return false;
}

bool reapi_may_pass(enum grpc_status status, const char *text)
{
	switch (status) {
	case GRPC_UNAVAILABLE:
	case GRPC_ABORTED:
	case GRPC_DEADLINE_EXCEEDED:
		return true;
	case GRPC_RESOURCE_EXHAUSTED:
		return !is_about_size(text);
	default:
		return false;
	}
}

static const char *advice(enum grpc_status status, bool named)
{
	if (status == GRPC_UNAUTHENTICATED)
		return named ? "; it does not accept the token or certificate that it was shown"
			     : "; it wants to know who asks: 'token:' or 'cert:' in config.yaml, "
			       "or $ORCH_CACHE_TOKEN";
	if (status == GRPC_PERMISSION_DENIED)
		return named ? "; whoever has this token or certificate may not do that"
			     : "; without a token or a certificate nobody may do that";
	if (status == GRPC_UNIMPLEMENTED)
		return "; is this a server of the Remote Execution API?";
	return "";
}

int reapi_error(enum grpc_status status, const char *text, const char *shown, const char *what,
		bool named, struct err **err)
{
	bool away = status == GRPC_UNAVAILABLE || status == GRPC_ABORTED ||
		    status == GRPC_DEADLINE_EXCEEDED;

	if (away)
		return err_set(err, E_REMOTE_UNREACHABLE, "%s: %s", shown,
			       text && *text ? text : grpc_status_name(status));
	return err_set(err, E_REMOTE_REFUSED, "%s: %s: %s%s%s%s", shown, what,
		       grpc_status_name(status), text && *text ? ": " : "",
		       text && *text ? text : "", advice(status, named));
}

static const char *method_name(const char *method)
{
	const char *slash = strrchr(method, '/');

	return slash ? slash + 1 : method;
}

int reapi_call_run(struct grpc *g, struct reapi_call *c, const char *method,
		   const ProtobufCMessage *message, const ProtobufCMessageDescriptor *type,
		   struct transport *t, bool named, struct err **err)
{
	struct retry r = {0};
	int ms;

	for (;;) {
		reapi_call_release(c);
		reapi_call_start(g, c, method, message, type);
		t->calls++;
		while (!c->call.done)
			grpc_step(g, -1);
		if (!reapi_may_pass(c->call.status, c->call.text) ||
		    (ms = reapi_retry_pause(&r, g, &c->call)) < 0)
			break;
		t->retries++;
		reapi_pause(g, ms);
	}
	if (c->unreadable || (c->call.status == GRPC_OK && type && !c->answer))
		return err_set(err, E_REMOTE_REFUSED, "%s: %s: an answer that cannot be read",
			       t->shown, method_name(method));
	if (c->call.status == GRPC_OK || c->call.status == GRPC_NOT_FOUND)
		return (int)c->call.status;
	return reapi_error(c->call.status, c->call.text, t->shown, method_name(method), named, err);
}
