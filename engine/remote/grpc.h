/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Calls of gRPC: HTTP/2 over one connection to a server, any number at once. The only place that
 * knows nghttp2.
 *
 *	struct grpc_call c = {.method = "google.bytestream.ByteStream/Read", .request = &packed,
 *			      .on_message = take, .arg = me, .silence_ms = GRPC_SILENCE_MS};
 *	grpc_start(g, &c);
 *	while (!c.done)
 *		grpc_step(g, -1);        // all calls of the connection go on
 *	if (c.status) …                  // c.text has the server's words
 *	grpc_call_release(&c);
 *
 * A call sends one message (or several that are ready) and gets one or, of a method that streams,
 * any number. Whatever happens
 * to the connection ends a call as GRPC_UNAVAILABLE; nothing is tried again here (retry.h). The
 * connection is made when the first call starts, without waiting, and again for the first call
 * after it was lost. While calls are open a server that says nothing for 30 s is asked for a sign
 * of life, so that a stream may be silent for hours, and a dead peer is found out in 45 s. A
 * server that finds this too often is asked seldom, and its machine by TCP.
 */
#include <poll.h>

#include "remote/grpc_message.h"
#include "remote/transport.h"

/* A call that is answered at once, and one of whose bytes some have to move. */
#define GRPC_UNARY_MS 10000
#define GRPC_SILENCE_MS 30000

struct grpc_call {
	/* Set before grpc_start(); what they point to is the caller's and lives until `done`. */
	const char *method;        /* "package.Service/Method" */
	const struct str *request; /* the message; NULL: an empty one */
	bool later;                /* it goes out when grpc_step() is called the next time */
	bool framed;               /* REQUEST has several messages, each after its grpc_prefix() */
	/* Of each that comes; non-zero cancels; NULL: dropped. It may start calls, but no step. */
	grpc_message_fn *on_message;
	void *arg;
	size_t message_max;  /* bytes of one; 0: 4 MiB */
	unsigned limit_ms;   /* for all of it, told to the server; 0: none */
	unsigned silence_ms; /* ends when for so long no byte of it moves; 0: none */
	/* Results. */
	bool done;
	enum grpc_status status;
	char *text; /* the server's words, or ours; fit for a message; NULL: none */
	uint64_t sent, received;
	/* Everything below is grpc.c's. */
	struct grpc_call *next;
	int32_t id;
	bool submitted, answered, sent_all;
	int http;
	size_t at;
	unsigned char prefix[GRPC_PREFIX];
	uint64_t started_ms, moved_ms;
	struct grpc_reader in;
};

struct grpc;
/*
 * URL: grpc://HOST:PORT or grpcs://HOST:PORT; ACCESS lives as long. E_REMOTE_URL: it is none, or a
 * token would travel in clear.
 */
int grpc_open(const char *url, const struct remote_access *access, struct grpc **ret,
	      struct err **err) warn_unused;
/* Calls that are open end as GRPC_CANCELLED. */
void grpc_close(struct grpc *g);

void grpc_start(struct grpc *g, struct grpc_call *c);
/* It ends as GRPC_CANCELLED, unless it is done, and the server is told. */
void grpc_cancel(struct grpc *g, struct grpc_call *c);
/* Does what can be done after waiting for at most MS (-1: for what is due). How many are open. */
size_t grpc_step(struct grpc *g, int ms);
/* Starts C and steps until it is done. */
enum grpc_status grpc_perform(struct grpc *g, struct grpc_call *c);
/* Frees what C has of results; it may be started again. */
void grpc_call_release(struct grpc_call *c);

/* For other poll loops: wait for this, then grpc_step(g, 0). *RET_MS as poll(2) has it. */
void grpc_wait(const struct grpc *g, struct pollfd *ret, int *ret_ms);
/* Whether a server has ever answered here. */
bool grpc_known(const struct grpc *g);
/* Whether the last connection failed for what another try does not mend (certificates). */
bool grpc_lasting(const struct grpc *g);
/* "tls.example:443" */
const char *grpc_peer(const struct grpc *g);
