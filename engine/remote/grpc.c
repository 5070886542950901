/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/grpc_priv.h"

#include <errno.h>

#include "base/clock.h"
#include "base/url.h"

#define MESSAGE_MAX (4u << 20)
#define CHUNK (64u << 10) /* read at once */
#define OUT_ENOUGH CHUNK  /* frames ready to be written; more are made when these are gone */
#define PING_MS 30000
#define PONG_MS 15000
#define DRAIN_MS 2000    /* a server that goes away has so long for calls under way */
#define MOVED_LEAST 1024 /* bytes that its machine took: more than a sign of life has */

/* ---- the end of calls and of connections ---- */

void call_finish(struct grpc *g, struct grpc_call *c, enum grpc_status status, const char *text)
{
	struct grpc_call **p = &g->calls;

	if (c->done)
		return;
	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	if (g->h2 && c->submitted)
		nghttp2_session_set_stream_user_data(g->h2, c->id, NULL);
	c->done = true;
	if (c->answered && !c->status && grpc_reader_amid(&c->in)) {
		c->answered = false;
		status = GRPC_INTERNAL;
		text = "the answer ends within a message";
	}
	if (c->answered)
		return;
	c->status = status;
	free(c->text);
	c->text = xstrdup(text);
}

static void disconnect(struct grpc *g)
{
	nghttp2_session_del(g->h2);
	g->h2 = NULL;
	dial_free(g->dial);
	g->dial = NULL;
	str_clear(&g->out);
	g->out_at = g->unsent = 0;
	g->out_blocked = false;
	g->pinged_ms = g->leaving_ms = 0;
}

static void lose(struct grpc *g, const char *why)
{
	char *text cleanup_free = xstrdup(g->why ? g->why : why);

	free(steal_ptr(g->why));
	while (g->calls)
		call_finish(g, g->calls, GRPC_UNAVAILABLE, text);
	disconnect(g);
}

void call_reset(struct grpc *g, struct grpc_call *c, uint32_t code)
{
	if (g->h2 && c->submitted)
		nghttp2_submit_rst_stream(g->h2, NGHTTP2_FLAG_NONE, c->id, code);
}

void grpc_cancel(struct grpc *g, struct grpc_call *c)
{
	if (c->done)
		return;
	call_reset(g, c, NGHTTP2_CANCEL);
	call_finish(g, c, GRPC_CANCELLED, "cancelled");
}

/* ---- connections ---- */

static void submit_waiting(struct grpc *g)
{
	if (!g->h2 || !nghttp2_session_check_request_allowed(g->h2))
		return;
	for (struct grpc_call *c = g->calls, *next; c; c = next) {
		next = c->next;
		if (!c->submitted)
			session_submit(g, c);
	}
}

static void connect_step(struct grpc *g)
{
	struct err *err cleanup_err = NULL;
	int rc;

	if (!g->dial)
		g->dial = dial_new(&g->to);
	rc = dial_step(g->dial, &g->lasting, &err);
	if (rc < 0)
		lose(g, err->text);
	if (rc == 0)
		session_new(g);
}

/* A call is not kept waiting for ever by a server that goes away: the old ones are tried again. */
static void leave_step(struct grpc *g)
{
	bool waiting = false, under_way = false;

	if (!g->leaving_ms && nghttp2_session_check_request_allowed(g->h2))
		return;
	for (const struct grpc_call *c = g->calls; c; c = c->next) {
		waiting |= !c->submitted;
		under_way |= c->submitted;
	}
	if (!under_way) {
		free(steal_ptr(g->why));
		disconnect(g);
	} else if (waiting && clock_ms() - g->leaving_ms > DRAIN_MS) {
		for (struct grpc_call *c = g->calls, *next; c; c = next) {
			next = c->next;
			if (c->submitted)
				call_finish(g, c, GRPC_UNAVAILABLE, g->why);
		}
		free(steal_ptr(g->why));
		disconnect(g);
	}
}

/* ---- bytes ---- */

static const char *failed_words(const struct grpc *g)
{
	const char *why = dial_why(g->dial);

	return why ? why : strerror(errno);
}

/* Makes frames; false: there are none. */
static bool fill(struct grpc *g)
{
	const uint8_t *data;
	ssize_t n = 0;

	str_clear(&g->out);
	g->out_at = 0;
	while (g->out.len < OUT_ENOUGH && (n = nghttp2_session_mem_send(g->h2, &data)) > 0)
		str_append_len(&g->out, data, (size_t)n);
	if (n < 0)
		lose(g, nghttp2_strerror((int)n));
	return g->h2 && g->out.len;
}

