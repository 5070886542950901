/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Between the files of remote/grpc.h: grpc.c, which has connections and time, and grpc_h2.c, which
 * has frames. Both know nghttp2.
 */
#include <nghttp2/nghttp2.h>

#include "remote/dial.h"
#include "remote/grpc.h"

struct grpc {
	struct arena *arena;
	const char *peer, *authorization;
	struct dial_opts to;
	struct dial *dial;   /* NULL: not connected */
	nghttp2_session *h2; /* NULL: not yet */
	struct grpc_call *calls;
	struct str out;
	size_t out_at, unsent;
	bool out_blocked, known, lasting;
	bool amid; /* nghttp2 reads: what it calls starts calls, and does nothing with them */
	uint64_t heard_ms, pinged_ms, took_ms, leaving_ms; /* 0: not */
	unsigned ping_ms, pong_ms;
	char *why; /* it was lost */
};

/* The call has ended; what the server said of it counts more than STATUS and TEXT. */
void call_finish(struct grpc *g, struct grpc_call *c, enum grpc_status status, const char *text);
/* Tells the server that the stream is of no use any more. */
void call_reset(struct grpc *g, struct grpc_call *c, uint32_t code);
/* The connection stands: HTTP/2 from now on. */
void session_new(struct grpc *g);
void session_submit(struct grpc *g, struct grpc_call *c);
