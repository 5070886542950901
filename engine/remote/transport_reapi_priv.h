/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Between the files of the transport for engines of the REAPI: transport_reapi.c, which asks,
 * transport_reapi_batch.c, which moves blobs, and transport_reapi_results.c.
 */
#include "remote/reapi_cache.pb-c.h"
#include "remote/reapi_call.h"

/* Calls under way at once. */
#define REAPI_WIDTH 8
/* What servers take at least: gRPC's default for a message, less what is around the blobs. */
#define REAPI_BATCH_MAX ((4u << 20) - (64u << 10))
/* What an entry of a batch has beside its bytes, at most. */
#define REAPI_ENTRY 160u
#define REAPI_ZSTD 1

struct reapi {
	struct transport t;
	struct grpc *g;
	const char *instance;
	char *shown;
	bool named;       /* it is told who we are */
	bool ready;       /* it has said what it can, as follows */
	size_t batch_max; /* bytes */
	bool zstd;        /* in batches */
	bool writes;      /* results */
	bool executes;
	char *version; /* of the API */
};

/* A Digest and the text it points to. */
struct reapi_name {
	Reapi__Digest message;
	char hex[DIGEST_HEX + 1];
};
Reapi__Digest *reapi_name(struct reapi_name *n, const struct digest *d, size_t size);

/* Blobs in the order of their digests, so that those of an answer are found. */
struct reapi_sorted {
	struct remote_blob **items;
	size_t count;
};
void reapi_sort(struct reapi_sorted *s, struct remote_blob *blobs, size_t n, bool missing_only);
/* The first of the blobs with the name that an answer has (NULL is fine); COUNT: there is none. */
size_t reapi_find(struct remote_blob *const *items, size_t count, const Reapi__Digest *d);
/* Asks for what the server can, if that is not known. */
int reapi_ready(struct reapi *r, struct err **err) warn_unused;
/* Sends or fetches all of S, in batches. */
int reapi_put_all(struct reapi *r, struct reapi_sorted *s, struct err **err) warn_unused;
int reapi_get_all(struct reapi *r, struct reapi_sorted *s, struct err **err) warn_unused;
/* As struct transport_type has them. */
void reapi_results_get(struct transport *t, struct remote_question *q, size_t n);
int reapi_result_put(struct transport *t, const struct digest *key, size_t manifest_size,
		     const struct str *message, struct err **err) warn_unused;
