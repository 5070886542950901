/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Whether a blob's bytes are what its name says. A disk changes bytes without a word, so size and
 * times prove nothing: what a run copies to out/, feeds to a node or signs is hashed in that run,
 * by whoever uses it (a worker before its node runs, cas_checkout() while it copies). One
 * exception, for speed: a blob of BLOB_LARGE bytes or more that only goes on to another node may
 * rest on an earlier good hash, for a day at most and only while its file has the same stamp.
 * Looking a record up compares sizes and times alone, so a run with nothing to do reads nothing.
 *
 * The process that has the database open, of which an open store is one run, keeps the account:
 * store_blob_known() says whether a hash can be saved, store_blob_good() and store_blob_damaged()
 * are told what came of it.
 *
 * A damaged blob takes with it every record that used it since it was last known to be good: such
 * a record may name a wrong result under the right key.
 */
#include "store/store.h"

#define BLOB_LARGE (64ull * 1024 * 1024)
#define BLOB_TRUST_S (24 * 3600)

/* What stat(2) says of a blob's file; the same again: nobody has written to it through the file
 * system. All zero: there is no file. */
struct blob_stamp {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};
bool blob_stamp_eq(const struct blob_stamp *a, const struct blob_stamp *b);
/* Of what lies at PATH: 0, 1 nothing does, -1. */
int blob_stamp_get(const char *path, struct blob_stamp *ret, struct err **err) warn_unused;

/* A blob that was looked at. */
struct blob_state {
	struct blob_stamp stamp;
	char *why; /* it is damaged or missing, as "its content has changed"; NULL: good. Owned. */
};
static inline void blob_state_clear(struct blob_state *s)
{
	free(s->why);
	s->why = NULL;
}
#define cleanup_blob_state __attribute__((cleanup(blob_state_clear)))

/* Hashes the blob of A: 0 good, 1 damaged or missing (nothing is moved), -1. Works in workers. */
int blob_hash(const char *store_dir, const struct artifact *a, struct blob_state *ret,
	      struct err **err) warn_unused;

/*
 * Whether A need not be hashed: its file has the stamp that it had when this run hashed it, or,
 * where STRICT is false, the exception above holds.
 */
bool store_blob_known(struct store *s, const struct artifact *a, bool strict);
/* It was hashed now and is good. Failing to remember costs time only. */
void store_blob_good(struct store *s, const struct artifact *a, const struct blob_stamp *stamp);
/*
 * It was hashed and is not what its name says: first drops the records that used it, then moves the
 * file to quarantine, unless it is another one by now. *RET_DROPPED: records.
 */
int store_blob_damaged(struct store *s, const struct artifact *a, const struct blob_stamp *stamp,
		       size_t *ret_dropped, struct err **err) warn_unused;
/* It is good, but what was made of it and used in its place was not, after second SINCE. */
int store_blob_misused(struct store *s, const struct artifact *a, int64_t since,
		       size_t *ret_dropped, struct err **err) warn_unused;
