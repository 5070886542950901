/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The artifact store: blobs named by what they are, and a SQLite database that names them.
 *
 *	STORE/cas/ab/cdef...   blobs, read only; files by SHA-256, images by chunk-map digest
 *	STORE/state.sqlite     records (key -> outputs), file-stat cache, history of projects
 *	STORE/records/         a copy of each record as a file (record_files.h)
 *	STORE/left/            by key, where a farm keeps what it made (remote/left.h)
 *	STORE/logs/            node logs by digest
 *	STORE/downloads/       fetched files by SHA-256, shared by workers
 *	STORE/roots/           unpacked trees by digest, for sandboxes
 *	STORE/apt/             package lists of `orch lock`
 *	STORE/tmp/             work directories (tmp_dir/tmp_sweep)
 *	STORE/failed/          what failed nodes left last, for the owner alone (run/job.h)
 *	STORE/quarantine/      damaged files
 *	STORE/locks/           one flock per key that is being built (run/keylock.h)
 *	STORE/lock             flock: builds shared, gc exclusive; a byte per run that goes on
 *	STORE/alone            flock of who wants STORE/lock exclusively (alone.c)
 *
 * Order on disk: blob data fsync'd, renamed, its directory fsync'd, and only then the record that
 * names it is committed. So a valid record names whole blobs whatever died when. A blob that turns
 * out to be damaged (blob.h) is moved to STORE/quarantine/ and its record counts as a miss: the
 * next build heals it.
 */
#include "base/digest.h"

struct store;
struct blob_state; /* blob.h */

struct artifact {
	const char *name;
	enum output_type type;
	struct digest digest;
	uint64_t size;      /* bytes as seen by a reader */
	uint64_t allocated; /* bytes of data: of an image, in blocks that are not all zero */
	/*
	 * Its record was taken from a place that several machines share (remote/), or a farm made
	 * it: the blob may be there alone, and is fetched when something needs its bytes.
	 */
	bool shared;
};

struct record {
	struct digest key;
	const char *node;
	const char *manifest; /* the whole text */
	struct artifact *outputs;
	size_t output_count;
	double seconds;    /* of the build that made it */
	struct digest log; /* of the node's log; zeros: none */
	int64_t built_at;  /* seconds since 1970 */
};

/*
 * As root, before it becomes UID: the store in DIR, which is made if missing, is UID's from then on
 * if it was root's; so is what it holds of root's. What is not a store, or not root's, stays as it
 * is.
 */
int store_give(const char *dir, uid_t uid, gid_t gid, struct err **err) warn_unused;
/* Opens or makes the store in DIR (absolute) and takes the shared lock. WAIT false: ERR_LOCKED. */
int store_open(const char *dir, bool wait, struct store **ret, struct err **err) warn_unused;
void store_close(struct store *s);
const char *store_dir(const struct store *s);
/*
 * What store_open() or a later call had to put right, for the user, or NULL: a damaged database is
 * moved to STORE/quarantine/ and replaced by one with every record that could be read.
 */
const char *store_warning(const struct store *s);
/* This run is to end: whoever holds the database is not waited for any more (ERR_CANCEL). */
void store_hurry(struct store *s);
/*
 * What goes on while another process holds the database: FN is called again and again, with the
 * milliseconds that it may take, and must not use the store. NULL: nothing. For all stores.
 */
void store_on_wait(void (*fn)(void *arg, int ms), void *arg);
/* "STORE/tmp" and the like: absolute, made when missing; owned by S. */
const char *store_subdir(struct store *s, const char *name);

/* 0 and *ret in ARENA, 1 when there is no such record, -1. */
int store_record_get(struct store *s, const struct digest *key, struct arena *arena,
		     struct record **ret, struct err **err) warn_unused;
int store_record_put(struct store *s, const struct record *rec, struct err **err) warn_unused;
/*
 * Records of shared results. They have no files and need not survive a power cut: who shared them
 * is asked again.
 */
int store_records_take(struct store *s, struct record *const *recs, size_t count,
		       struct err **err) warn_unused;
/*
 * The record of KEY as its file in the store in DIR has it (record_files.h), in ARENA: 0, or 1 when
 * there is none that is whole. Works in processes that have no store open.
 */
int store_record_peek(const char *dir, const struct digest *key, struct arena *arena,
		      struct record **ret);
/*
 * Whether all blobs of REC are there with the size and times they were stored with (a file that has
 * others is hashed); those that are shared need not be there. No bytes are looked at otherwise: see
 * blob.h. 0 yes; 1 no: damaged ones are in quarantine, *ret_why says which.
 */
int store_record_check(struct store *s, const struct record *rec, char **ret_why,
		       struct err **err) warn_unused;

/* Forgets the record of KEY; no error when there is none. On the disk when it returns. */
int store_record_drop(struct store *s, const struct digest *key, struct err **err) warn_unused;
/* Whether the blob of A is there at all: asked of those that are shared. */
bool store_blob_is_here(const struct store *s, const struct artifact *a);
/* "STORE/left/ab/cdef..." of KEY; caller frees. */
char *store_left_path(const char *store_dir, const struct digest *key);
/* Whether a farm keeps what it made for KEY. */
bool store_is_left(const struct store *s, const struct digest *key);

