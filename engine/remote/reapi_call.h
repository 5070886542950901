/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Calls of the REAPI: protobuf messages over grpc.h, and what their status means to us.
 */
#include <protobuf-c/protobuf-c.h>

#include "remote/grpc.h"
#include "remote/retry.h"

#define REAPI_METHOD "build.bazel.remote.execution.v2."

/* Zeroed before its first use; one at a time. */
struct reapi_call {
	struct grpc_call call; /* limits may be set before reapi_call_start() */
	/* Of a method that streams: gets the bytes of each message, CALL's `arg`; else NULL. */
	grpc_message_fn *on_message;
	struct str request;
	const ProtobufCMessageDescriptor *type;
	ProtobufCMessage *answer; /* of type TYPE; NULL: none came */
	bool unreadable;          /* one came that is not of TYPE */
	struct str raw;           /* the answer's bytes, when TYPE is NULL */
};
/* Sends MESSAGE to METHOD and reads the answer as TYPE. */
void reapi_call_start(struct grpc *g, struct reapi_call *c, const char *method,
		      const ProtobufCMessage *message, const ProtobufCMessageDescriptor *type);
/* The same with what C's request has already; FRAMED: messages of reapi_call_add(). */
void reapi_call_send(struct grpc *g, struct reapi_call *c, const char *method, bool framed,
		     const ProtobufCMessageDescriptor *type);
/* Appends MESSAGE to the request of a call that is to be framed. */
void reapi_call_add(struct reapi_call *c, const ProtobufCMessage *message);
/* Frees the answer and what the server said; it may be started again, its limits stay. */
void reapi_call_release(struct reapi_call *c);

/*
 * Reads a message of at most LEN bytes that a stranger sent; memory that it takes is bound to its
 * length. NULL: it is not one.
 */
ProtobufCMessage *reapi_unpack(const ProtobufCMessageDescriptor *type, const void *data,
			       size_t len);
void reapi_unpacked_free(ProtobufCMessage *m);
/* Appends the packed MESSAGE to RET. */
void reapi_pack(const ProtobufCMessage *message, struct str *ret);

/* Whether the same may work in a while: the server is busy, away, or was interrupted. */
bool reapi_may_pass(enum grpc_status status, const char *text);
/*
 * Why WHAT failed, for whoever set it up. SHOWN: the server; NAMED: it was told who we are.
 * E_REMOTE_UNREACHABLE or E_REMOTE_REFUSED.
 */
int reapi_error(enum grpc_status status, const char *text, const char *shown, const char *what,
		bool named, struct err **err);

/*
 * One call, tried again as long as that may help. GRPC_OK or GRPC_NOT_FOUND are results; else -1
 * with *err. RETRIES counts.
 */
int reapi_call_run(struct grpc *g, struct reapi_call *c, const char *method,
		   const ProtobufCMessage *message, const ProtobufCMessageDescriptor *type,
		   struct transport *t, bool named, struct err **err);
/* Waits MS milliseconds while G goes on with what is under way. */
void reapi_pause(struct grpc *g, int ms);
/* As retry_pause(), for a call that has ended: tries that took seconds count thrice. */
int reapi_retry_pause(struct retry *r, const struct grpc *g, const struct grpc_call *c);
