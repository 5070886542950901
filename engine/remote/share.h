/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Results and artifacts to and from shared caches. Calls block; the scheduler makes them in its
 * helper process. No database is touched: blobs go to and from STORE/cas (cas_ingest() works in
 * any process), records are the caller's to store.
 *
 *	share_open(&config, store_dir, &s, &err)
 *	share_result_get(s, &key, size, wanted, n, arena, &r, &why, &err)   records first
 *	share_fetch(s, &r->outputs[0], &err)                                bytes when needed
 *	share_push(s, &record, &opts, &pushed, &err)                        parts first, record last
 *
 * A cache that does not answer, or will not do something, is an error of class NET; one that gives
 * wrong bytes of class INTEGRITY. The others of the list are asked first.
 */
#include "remote/remote_config.h"
#include "remote/result.h"

struct share;
/*
 * With all caches of C (none: E_REMOTE_URL), which lives as long. The key of `sign:` is read when C
 * may write. STORE_DIR: absolute; copied. Connects when first used.
 */
int share_open(const struct remote_config *c, const char *store_dir, struct share **ret,
	       struct err **err) warn_unused;
/* With the one place URL, be it among the caches of C or not; for share_fetch(). */
int share_open_place(const struct remote_config *c, const char *url, const char *store_dir,
		     struct share **ret, struct err **err) warn_unused;
void share_close(struct share *s);
/* The transports in the order of the list, for `orch doctor` and statistics. */
size_t share_count(const struct share *s);
struct transport *share_transport(const struct share *s, size_t i);

/* What S has done since it was opened. */
struct share_counts {
	uint64_t asked, hits; /* results */
	uint64_t refused; /* that were there and could not be used: unsigned, foreign, damaged */
	uint64_t damaged; /* blobs whose bytes were wrong */
	uint64_t pushed, known;  /* results stored; that were there already */
	uint64_t sent, received; /* bytes of blobs and results, of all transports */
};
void share_counts(const struct share *s, struct share_counts *ret);
/*
 * What was noticed and is no error: WARN is called with a sentence for the user. "a result of
 * 'root' in file:///c is not signed by anybody whom 'trust:' names". NULL: nobody is told.
 */
void share_on_warning(struct share *s, void (*warn)(void *arg, const char *text), void *arg);
/* Bytes of blobs that came or went since the last call; more often than once per blob is not. */
void share_on_bytes(struct share *s, void (*moved)(void *arg, uint64_t bytes), void *arg);

/* A result that is wanted. */
struct share_question {
	struct digest key;
	size_t manifest_size;
	/* The outputs that the node declares, name and type; a result with others is a miss. */
	const struct artifact *wanted;
	size_t count;
	/* What came of it. */
	int rc;                /* 0; 1 a miss; -1 no cache could be asked */
	struct result *result; /* in the arena given */
	char *why;             /* of a miss: why one that is there may not be used, else NULL */
	struct err *err;
};
/* Frees what came. */
void share_question_release(struct share_question *q);
/* Answers all of Q, many at once where a cache can. */
void share_results_get(struct share *s, struct share_question *q, size_t n, struct arena *arena);
/* One question: returns its rc; *RET_WHY is heap, NULL when there is nothing to say. */
int share_result_get(struct share *s, const struct digest *key, size_t manifest_size,
		     const struct artifact *wanted, size_t count, struct arena *arena,
		     struct result **ret, char **ret_why, struct err **err) warn_unused;
/*
 * Fetches the bytes of O into the store's cas/. NEAR, whose blobs are in the store, are artifacts
 * that may have parts of it (what its node made before): those are not fetched. 0, and the identity
 * was checked; 1 lost: no cache has all of its bytes, or not the right ones, *RET_WHY (heap) says
 * more; -1.
 */
int share_fetch(struct share *s, const struct result_output *o, const struct artifact *near,
		size_t near_count, char **ret_why, struct err **err) warn_unused;
/* Its log into STORE/logs. 0; 1 it is not there; -1. */
int share_fetch_log(struct share *s, const struct result *r, struct err **err) warn_unused;

struct share_push_opts {
	const bool *none; /* per output: not to be stored (RESULT_NONE); NULL: all are */
	bool again;       /* the result may be there while bytes are lost: look at each part */
	bool repair;      /* what is there was damaged, or no longer whole: store all of it */
	bool check;       /* the blobs are not fresh: hash each before it goes out */
};
enum share_pushed {
	SHARE_PUSHED,
	SHARE_KNOWN,  /* the same result was there */
	SHARE_DIFFERS /* another result was there, and stays: the node is not reproducible */
};
/*
 * Stores REC, whose blobs are in the store, and the downloads that it pins, in the first cache;
 * *RET_WHY (heap, or NULL) is a sentence for the user when it differs.
 */
int share_push(struct share *s, const struct record *rec, const struct share_push_opts *opts,
	       enum share_pushed *ret, char **ret_why, struct err **err) warn_unused;

/*
 * Downloads (STORE/downloads/<sha256>, of packages, `fetch`, sources). They are named by content,
 * so nobody has to be trusted. Get: 0 it lies there now, or did; 1 no cache has it; -1. MAX: bytes
 * that it may have.
 */
int share_download_get(struct share *s, const struct digest *d, uint64_t max,
		       struct err **err) warn_unused;
/* 1: it is not in the store, or too large for what there is. */
int share_download_put(struct share *s, const struct digest *d, struct err **err) warn_unused;
/*
 * What a node of that manifest downloads when it is made: the digests that its lock and its recipe
 * pin, in ARENA. Who fetches them before (share_download_get()) asks no archive.
 */
size_t share_downloads(struct arena *arena, const char *manifest, struct digest **ret);