/*
 * Takes the file at PATH into the store (by rename when on the same file system; PATH is gone then)
 * and fills digest, size, allocated of *ret. A blob of the same name is hashed: a good one stays, a
 * damaged one goes to quarantine and *RET_OLD (may be NULL) says why. Works in workers: touches
 * only cas/, no database.
 */
int cas_ingest(const char *store_dir, const char *path, enum output_type type, struct artifact *ret,
	       struct blob_state *ret_old, struct err **err) warn_unused;
/* "STORE/cas/ab/cdef..."; caller frees. */
char *cas_path(const char *store_dir, enum output_type type, const struct digest *d);
/* "sha256:<hex>" or "chunks:<hex>"; caller frees. */
char *artifact_digest_string(const struct artifact *a);
/*
 * Places a copy of the blob at DEST: atomically, reflink or sparse copy, never a hard link. The
 * copy is hashed before it gets its name: 1 and *RET when the blob is damaged; DEST is as it was.
 */
int cas_checkout(const char *store_dir, const struct artifact *a, const char *dest,
		 struct blob_state *ret, struct err **err) warn_unused;

/*
 * The digest of a project file, from the stat cache when (dev, inode, size, mtime, ctime) are as
 * remembered and not racy, else by reading it. ST is filled.
 */
int store_stat_digest(struct store *s, int dirfd, const char *rel, const char *abs_key,
		      struct stat *ret_st, struct digest *ret, struct err **err) warn_unused;

/* Stores the log file at PATH by digest, moving it. */
int store_log_put(struct store *s, const char *path, struct digest *ret,
		  struct err **err) warn_unused;
char *store_log_path(const struct store *s, const struct digest *d);

/*
 * History belongs to a project: the directory that holds it and the name in its project.yaml. Two
 * checkouts of one project are two, whatever their nodes are called. A directory is known by its
 * inode and birth: it keeps its history when it is moved, and what comes to its place begins one;
 * the other is listed as "PATH (earlier, TAG)" until it runs again. Where a file system tells no
 * births, a directory is its real path. Records are everybody's.
 *
 * store_enter() says whose history the calls below read and write; without it they write runs that
 * belong to no project, and read those of all. NAME may be NULL, if it cannot be known: the project
 * that was last used in that directory, and nothing can be written.
 */
int store_enter(struct store *s, const char *root, const char *name, struct err **err) warn_unused;
/*
 * STORE/failed/NODE.TAG, for what a failed attempt of this project leaves: TAG is the project's.
 * FLAT: the node's name as a file's; caller frees.
 */
char *store_failed_path(struct store *s, const char *flat);

/* What a node of this project had last. */
struct node_past {
	struct digest key;
	struct digest previous; /* the key before that; zeros: none */
	int64_t run;            /* in which it got KEY */
	bool built;             /* in that run; else it was in the store already */
};
/* 0, 1 when the project never had a result of the node, -1. */
int store_node_past(struct store *s, const char *node, struct node_past *ret,
		    struct err **err) warn_unused;
/* The record of that key: 0, 1 when there never was one or it is no longer in the store, -1. */
int store_record_last(struct store *s, const char *node, struct arena *arena, struct record **ret,
		      struct err **err) warn_unused;

struct duration {
	double seconds;   /* mean of the last builds */
	const char *root; /* of another checkout of the project, which it was taken from, or NULL */
};
/* Of NODE in this project, else in one of the same name; 1 when it was never built there. */
int store_duration(struct store *s, const char *node, struct duration *ret,
		   struct err **err) warn_unused;

/*
 * Runs. The newest 200 of each project are kept. Nodes are written when they are done, so that a
 * run that is killed tells what it did. "cached" is written only for a node that thereby has
 * another key than its project's last run left it, so that a run with nothing to do costs nothing.
 * On a full disk history is lost without an error; id 0 is a run that could not be written.
 */
struct run_node {
	const char *node;
	const char *status; /* built, failed, skipped, cached */
	struct digest key;
	double seconds;
	struct digest log;
	const char *error; /* or NULL */
};
enum run_state { RUN_ENDED, RUN_RUNNING, RUN_KILLED };
struct run_info {
	int64_t id, started_at; /* started_at: seconds since 1970 */
	double wall_s;          /* RUN_ENDED */
	const char *targets;    /* as given, joined by spaces */
	int exit_code;          /* RUN_ENDED */
	enum run_state state;
	int64_t project;         /* 0: not known, from before projects were told apart */
	const char *root, *name; /* of the project, or NULL */
};
int store_run_begin(struct store *s, const char *targets, int64_t *ret_id,
		    struct err **err) warn_unused;
int store_run_node(struct store *s, int64_t run, const struct run_node *n,
		   struct err **err) warn_unused;
/* May be called again: the later exit code counts. */
int store_run_end(struct store *s, int64_t run, double wall_s, int exit_code,
		  struct err **err) warn_unused;
/* Of the project entered, or of ALL. Newest first, at most LIMIT (0: all). */
int store_runs(struct store *s, struct arena *arena, bool all, size_t limit, struct run_info **ret,
	       size_t *ret_count, struct err **err) warn_unused;
