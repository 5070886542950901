/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_db.h"

/* --- runs ---------------------------------------------------------------------------------- */

static int insert_run(struct state *st, const char *targets, int64_t started_at, int64_t *ret_id,
		      struct err **err)
{
	static const enum stmt prunes[] = {SQL_RUN_PRUNE, SQL_RUN_PRUNE_NODES};
	sqlite3_stmt *q;
	int64_t id;

	if (state_statement(st, SQL_RUN_BEGIN, &q, err) < 0)
		return -1;
	sqlite3_bind_int64(q, 1, started_at);
	state_bind_text(q, 2, targets);
	if (state_finish(st, q, err) < 0)
		return -1;
	id = sqlite3_last_insert_rowid(st->db);
	for (size_t i = 0; i < array_len(prunes); i++) {
		if (state_statement(st, prunes[i], &q, err) < 0)
			return -1;
		sqlite3_bind_int64(q, 1, id);
		if (state_finish(st, q, err) < 0)
			return -1;
	}
	*ret_id = id;
	return 0;
}

int state_run_begin(struct state *st, const char *targets, int64_t started_at, int64_t *ret_id,
		    struct err **err)
{
	if (state_begin(st, false, err) < 0)
		return -1;
	return state_end(st, insert_run(st, targets, started_at, ret_id, err), err);
}

static int put_run_node(struct state *st, int64_t run, const struct run_node *n, struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_RUN_NODE_PUT, &q, err) < 0)
		return -1;
	sqlite3_bind_int64(q, 1, run);
	state_bind_text(q, 2, n->node);
	state_bind_text(q, 3, n->status);
	state_bind_digest(q, 4, &n->key);
	sqlite3_bind_double(q, 5, n->seconds);
	state_bind_digest(q, 6, &n->log);
	state_bind_text(q, 7, n->error);
	return state_finish(st, q, err);
}

int state_run_node(struct state *st, int64_t run, const struct run_node *n, struct err **err)
{
	if (state_begin(st, false, err) < 0)
		return -1;
	return state_end(st, put_run_node(st, run, n, err), err);
}

int state_run_end(struct state *st, int64_t run, double wall_s, int exit_code, struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_RUN_END, &q, err) < 0 || state_begin(st, false, err) < 0)
		return -1;
	sqlite3_bind_int64(q, 1, run);
	sqlite3_bind_double(q, 2, wall_s);
	sqlite3_bind_int(q, 3, exit_code);
	return state_end(st, state_finish(st, q, err), err);
}

int state_run_each(struct state *st, size_t limit, state_run_fn *fn, void *arg, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RUN_EACH, &q, err) < 0)
		return -1;
	sqlite3_bind_int64(q, 1, limit ? (int64_t)limit : -1);
	while ((rc = state_step(st, q, err)) == 0) {
		struct run_info row = {
			.id = sqlite3_column_int64(q, 0),
			.started_at = sqlite3_column_int64(q, 1),
			.targets = state_text(q, 2),
			.wall_s = sqlite3_column_double(q, 3),
			.exit_code = sqlite3_column_int(q, 4),
			.finished = sqlite3_column_type(q, 4) != SQLITE_NULL,
		};

		fn(arg, &row);
	}
	return rc < 0 ? -1 : 0;
}

int state_run_node_each(struct state *st, int64_t run, state_run_node_fn *fn, void *arg,
			struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RUN_NODE_EACH, &q, err) < 0)
		return -1;
	sqlite3_bind_int64(q, 1, run);
	while ((rc = state_step(st, q, err)) == 0) {
		struct run_node row = {
			.node = state_text(q, 0),
			.status = state_text(q, 1),
			.seconds = sqlite3_column_double(q, 3),
			.error = (const char *)sqlite3_column_text(q, 5),
		};

		state_column_digest(q, 2, &row.key);
		state_column_digest(q, 4, &row.log);
		fn(arg, &row);
	}
	return rc < 0 ? -1 : 0;
}
