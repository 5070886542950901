/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/grpc_priv.h"

#include "base/clock.h"

#define CALM_MS 310000 /* servers of gRPC take no more than a ping in 5 minutes, unless told to */
#define STREAM_WINDOW (4 << 20)
#define CONNECTION_WINDOW (16 << 20)

/* ---- what nghttp2 calls ---- */

static struct grpc_call *call_of(nghttp2_session *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2, id);
}

static size_t copy_part(uint8_t *buf, size_t room, const void *data, size_t len, size_t *at)
{
	size_t n = len - *at < room ? len - *at : room;

	memcpy(buf, (const char *)data + *at, n);
	*at += n;
	return n;
}

/* The five bytes, then the message. */
static ssize_t on_send(nghttp2_session *h2, int32_t id, uint8_t *buf, size_t room, uint32_t *flags,
		       nghttp2_data_source *source, void *arg)
{
	struct grpc_call *c = call_of(h2, id);
	size_t len, n = 0, at;

	if (!c)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* it has ended */
	len = c->request ? c->request->len : 0;
	if (c->at < GRPC_PREFIX)
		n = copy_part(buf, room, c->prefix, GRPC_PREFIX, &c->at);
	if (c->at >= GRPC_PREFIX && len) {
		at = c->at - GRPC_PREFIX;
		n += copy_part(buf + n, room - n, c->request->buf, len, &at);
		c->at = at + GRPC_PREFIX;
	}
	if (c->at == GRPC_PREFIX + len) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		c->sent_all = true;
	}
	c->sent += n;
	c->moved_ms = clock_ms();
	return (ssize_t)n;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
		   void *arg)
{
	struct grpc_call *c = call_of(h2, id);
	const char *why = "cancelled";
	int rc;

	if (!c || c->http != 200)
		return 0;
	c->received += len;
	c->moved_ms = clock_ms();
	rc = grpc_reader_feed(&c->in, data, len, &why);
	if (rc) {
		call_reset(arg, c, NGHTTP2_CANCEL);
		call_finish(arg, c, rc == GRPC_READ_STOPPED ? GRPC_CANCELLED : GRPC_INTERNAL, why);
	}
	return 0;
}

static bool is_name(const uint8_t *name, size_t len, const char *want)
{
	return len == strlen(want) && !memcmp(name, want, len);
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *arg)
{
	struct grpc_call *c = call_of(h2, frame->hd.stream_id);

	if (!c)
		return 0;
	c->moved_ms = clock_ms();
	if (is_name(name, name_len, ":status") && len == 3)
		c->http = (value[0] - '0') * 100 + (value[1] - '0') * 10 + value[2] - '0';
	if (is_name(name, name_len, "grpc-status")) {
		c->status = grpc_status_parse(value, len);
		c->answered = true;
	}
	if (is_name(name, name_len, "grpc-message")) {
		free(c->text);
		c->text = grpc_text_parse(value, len);
	}
	return 0;
}

static void on_goaway(struct grpc *g, const nghttp2_goaway *f)
{
	free(g->why);
	g->why = xasprintf("the server closes the connection (%s)",
			   nghttp2_http2_strerror(f->error_code));
	g->leaving_ms = clock_ms();
	if (f->error_code == NGHTTP2_ENHANCE_YOUR_CALM) /* it may be these that it does not like */
		g->ping_ms = g->ping_ms < CALM_MS ? CALM_MS : 2 * g->ping_ms;
}

static void end_of_answer(struct grpc *g, struct grpc_call *c)
{
	char *text cleanup_free = xasprintf("HTTP status %d, and not an answer of gRPC", c->http);

	if (!c->sent_all) /* answered before it had heard all */
		call_reset(g, c, NGHTTP2_NO_ERROR);
	call_finish(g, c, grpc_status_of_http(c->http), text);
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *arg)
{
	struct grpc *g = arg;
	struct grpc_call *c = call_of(h2, f->hd.stream_id);

	g->known = true;
	if (f->hd.type == NGHTTP2_GOAWAY)
		on_goaway(g, &f->goaway);
	if (c && (f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) &&
	    f->hd.flags & NGHTTP2_FLAG_END_STREAM)
		end_of_answer(g, c);
	return 0;
}

static enum grpc_status status_of_reset(uint32_t code)
{
	switch (code) {
	case NGHTTP2_REFUSED_STREAM:
		return GRPC_UNAVAILABLE;
	case NGHTTP2_CANCEL:
		return GRPC_CANCELLED;
	case NGHTTP2_ENHANCE_YOUR_CALM:
		return GRPC_RESOURCE_EXHAUSTED;
	default:
		return GRPC_INTERNAL;
	}
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *arg)
{
	struct grpc_call *c = call_of(h2, id);
	char *text cleanup_free =
		xasprintf("the server reset the call (%s)", nghttp2_http2_strerror(code));

	if (c)
		call_finish(arg, c, status_of_reset(code), text);
	return 0;
}

/* ---- a connection and its calls ---- */

void session_new(struct grpc *g)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
	};
	nghttp2_session_callbacks *cb;

	if (nghttp2_session_callbacks_new(&cb))
		out_of_memory(0);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	if (nghttp2_session_client_new(&g->h2, cb, g))
		out_of_memory(0);
	nghttp2_session_callbacks_del(cb);
	nghttp2_submit_settings(g->h2, NGHTTP2_FLAG_NONE, settings, array_len(settings));
	nghttp2_session_set_local_window_size(g->h2, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	g->heard_ms = g->took_ms = clock_ms();
}

static nghttp2_nv header(const char *name, const char *value)
{
	return (nghttp2_nv){.name = (uint8_t *)name,
			    .value = (uint8_t *)value,
			    .namelen = strlen(name),
			    .valuelen = strlen(value)};
}

void session_submit(struct grpc *g, struct grpc_call *c)
{
	char *path cleanup_free = xasprintf("/%s", c->method);
	char *limit cleanup_free = xasprintf("%um", c->limit_ms);
	nghttp2_nv nv[9] = {header(":method", "POST"),
			    header(":scheme", g->to.tls ? "https" : "http"),
			    header(":path", path),
			    header(":authority", g->peer),
			    header("te", "trailers"),
			    header("content-type", "application/grpc"),
			    header("user-agent", "orch/" ORCH_VERSION)};
	nghttp2_data_provider body = {.read_callback = on_send};
	size_t n = 7;

	if (c->limit_ms)
		nv[n++] = header("grpc-timeout", limit);
	if (g->authorization)
		nv[n++] = header("authorization", g->authorization);
	c->id = nghttp2_submit_request(g->h2, NULL, nv, n, &body, c);
	if (c->id < 0)
		call_finish(g, c, GRPC_UNAVAILABLE, nghttp2_strerror(c->id));
	else
		c->submitted = true;
}
