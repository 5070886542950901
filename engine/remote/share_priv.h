/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the files share*.c have in common. */
#include "remote/share.h"

/* Bytes that are in memory at once, about. */
#define SHARE_BATCH_BYTES (16u * 1024 * 1024)
/* Digests that are asked for at once. */
#define SHARE_ASK_MAX 10000u

struct share {
	struct arena *arena;
	const char *store;
	struct remote_access access;
	struct transport **all;
	size_t count;
	struct trust trust;
	struct signer *signer; /* NULL: nothing is signed */
	struct share_counts counts;
	void (*warn)(void *arg, const char *text);
	void *warn_arg;
	void (*moved)(void *arg, uint64_t bytes);
	void *moved_arg;
	uint64_t told;       /* of bytes that moved, by then */
	bool told_libraries; /* that results were made with others */
};

void share_warn(struct share *s, const char *fmt, ...) printf_like(2, 3);
/* Tells what has moved since the last call. */
void share_tell(struct share *s);
/*
 * The message under KEY in transport I, decoded: 0; 1 there is none that may be used, and one that
 * may not is warned about; -1. TRUST as in result_decode().
 */
int share_ask(struct share *s, size_t i, const struct digest *key, size_t manifest_size,
	      const struct trust *trust, struct arena *arena, struct result **ret, char **ret_why,
	      struct err **err) warn_unused;
/*
 * Gets the N blobs that have no bytes yet from whoever has them, the first caches first. 0; 1 some
 * are nowhere, or damaged everywhere; -1 no cache could be asked.
 */
int share_get(struct share *s, struct remote_blob *blobs, size_t n, struct err **err) warn_unused;
/* The same; each goes to ARRIVED as it comes, which takes its bytes. */
int share_get_each(struct share *s, struct remote_blob *blobs, size_t n,
		   void (*arrived)(void *arg, struct remote_blob *b), void *arg,
		   struct err **err) warn_unused;
void share_free_got(struct remote_blob *blobs, size_t n);
/* The file PATH of O, whose bytes are in parts or one blob. As share_fetch(). */
int share_load(struct share *s, const struct result_output *o, const struct artifact *near,
	       size_t near_count, const char *path, char **ret_why, struct err **err) warn_unused;
/* REC with its outputs in the files PATHS; as share_push(). */
int share_store(struct share *s, const struct record *rec, char *const *paths,
		const struct share_push_opts *opts, enum share_pushed *ret, char **ret_why,
		struct err **err) warn_unused;