static void send_step(struct grpc *g)
{
	g->out_blocked = false;
	while (g->h2 && (g->out_at < g->out.len || fill(g))) {
		ssize_t n = dial_write(g->dial, g->out.buf + g->out_at, g->out.len - g->out_at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			g->out_blocked = true;
			return;
		}
		if (n <= 0) {
			lose(g, failed_words(g));
			return;
		}
		g->out_at += (size_t)n;
	}
}

static void receive_step(struct grpc *g)
{
	static const size_t most = 64; /* others have their turn, too */
	char buf[CHUNK];

	for (size_t i = 0; g->h2 && i < most; i++) {
		ssize_t n = dial_read(g->dial, buf, sizeof(buf)), used;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			g->lasting = dial_is_lasting(g->dial);
			lose(g, n ? failed_words(g) : "the server closed the connection");
			return;
		}
		g->heard_ms = clock_ms();
		g->pinged_ms = 0;
		g->amid = true;
		used = nghttp2_session_mem_recv(g->h2, (uint8_t *)buf, (size_t)n);
		g->amid = false;
		if (used < 0)
			lose(g, nghttp2_strerror((int)used));
	}
}

/* ---- time ---- */

static void watch_unsent(struct grpc *g)
{
	size_t now = dial_unsent(g->dial);

	if (now + MOVED_LEAST <= g->unsent)
		g->took_ms = clock_ms();
	g->unsent = now;
}

static void life_step(struct grpc *g)
{
	uint64_t now = clock_ms();

	if (g->pinged_ms && now - g->pinged_ms >= g->pong_ms) {
		lose(g, "the server has not answered for too long");
		return;
	}
	if (!g->pinged_ms && now - g->heard_ms >= g->ping_ms) {
		nghttp2_submit_ping(g->h2, NGHTTP2_FLAG_NONE, NULL);
		g->pinged_ms = now;
	}
}

/* When the call has had its time; 0: never. */
static uint64_t call_due(const struct grpc *g, const struct grpc_call *c)
{
	uint64_t limit = c->limit_ms ? c->started_ms + c->limit_ms : 0;
	uint64_t moved = c->moved_ms > g->took_ms ? c->moved_ms : g->took_ms;
	uint64_t silence = c->silence_ms && c->submitted ? moved + c->silence_ms : 0;

	if (limit && silence)
		return limit < silence ? limit : silence;
	return limit ? limit : silence;
}

static void expire_step(struct grpc *g)
{
	uint64_t now = clock_ms();

	for (struct grpc_call *c = g->calls, *next; c; c = next) {
		uint64_t due = call_due(g, c);
		char *text cleanup_free = NULL;

		next = c->next;
		if (!due || now < due)
			continue;
		text = xasprintf("the server has not answered within %u s",
				 (unsigned)((now - c->started_ms) / 1000));
		call_reset(g, c, NGHTTP2_CANCEL);
		call_finish(g, c, GRPC_UNAVAILABLE, text);
	}
}

static void sooner(int *ms, uint64_t due, uint64_t now)
{
	int left = due > now ? (int)(due - now) + 1 : 0;

	if (*ms < 0 || left < *ms)
		*ms = left;
}

void grpc_wait(const struct grpc *g, struct pollfd *ret, int *ret_ms)
{
	uint64_t now = clock_ms();

	*ret = (struct pollfd){.fd = -1};
	*ret_ms = -1;
	if (!g->calls)
		return;
	if (!g->dial)
		*ret_ms = 0;
	else if (!g->h2)
		dial_wait(g->dial, ret, ret_ms);
	if (g->h2) {
		dial_wait(g->dial, ret, ret_ms);
		ret->events = (short)(POLLIN | (g->out_blocked ? POLLOUT : 0));
		*ret_ms = dial_pending(g->dial) ? 0 : -1;
		sooner(ret_ms, g->pinged_ms ? g->pinged_ms + g->pong_ms : g->heard_ms + g->ping_ms,
		       now);
	}
	if (g->leaving_ms)
		sooner(ret_ms, g->leaving_ms + DRAIN_MS, now);
	for (const struct grpc_call *c = g->calls; c; c = c->next) {
		if (call_due(g, c))
			sooner(ret_ms, call_due(g, c), now);
	}
}

/* ---- from the outside ---- */

static void session_step(struct grpc *g)
{
	leave_step(g);
	if (!g->h2)
		return;
	submit_waiting(g);
	send_step(g);
	if (g->h2)
		receive_step(g);
	if (g->h2) {
		watch_unsent(g);
		life_step(g);
	}
	if (g->h2)
		send_step(g);
	if (g->h2 && !nghttp2_session_want_read(g->h2) && !nghttp2_session_want_write(g->h2))
		lose(g, "the server does not keep to HTTP/2");
}

