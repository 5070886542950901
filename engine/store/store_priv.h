/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What an open store is made of, for the files of this directory. */
#include "base/map.h"
#include "store/blob.h"
#include "store/statcache.h"
#include "store/state.h"

struct store {
	char *dir, *tmp;
	char *warning;
	int lock;  /* flock, held until store_close */
	int alone; /* flock of who is alone, else -1: alone.c */
	struct state *state;
	bool rescued; /* once per process */
	struct statcache *cache;
	bool cache_loaded;
	struct arena *arena;
	struct state_project *project; /* entered, or NULL */
	struct map pasts;              /* node of the project -> struct node_past */
	bool pasts_loaded;
	struct map durations; /* node -> struct duration */
	bool durations_loaded;
	struct map subdirs; /* name -> path */
	struct map known;   /* "sha256:..." -> what blob.c knows of that blob */
};

/*
 * Alone in the store from a 0 to store_together(). Not WAIT: 1 when others use it; nobody else was
 * alone in between, so nothing can have gone. WAIT: until no other uses it; meanwhile another may
 * have been alone and removed things.
 */
int store_alone(struct store *s, bool wait, struct err **err) warn_unused;
/*
 * The same for who only wants to close the store after that: 0 alone; 1 others use it. Either way
 * the shared lock is gone, so that of several that come to their end at once the last one is alone.
 */
int store_alone_last(struct store *s, struct err **err) warn_unused;
int store_together(struct store *s, struct err **err) warn_unused;

/*
 * After a failed call: whether the database was damaged and has been replaced, so that the call can
 * be made again. Only while no other process uses the store.
 */
bool store_heal(struct store *s, struct err **err);
/* 0, or ERR_STORE: after a rescue that failed there is no database. */
int store_ready(const struct store *s, struct err **err) warn_unused;
/*
 * The result of CALL, a call of state.h that reports to ERR. It is made once more when it failed on
 * a damaged database and that has been replaced: what it gathers it must begin again.
 */
#define state_call(s, err, call)                                     \
	({                                                           \
		int rc_;                                             \
                                                                     \
		do                                                   \
			rc_ = store_ready(s, err) < 0 ? -1 : (call); \
		while (rc_ < 0 && store_heal(s, err));               \
		rc_;                                                 \
	})
/* Looks for the row of the project that was entered; it may have none. */
int store_find_project(struct store *s, struct err **err) warn_unused;
/* Forgets what was read of the project: it has changed, or the database was replaced. */
void store_reload_project(struct store *s);
/*
 * For gc: drops the history of projects whose directory is gone and that were last used before
 * DAY. REPORT may be NULL; with DRY_RUN it only reports. *ret_count: how many.
 */
int store_forget_projects(struct store *s, int64_t day, bool dry_run,
			  void (*report)(void *arg, const char *text), void *arg,
			  uint64_t *ret_count, struct err **err) warn_unused;
/* Writes what the file-stat cache learned; failing only costs time later. */
void store_flush_cache(struct store *s);

/* Damaged blobs, for one walk through the records. Zeroed at first; clear the map. */
struct suspects {
	struct map blobs; /* digest in hex -> struct suspect */
};
void suspects_add(struct suspects *p, struct store *s, const struct artifact *a);
void suspects_add_since(struct suspects *p, struct store *s, const struct artifact *a,
			int64_t since);
/* Drops the records that used one of them since; REPORT (may be NULL) for each. */
int suspects_drop_users(struct store *s, const struct suspects *p,
			void (*report)(void *arg, const struct record *user, const char *blob),
			void *arg, size_t *ret_dropped, struct err **err) warn_unused;
/* Moves the blob to quarantine, unless its file has another stamp by now. */
int blob_put_away(struct store *s, const struct artifact *a, const struct blob_stamp *stamp,
		  struct err **err) warn_unused;
