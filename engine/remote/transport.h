/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A place that several machines share. It holds two sets of small things: blobs named by their
 * SHA-256, and results named by the key of a node. Directories, web servers and engines of the
 * Bazel Remote Execution API (REAPI) are transports; a new one is a file that ends in a descriptor
 * and a row of the table in transport.c.
 *
 * All carry the same bytes under the same names, so that one may be copied to another: a blob as
 * it is, and as a result the REAPI message ActionResult (result.h). Over HTTP and in a directory
 * these are cas/<sha256> and ac/<key>; in the REAPI a result's action digest is {key, bytes of
 * the manifest}.
 *
 * Nothing that comes from a transport is believed: blobs are hashed by whoever implements get(),
 * and results are looked at by who asked. Calls block; who may not wait asks the helper
 * (helper.h).
 */
#include "base/digest.h"
#include "base/err.h"

/* No blob is larger: what is, travels in parts (parts.h). It fits one gRPC message of 4 MiB. */
#define REMOTE_BLOB_MAX (3u * 1024 * 1024 + 512 * 1024)
/* No result is larger, bytes of the message. */
#define REMOTE_RESULT_MAX (1024u * 1024)

struct remote_blob {
	struct digest digest;
	size_t size;      /* exact; at most REMOTE_BLOB_MAX */
	const void *data; /* put: SIZE bytes, the caller's */
	char *got;        /* get: SIZE bytes, the caller's to free; NULL: it is not there */
	bool taken;       /* get: it came, and whom `arrived` calls has it: GOT is NULL */
	bool missing;     /* set by missing(); put() sends those alone */
};

/* A result that is asked for. */
struct remote_question {
	struct digest key;
	size_t manifest_size;
	/* What came of it. */
	int rc; /* 0; 1 there is none, or its blobs are gone and the place knows it; -1 */
	struct str message; /* ActionResult */
	struct err *err;
};
/* Frees what came. */
void remote_question_release(struct remote_question *q);

/* How a place is reached, out of the user's configuration (config.h). All zero: anonymously. */
struct remote_access {
	const char *instance;        /* REAPI instance name; NULL: "" */
	const char *ca;              /* PEM file: who may sign the server's certificate */
	const char *cert, *cert_key; /* PEM files of the client */
	const char *token;           /* Bearer; USER:PASSWORD has a colon and is Basic */
	const char *region;          /* S3; NULL: us-east-1 */
	const char *key_id, *secret; /* S3 */
	uint64_t size;               /* directory: bytes that it may have; 0: no limit */
};

struct transport;

/* In what an engine that executes says of itself (hello). */
#define TRANSPORT_EXECUTES "it runs actions"

/*
 * Every call tries again what may pass, for as long as its own limits say (retry.h). -1 sets
 * E_REMOTE_UNREACHABLE when nobody answered, E_REMOTE_REFUSED when the server will not do this
 * (no rights, no room, too large: it will not do the next either), E_REMOTE_DAMAGED for bytes
 * that are not what their name says.
 */
struct transport_type {
	const char *schemes; /* words: "grpc grpcs" */
	const char *text;    /* of `orch doctor` */
	/*
	 * URL has one of the schemes; ACCESS lives as long as the transport. Connects when first
	 * used.
	 */
	int (*open)(const char *url, const struct remote_access *access, struct transport **ret,
		    struct err **err);
	void (*close)(struct transport *t);
	/*
	 * Whether it can be reached and what it is, a line for `orch doctor`, appended to RET.
	 * That of an engine that executes has TRANSPORT_EXECUTES.
	 */
	int (*hello)(struct transport *t, struct str *ret, struct err **err);
	/* Sets `missing` of each. */
	int (*missing)(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err);
	/* Stores those that are marked missing, each durable as far as the place can. */
	int (*put)(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err);
	/*
	 * Fills `got` of each that is there and has the right bytes, and tells `arrived` of it
	 * while others are under way; one that has not is E_REMOTE_DAMAGED after all others were
	 * fetched.
	 */
	int (*get)(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err);
	/* Answers all of Q, whose `message` is empty, with as many under way at once as it can. */
	void (*results_get)(struct transport *t, struct remote_question *q, size_t n);
	/* Blobs that MESSAGE names were put before. */
	int (*result_put)(struct transport *t, const struct digest *key, size_t manifest_size,
			  const struct str *message, struct err **err);
};

/* The first bytes that each transport has. */
struct transport {
	const struct transport_type *type;
	const char *shown;       /* its URL without secrets, for messages */
	uint64_t sent, received; /* bytes of blobs and results */
	uint64_t calls, retries;
	/*
	 * Who takes blobs as they come, so that not all of them are in memory and the network does
	 * not wait for what is done with them; may be NULL.
	 */
	void (*arrived)(void *arg, struct remote_blob *b);
	void *arrived_arg;
};
/* For get(): B's bytes are there. They may be taken away by that. */
void transport_arrived(struct transport *t, struct remote_blob *b);

/* By the scheme of URL. E_REMOTE_URL: nobody knows it, or a part is wrong. */
int transport_open(const char *url, const struct remote_access *access, struct transport **ret,
		   struct err **err) warn_unused;
void transport_close(struct transport *t);
/* One result, whose message is appended to RET: 0, 1, -1 as a question has it. */
int transport_result_get(struct transport *t, const struct digest *key, size_t manifest_size,
			 struct str *ret, struct err **err) warn_unused;
