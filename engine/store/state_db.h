/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files that speak SQL share: state.c opens, makes and rescues the database, state_sql.c
 * holds the statements, state_rows.c reads and writes records, file stats and notes,
 * state_history.c projects and runs. No other file may include this.
 */
#include "store/state.h"
#include "store/state_sqlite.h"

enum stmt {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_RECORD_GET,
	SQL_RECORD_EACH,
	SQL_RECORD_PUT,
	SQL_RECORD_DROP,
	SQL_FILE_EACH,
	SQL_FILE_PUT,
	SQL_FILE_CLEAR,
	SQL_PROJECT_FIND,
	SQL_PROJECT_DISPLACE,
	SQL_PROJECT_ADD,
	SQL_PROJECT_USED,
	SQL_PROJECT_EACH,
	SQL_PROJECT_DROP,
	SQL_PROJECT_DROP_NODES,
	SQL_PROJECT_DROP_RUN_NODES,
	SQL_PROJECT_DROP_TIMINGS,
	SQL_PROJECT_DROP_RUNS,
	SQL_NODE_EACH,
	SQL_NODE_PUT,
	SQL_DURATION_EACH,
	SQL_RUN_BEGIN,
	SQL_RUN_PRUNE_NODES,
	SQL_RUN_PRUNE_TIMINGS,
	SQL_RUN_PRUNE,
	SQL_RUN_NODE_PUT,
	SQL_RUN_END,
	SQL_RUN_EACH,
	SQL_RUN_OF_KEY,
	SQL_RUN_NODE_EACH,
	SQL_SNAPSHOT_GET,
	SQL_SNAPSHOT_PUT,
	SQL_USED_PUT,
	SQL_USED_DROP,
	SQL_USED_EACH,
	SQL_COUNT,
};

struct state {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *stmts[SQL_COUNT];
	bool full; /* synchronous=FULL is set */
	bool damaged;
	bool hurry;        /* see state_hurry() */
	uint64_t since_ms; /* monotonic: since when another process is waited for */
};

/* ?9 of a put, column 8 of a rescue's walk: the row's number. */
#define RECORD_COLUMNS "key, sum, node, seconds, built_at, log, outputs, manifest"

/* Their SQL, in state_sql.c. */
extern const char *const state_sql[SQL_COUNT];

/* Sets *err from the last SQLite call, notes damage, returns -1. */
int state_failed(struct state *st, struct err **err);
/* Opens a file as it is; FLAGS as sqlite3_open_v2. */
int state_connect(const char *path, int flags, struct state **ret, struct err **err) warn_unused;
/* A statement, prepared on first use and kept. */
int state_statement(struct state *st, enum stmt id, sqlite3_stmt **ret,
		    struct err **err) warn_unused;
/* One step: 0 for a row, 1 at the end. At the end and on failure the statement is reset. */
int state_step(struct state *st, sqlite3_stmt *q, struct err **err) warn_unused;
/* Runs a statement that gives no rows. */
int state_finish(struct state *st, sqlite3_stmt *q, struct err **err) warn_unused;
int state_plain(struct state *st, enum stmt id, struct err **err) warn_unused;
/* DURABLE: the commit waits until the disk has it. */
int state_begin(struct state *st, bool durable, struct err **err) warn_unused;
/* Commits when RC is 0, else rolls back; returns -1 unless all went well. */
int state_end(struct state *st, int rc, struct err **err) warn_unused;
/* A text column, never NULL. */
const char *state_text(sqlite3_stmt *q, int column);
/* Bound values must stay until the statement is reset. */
void state_bind_digest(sqlite3_stmt *q, int i, const struct digest *d);
void state_bind_text(sqlite3_stmt *q, int i, const char *text);
/* Another length reads as zeros: no blob, no log and no sum has such a digest. */
void state_column_digest(sqlite3_stmt *q, int i, struct digest *ret);
/*
 * Copies the records of the damaged database OLD into the transaction of TO: forwards, and
 * backwards when that stops at a damaged page. Only failing to write TO is an error.
 */
int state_copy_records(struct state *old, struct state *to, uint64_t *ret_kept,
		       struct err **err) warn_unused;
/* The same for projects and runs, forwards only. */
int state_copy_history(struct state *old, struct state *to, struct err **err) warn_unused;