int store_run_nodes(struct store *s, int64_t run, struct arena *arena, struct run_node **ret,
		    size_t *ret_count, struct err **err) warn_unused;
/* The newest run, of any project, that built KEY: 0, 1 when none is known, -1. */
int store_run_of_key(struct store *s, const struct digest *key, struct arena *arena,
		     struct run_info *ret, struct err **err) warn_unused;
/* Whether RUN is one of the project entered. */
bool store_run_is_own(const struct store *s, const struct run_info *run);

/* Makes the next opening of the store as quick as it can be; this may wait for the disk. */
void store_fold_log(struct store *s);

/*
 * One text per NAME, for graph/stat_shortcut.c; it may be lost at any time. Get appends to *RET: 0,
 * 1 when there is none, -1.
 */
int store_note_get(struct store *s, const char *name, struct str *ret,
		   struct err **err) warn_unused;
int store_note_put(struct store *s, const char *name, const struct str *data,
		   struct err **err) warn_unused;

struct store_verify_opts {
	void (*report)(void *arg, const char *text);
	void (*progress)(void *arg, uint64_t bytes);
	void *arg;
};
struct store_verify_result {
	uint64_t blobs, bytes, damaged;
	uint64_t missing; /* outputs to be made again: not there, or made with a damaged blob */
};
/*
 * Hashes every blob and every unpacked tree. Damaged blobs go to quarantine, such trees are
 * removed, and the records go that name them or, since they were last known to be good, used them.
 * `report` per bad one, `progress` per blob
 * with the bytes that were hashed; both may be NULL.
 */
int store_verify(struct store *s, const struct store_verify_opts *opts,
		 struct store_verify_result *ret, struct err **err) warn_unused;

/*
 * Notes that these records were used today: what gc keeps longest. Written at most once a day, and
 * failing is no error.
 */
void store_used(struct store *s, const struct digest *keys, size_t count);

/* What lies in the store. Bytes are those on the disk. */
struct store_part {
	const char *name, *what; /* "cas", "results by content" */
	uint64_t files, bytes;
	uint64_t unnamed; /* of bytes: what gc removes whatever the limit */
};
struct store_node_usage {
	const char *node;
	size_t records;
	uint64_t bytes; /* of blobs that no node before it in the list has */
	int64_t used;   /* seconds since 1970, of the newest use; to the day */
};
/* What is in the store beside results, and how people know it. */
struct store_thing {
	const char *name; /* "package tzdata 2025b-1 all", "file of node 'x'" */
	uint64_t bytes;
	int64_t used; /* seconds since 1970, to the day */
};
struct store_usage {
	struct store_thing *things; /* largest first */
	size_t thing_count;
	struct store_part *parts;
	size_t part_count;
	struct store_node_usage *nodes; /* largest first */
	size_t node_count;
	uint64_t bytes;
};
int store_usage(struct store *s, struct arena *arena, struct store_usage *ret,
		struct err **err) warn_unused;

/* What a build that goes on needs. */
struct store_needs {
	const struct digest *records; /* keys: they stay, whatever the limit */
	size_t record_count;
	const char *const *manifests; /* of nodes that will run: what they name stays */
	size_t manifest_count;        /* (downloads, unpacked trees) */
	const struct digest *likely;  /* keys: these records, and what they name, go last of all */
	size_t likely_count;
	int64_t since; /* seconds since 1970: leftovers of failed nodes that are newer go last */
};
enum store_gc_wait {
	STORE_GC_WAIT, /* until no other uses the store */
	STORE_GC_TRY,  /* ERR_LOCKED when others use it */
	STORE_GC_LAST, /* the same, by who only closes the store after it: alone.c */
};
struct store_gc_opts {
	uint64_t limit; /* bytes that the whole store may have on the disk; 0: no limit */
	struct store_needs needs;
	bool dry_run;
	enum store_gc_wait wait;
	void (*report)(void *arg, const char *text); /* per record or download; may be NULL */
	void *arg;
};
struct store_gc_result {
	uint64_t records, blobs, downloads, others; /* removed; others: roots, lists, leftovers */
	uint64_t freed, kept, fixed; /* bytes on the disk; fixed: of kept, what gc never removes */
};
/*
 * Removes what no record names and leftovers, and then whatever can be made or fetched again until
 * the whole store fits LIMIT: what was unused for the longest time first; of what was used on the
 * same day leftovers of failed nodes, package lists, unpacked trees, downloads, and last the
 * results, those first that are quickest made again; what NEEDS names goes last or stays. The
 * history of a project goes that did not run for 90 days and whose directory is gone.
 *
 * Alone in the store while it works: nothing that another running build uses can go. The caller's
 * own workers must have ended. Whenever it is killed the store is valid, because records go before
 * the blobs that they name.
 */
int store_gc(struct store *s, const struct store_gc_opts *opts, struct store_gc_result *ret,
	     struct err **err) warn_unused;
/* Bytes of the whole store on the disk, its directories and database included. Walks through it. */
uint64_t store_bytes(const struct store *s);
