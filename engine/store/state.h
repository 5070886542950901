/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The store's database, STORE/state.sqlite: rows in, rows out. It knows SQL and nothing of blobs;
 * what a row means is record.c's and statcache.c's business. Used inside the store only.
 *
 * Write-ahead log; records are committed with synchronous=FULL, so that a record that was
 * acknowledged survives a power cut. What may be lost (file-stat cache, history) is committed with
 * NORMAL, which never waits for the disk but keeps the order of commits.
 *
 * The format is a number, PRAGMA user_version. An older database is brought up to date when it is
 * opened, in one transaction, so that any number of orch may meet it at once and a death leaves the
 * old or the new format; a newer one is refused (ERR_STORE), and nothing in it is changed.
 *
 * A new database is made aside and linked into place when it is whole: a state.sqlite that is
 * empty, truncated or no database is therefore damage, never somebody else's half-made file. Rows
 * are passed to callbacks; their pointers are valid during the call only.
 */
#include "base/digest.h"
#include "store/store.h"

struct state;

/*
 * Opens DIR/state.sqlite, making it when missing (scratch files go to TMP). 1: it is damaged, or
 * missing while a log of it is there, and *ret_why (caller frees) says how; nothing was changed.
 */
int state_open(const char *dir, const char *tmp, struct state **ret, char **ret_why,
	       struct err **err) warn_unused;
/* Whether DIR/state.sqlite says in its header that it is a store's, damaged or not. */
bool state_is_ours(const char *dir);
void state_close(struct state *st);
/*
 * Writes what the log holds into the database and empties it, unless another process uses either.
 * Whoever opens the database alone reads all of the log, up to 4 MB, to find its end.
 */
void state_fold_log(struct state *st);
/*
 * A call waits up to a minute for another process that holds the database; from now on a moment,
 * then it fails with ERR_CANCEL. The same when a signal that ends programs is blocked and pending.
 */
void state_hurry(struct state *st);
/*
 * While another process holds the database, FN is called again and again, with the milliseconds
 * that it may take; NULL: this process sleeps. It must not use the store. One for all stores.
 */
void state_on_wait(void (*fn)(void *arg, int ms), void *arg);
/* Whether a call failed because the file is damaged. */
bool state_damaged(const struct state *st);
/*
 * Moves DIR/state.sqlite with its log into directory AWAY (made here) and starts over with every
 * record and as much history as can still be read. Nobody else may have it open. *ret_kept: records
 * kept.
 */
int state_rescue(const char *dir, const char *tmp, const char *away, uint64_t *ret_kept,
		 struct err **err) warn_unused;
/* Reads every page: 0, or 1 with *ret_why (caller frees). */
int state_verify(struct state *st, char **ret_why, struct err **err) warn_unused;

struct state_record {
	struct digest key, log;
	struct digest sum; /* of the other fields but the manifest, see record.c */
	const char *node, *outputs, *manifest;
	double seconds;
	int64_t built_at; /* seconds since 1970 */
};
/* Returns 0 to go on, else -1 with *err, which ends the walk. */
typedef int state_record_fn(void *arg, const struct state_record *row, struct err **err);
/* 0, 1 when there is none, -1. */
int state_record_get(struct state *st, const struct digest *key, state_record_fn *fn, void *arg,
		     struct err **err) warn_unused;
int state_record_each(struct state *st, state_record_fn *fn, void *arg,
		      struct err **err) warn_unused;
/* Replaces a record of the same key. */
int state_record_put(struct state *st, const struct state_record *row,
		     struct err **err) warn_unused;
/* The same for several at once, without waiting for the disk: a power cut may take them. */
int state_records_put(struct state *st, const struct state_record *rows, size_t count,
		      struct err **err) warn_unused;
/* Adds those of the records that NEXT gives, up to NULL, which are not there; all or none. */
typedef const struct state_record *state_next_fn(void *arg);
int state_records_add(struct state *st, state_next_fn *next, void *arg, uint64_t *ret_added,
		      struct err **err) warn_unused;