size_t grpc_step(struct grpc *g, int ms)
{
	struct pollfd p;
	int due;
	size_t n = 0;

	grpc_wait(g, &p, &due);
	if (due >= 0 && (ms < 0 || due < ms))
		ms = due;
	if (g->calls && ms)
		poll(&p, 1, ms);
	if (g->calls && !g->h2)
		connect_step(g);
	if (g->h2)
		session_step(g);
	expire_step(g);
	for (const struct grpc_call *c = g->calls; c; c = c->next)
		n++;
	return n;
}

/* Nobody has listened while there was no call: what the server did since then shows now. */
static void wake(struct grpc *g)
{
	if (g->calls || !g->h2 || g->amid)
		return;
	receive_step(g);
	if (!g->h2)
		return;
	g->heard_ms = g->took_ms = clock_ms();
	g->pinged_ms = 0;
	leave_step(g);
}

void grpc_start(struct grpc *g, struct grpc_call *c)
{
	struct grpc_call **end = &g->calls;

	wake(g);
	while (*end)
		end = &(*end)->next;
	*end = c;
	c->next = NULL;
	c->done = c->submitted = c->answered = c->sent_all = false;
	c->status = GRPC_UNKNOWN;
	c->http = 0;
	c->at = c->framed ? GRPC_PREFIX : 0;
	c->sent = c->received = 0;
	c->started_ms = c->moved_ms = clock_ms();
	grpc_prefix(c->prefix, c->request ? c->request->len : 0);
	c->in = (struct grpc_reader){.buf = STR_INIT,
				     .max = c->message_max ? c->message_max : MESSAGE_MAX,
				     .on_message = c->on_message,
				     .arg = c->arg};
	if (!c->later && !g->amid)
		grpc_step(g, 0);
}

enum grpc_status grpc_perform(struct grpc *g, struct grpc_call *c)
{
	grpc_start(g, c);
	while (!c->done)
		grpc_step(g, -1);
	return c->status;
}

void grpc_call_release(struct grpc_call *c)
{
	grpc_reader_release(&c->in);
	free(steal_ptr(c->text));
}

static int check_url(struct grpc *g, const struct url *u, const char *token, struct err **err)
{
	if (!*u->host || (*u->path && !str_eq(u->path, "/")))
		return err_set(err, E_REMOTE_URL, "'%s://%s%s' is not %s://HOST:PORT", u->scheme,
			       u->host, u->path, u->scheme);
	if (token && !g->to.tls && !dial_is_local(u->host))
		return err_set(err, E_REMOTE_URL,
			       "the token for '%s' would travel in clear; use grpcs://, or take "
			       "the token away",
			       u->host);
	return 0;
}

static const char *authorization(struct grpc *g, const struct url *u, const char *token)
{
	char *login cleanup_free = NULL, *basic cleanup_free = NULL;

	if (!token && !u->user)
		return NULL;
	if (token && !strchr(token, ':'))
		return arena_printf(g->arena, "Bearer %s", token);
	login = token ? xstrdup(token) : xasprintf("%s:%s", u->user, u->password);
	basic = dial_basic(login);
	return arena_strdup(g->arena, basic);
}

int grpc_open(const char *url, const struct remote_access *access, struct grpc **ret,
	      struct err **err)
{
	struct grpc *g = xcalloc(1, sizeof(*g));
	struct url u;

	g->arena = arena_new();
	g->out = (struct str)STR_INIT;
	g->ping_ms = PING_MS;
	g->pong_ms = PONG_MS;
	url_split(g->arena, url, &u);
	g->to = (struct dial_opts){.host = u.host,
				   .port = *u.port ? u.port : "443",
				   .tls = str_eq(u.scheme, "grpcs"),
				   .ca = access->ca,
				   .cert = access->cert,
				   .cert_key = access->cert_key};
	g->peer = arena_printf(g->arena, strchr(u.host, ':') ? "[%s]:%s" : "%s:%s", u.host,
			       g->to.port);
	g->authorization = authorization(g, &u, access->token);
	if (check_url(g, &u, g->authorization, err) < 0) {
		grpc_close(g);
		return -1;
	}
	*ret = g;
	return 0;
}

void grpc_close(struct grpc *g)
{
	if (!g)
		return;
	while (g->calls)
		grpc_cancel(g, g->calls);
	if (g->h2) {
		nghttp2_session_terminate_session(g->h2, NGHTTP2_NO_ERROR);
		send_step(g);
	}
	disconnect(g);
	str_release(&g->out);
	free(g->why);
	arena_free(g->arena);
	free(g);
}

bool grpc_known(const struct grpc *g)
{
	return g->known;
}

bool grpc_lasting(const struct grpc *g)
{
	return g->lasting;
}

const char *grpc_peer(const struct grpc *g)
{
	return g->peer;
}