struct state_file {
	const char *path; /* absolute */
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	struct digest digest;
};
typedef void state_file_fn(void *arg, const struct state_file *row);
int state_file_each(struct state *st, state_file_fn *fn, void *arg, struct err **err) warn_unused;
/* All of them in one transaction; CLEAR forgets all others first. */
int state_file_put(struct state *st, const struct state_file *const *rows, size_t count, bool clear,
		   struct err **err) warn_unused;

#define STATE_TAG 17 /* bytes with the NUL */
struct state_project {
	int64_t id;              /* 0: has no row yet */
	const char *root, *name; /* name NULL: not known, any */
	char tag[STATE_TAG];     /* hex, unlike that of any other project */
	uint64_t dev, ino;       /* of the directory; ino 0: not known */
	int64_t born_ns;         /* its birth, where the file system tells it, else 0 */
	int64_t used;            /* day since 1970 of its last run */
};
/*
 * Fills id and tag from the row of P's name and directory, whatever path that had. Where births are
 * not known, of P's name and path. 0, 1 when there is none, -1.
 */
int state_project_find(struct state *st, struct state_project *p, struct err **err) warn_unused;
typedef void state_project_fn(void *arg,
			      const struct state_project *row); /* id, root, name, used */
int state_project_each(struct state *st, state_project_fn *fn, void *arg,
		       struct err **err) warn_unused;
/* With all its history. */
int state_project_drop(struct state *st, int64_t id, struct err **err) warn_unused;

typedef void state_node_fn(void *arg, const char *node, const struct node_past *row);
int state_node_each(struct state *st, int64_t project, state_node_fn *fn, void *arg,
		    struct err **err) warn_unused;
/*
 * Of project PROJECT and of those of the same NAME; of rows for the same node the last one counts.
 * ROOT: whose it is when it is not the project's own, else NULL.
 */
typedef void state_duration_fn(void *arg, const char *node, double seconds, const char *root);
int state_duration_each(struct state *st, int64_t project, const char *name, state_duration_fn *fn,
			void *arg, struct err **err) warn_unused;

/* Adds or updates P (NULL: a run of no project), whose id and tag it fills, and begins a run. */
int state_run_begin(struct state *st, struct state_project *p, const char *targets,
		    int64_t started_at, int64_t *ret_id, struct err **err) warn_unused;
/* PROJECT 0: none, whose nodes are not remembered. */
int state_run_node(struct state *st, int64_t project, int64_t run, const struct run_node *n,
		   struct err **err) warn_unused;
int state_run_end(struct state *st, int64_t run, double wall_s, int exit_code,
		  struct err **err) warn_unused;
/* What did not end is given as RUN_KILLED. PROJECT 0: of all. */
typedef void state_run_fn(void *arg, const struct run_info *row);
int state_run_each(struct state *st, int64_t project, size_t limit, state_run_fn *fn, void *arg,
		   struct err **err) warn_unused;
/* The newest run that built KEY: 0, 1 when there is none, -1. */
int state_run_of_key(struct state *st, const struct digest *key, state_run_fn *fn, void *arg,
		     struct err **err) warn_unused;
typedef void state_run_node_fn(void *arg, const struct run_node *row);
int state_run_node_each(struct state *st, int64_t run, state_run_node_fn *fn, void *arg,
			struct err **err) warn_unused;

/* 0, 1 when there is none, -1. */
int state_note_get(struct state *st, const char *name, struct str *ret,
		   struct err **err) warn_unused;
int state_note_put(struct state *st, const char *name, const struct str *data,
		   struct err **err) warn_unused;

/* The day (since 1970) on which records were last used. Losing it makes a record look old. */
int state_used_put(struct state *st, const struct digest *keys, size_t count, int64_t day,
		   struct err **err) warn_unused;
typedef void state_used_fn(void *arg, const struct digest *key, int64_t day);
int state_used_each(struct state *st, state_used_fn *fn, void *arg, struct err **err) warn_unused;
/* Drops these records, or none; on the disk when it returns. */
int state_records_drop(struct state *st, const struct digest *keys, size_t count,
		       struct err **err) warn_unused;
