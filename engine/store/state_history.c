/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_db.h"

#include <stdio.h>
#include <string.h>

/* --- projects ------------------------------------------------------------------------------ */

/* A path: any bytes but NUL. */
static void bind_path(sqlite3_stmt *q, int i, const char *path)
{
	sqlite.bind_blob(q, i, path, (int)strlen(path), SQLITE_STATIC);
}

int state_project_find(struct state *st, struct state_project *p, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_PROJECT_FIND, &q, err) < 0)
		return -1;
	bind_path(q, 1, p->root);
	state_bind_text(q, 2, p->name);
	sqlite.bind_int64(q, 3, (int64_t)p->dev);
	sqlite.bind_int64(q, 4, (int64_t)p->ino);
	sqlite.bind_int64(q, 5, p->born_ns);
	rc = state_step(st, q, err);
	if (rc == 0) {
		p->id = sqlite.column_int64(q, 0);
		snprintf(p->tag, sizeof(p->tag), "%s", state_text(q, 1));
	}
	sqlite.reset(q);
	return rc;
}

/* Another project may have been at the path of P: its directory was moved, or is gone. */
static int displace_other(struct state *st, const struct state_project *p, struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_PROJECT_DISPLACE, &q, err) < 0)
		return -1;
	bind_path(q, 1, p->root);
	state_bind_text(q, 2, p->name);
	sqlite.bind_int64(q, 3, p->id);
	return state_finish(st, q, err);
}

static int write_project(struct state *st, enum stmt id, const struct state_project *p,
			 struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, id, &q, err) < 0)
		return -1;
	bind_path(q, 1, p->root);
	if (id == SQL_PROJECT_ADD) {
		state_bind_text(q, 2, p->name);
		state_bind_text(q, 3, p->tag);
	} else {
		sqlite.bind_int64(q, 8, p->id);
	}
	sqlite.bind_int64(q, 4, (int64_t)p->dev);
	sqlite.bind_int64(q, 5, (int64_t)p->ino);
	sqlite.bind_int64(q, 6, p->born_ns);
	sqlite.bind_int64(q, 7, p->used);
	return state_finish(st, q, err);
}

/* In a transaction that writes: another orch may have added the project meanwhile. */
static int put_project(struct state *st, struct state_project *p, struct err **err)
{
	int rc = state_project_find(st, p, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		p->id = 0;
	if (displace_other(st, p, err) < 0)
		return -1;
	if (rc == 0)
		return write_project(st, SQL_PROJECT_USED, p, err);
	if (write_project(st, SQL_PROJECT_ADD, p, err) < 0)
		return -1;
	p->id = sqlite.last_insert_rowid(st->db);
	return 0;
}

int state_project_each(struct state *st, state_project_fn *fn, void *arg, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_PROJECT_EACH, &q, err) < 0)
		return -1;
	while ((rc = state_step(st, q, err)) == 0) {
		struct state_project row = {
			.id = sqlite.column_int64(q, 0),
			.root = state_text(q, 1),
			.name = state_text(q, 2),
			.used = sqlite.column_int64(q, 3),
		};

		fn(arg, &row);
	}
	return rc < 0 ? -1 : 0;
}

int state_project_drop(struct state *st, int64_t id, struct err **err)
{
	static const enum stmt steps[] = {SQL_PROJECT_DROP_TIMINGS, SQL_PROJECT_DROP_RUN_NODES,
					  SQL_PROJECT_DROP_RUNS, SQL_PROJECT_DROP_NODES,
					  SQL_PROJECT_DROP};
	int rc = 0;

	if (state_begin(st, false, err) < 0)
		return -1;
	for (size_t i = 0; i < array_len(steps) && rc == 0; i++) {
		sqlite3_stmt *q;

		rc = state_statement(st, steps[i], &q, err);
		if (rc == 0) {
			sqlite.bind_int64(q, 1, id);
			rc = state_finish(st, q, err);
		}
	}
	return state_end(st, rc, err);
}

/* --- what a project's nodes have ----------------------------------------------------------- */

int state_node_each(struct state *st, int64_t project, state_node_fn *fn, void *arg,
		    struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_NODE_EACH, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, project);
	while ((rc = state_step(st, q, err)) == 0) {
		struct node_past row = {
			.run = sqlite.column_int64(q, 3),
			.built = sqlite.column_int(q, 4) != 0,
		};

		state_column_digest(q, 1, &row.key);
		state_column_digest(q, 2, &row.previous);
		fn(arg, state_text(q, 0), &row);
	}
	return rc < 0 ? -1 : 0;
}

int state_duration_each(struct state *st, int64_t project, const char *name, state_duration_fn *fn,
			void *arg, struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_DURATION_EACH, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, project);
	state_bind_text(q, 2, name);
	while ((rc = state_step(st, q, err)) == 0)
		fn(arg, state_text(q, 0), sqlite.column_double(q, 1),
		   sqlite.column_int64(q, 2) == project ? NULL : state_text(q, 3));
	return rc < 0 ? -1 : 0;
}

static int put_node(struct state *st, int64_t project, int64_t run, const struct run_node *n,
		    struct err **err)
{
	bool built = str_eq(n->status, "built");
	sqlite3_stmt *q;

	if (state_statement(st, SQL_NODE_PUT, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, project);
	state_bind_text(q, 2, n->node);
	state_bind_digest(q, 3, &n->key);
	sqlite.bind_int64(q, 4, run);
	sqlite.bind_int(q, 5, built);
	sqlite.bind_double(q, 6, built ? n->seconds : 0);
	sqlite.bind_int(q, 7, built);
	return state_finish(st, q, err);
}

/* --- runs ---------------------------------------------------------------------------------- */

static int insert_run(struct state *st, int64_t project, const char *targets, int64_t started_at,
		      int64_t *ret_id, struct err **err)
{
	static const enum stmt prunes[] = {SQL_RUN_PRUNE_TIMINGS, SQL_RUN_PRUNE_NODES,
					   SQL_RUN_PRUNE};
	sqlite3_stmt *q;
	int64_t id;

	if (state_statement(st, SQL_RUN_BEGIN, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, project);
	sqlite.bind_int64(q, 2, started_at);
	state_bind_text(q, 3, targets);
	if (state_finish(st, q, err) < 0)
		return -1;
	id = sqlite.last_insert_rowid(st->db);
	for (size_t i = 0; i < array_len(prunes); i++) {
		if (state_statement(st, prunes[i], &q, err) < 0)
			return -1;
		sqlite.bind_int64(q, 1, project);
		if (state_finish(st, q, err) < 0)
			return -1;
	}
	*ret_id = id;
	return 0;
}

int state_run_begin(struct state *st, struct state_project *p, const char *targets,
		    int64_t started_at, int64_t *ret_id, struct err **err)
{
	int rc;

	if (state_begin(st, false, err) < 0)
		return -1;
	rc = p ? put_project(st, p, err) : 0;
	if (rc == 0)
		rc = insert_run(st, p ? p->id : 0, targets, started_at, ret_id, err);
	return state_end(st, rc, err);
}

static int put_run_node(struct state *st, int64_t run, const struct run_node *n, struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_RUN_NODE_PUT, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, run);
	state_bind_text(q, 2, n->node);
	state_bind_text(q, 3, n->status);
	state_bind_digest(q, 4, &n->key);
	sqlite.bind_double(q, 5, n->seconds);
	state_bind_digest(q, 6, &n->log);
	state_bind_text(q, 7, n->error);
	return state_finish(st, q, err);
}

int state_run_node(struct state *st, int64_t project, int64_t run, const struct run_node *n,
		   struct err **err)
{
	bool has_result = str_eq(n->status, "built") || str_eq(n->status, "cached");
	int rc;

	if (state_begin(st, false, err) < 0)
		return -1;
	rc = put_run_node(st, run, n, err);
	if (rc == 0 && project && has_result)
		rc = put_node(st, project, run, n, err);
	return state_end(st, rc, err);
}

int state_run_end(struct state *st, int64_t run, double wall_s, int exit_code, struct err **err)
{
	sqlite3_stmt *q;

	if (state_statement(st, SQL_RUN_END, &q, err) < 0 || state_begin(st, false, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, run);
	sqlite.bind_double(q, 2, wall_s);
	sqlite.bind_int(q, 3, exit_code);
	return state_end(st, state_finish(st, q, err), err);
}

static void give_run(sqlite3_stmt *q, state_run_fn *fn, void *arg)
{
	bool known = sqlite.column_type(q, 5) != SQLITE_NULL;
	struct run_info row = {
		.id = sqlite.column_int64(q, 0),
		.started_at = sqlite.column_int64(q, 1),
		.targets = state_text(q, 2),
		.wall_s = sqlite.column_double(q, 3),
		.exit_code = sqlite.column_int(q, 4),
		.state = sqlite.column_type(q, 4) != SQLITE_NULL ? RUN_ENDED : RUN_KILLED,
		.project = sqlite.column_int64(q, 5),
		.root = known ? state_text(q, 6) : NULL,
		.name = known ? state_text(q, 7) : NULL,
	};

	fn(arg, &row);
}

int state_run_each(struct state *st, int64_t project, size_t limit, state_run_fn *fn, void *arg,
		   struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RUN_EACH, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, project);
	sqlite.bind_int64(q, 2, limit ? (int64_t)limit : -1);
	while ((rc = state_step(st, q, err)) == 0)
		give_run(q, fn, arg);
	return rc < 0 ? -1 : 0;
}

int state_run_of_key(struct state *st, const struct digest *key, state_run_fn *fn, void *arg,
		     struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RUN_OF_KEY, &q, err) < 0)
		return -1;
	state_bind_digest(q, 1, key);
	rc = state_step(st, q, err);
	if (rc == 0)
		give_run(q, fn, arg);
	sqlite.reset(q);
	return rc;
}

int state_run_node_each(struct state *st, int64_t run, state_run_node_fn *fn, void *arg,
			struct err **err)
{
	sqlite3_stmt *q;
	int rc;

	if (state_statement(st, SQL_RUN_NODE_EACH, &q, err) < 0)
		return -1;
	sqlite.bind_int64(q, 1, run);
	while ((rc = state_step(st, q, err)) == 0) {
		struct run_node row = {
			.node = state_text(q, 0),
			.status = state_text(q, 1),
			.seconds = sqlite.column_double(q, 3),
			.error = (const char *)sqlite.column_text(q, 5),
		};

		state_column_digest(q, 2, &row.key);
		state_column_digest(q, 4, &row.log);
		fn(arg, &row);
	}
	return rc < 0 ? -1 : 0;
}

/* --- rescue -------------------------------------------------------------------------------- */

/* Copies a table as far as it can be read: what history is lost is not worth an error. */
static int copy_table(struct state *old, struct state *to, const char *table, const char *columns,
		      struct err **err)
{
	char *from cleanup_free = xasprintf("SELECT %s FROM %s NOT INDEXED", columns, table);
	struct str into cleanup_str = STR_INIT;
	struct err *broken cleanup_err = NULL;
	sqlite3_stmt *q = NULL, *put = NULL;
	int rc = 0;

	if (sqlite.prepare_v2(old->db, from, -1, &q, NULL) != SQLITE_OK)
		return 0; /* an older format, or too damaged */
	str_printf(&into, "INSERT OR IGNORE INTO %s(%s) VALUES(?", table, columns);
	for (int i = 1; i < sqlite.column_count(q); i++)
		str_append(&into, ", ?");
	str_append_char(&into, ')');
	if (sqlite.prepare_v2(to->db, into.buf, -1, &put, NULL) != SQLITE_OK)
		rc = state_failed(to, err);
	while (rc == 0 && state_step(old, q, &broken) == 0) {
		for (int i = 0; i < sqlite.column_count(q); i++)
			sqlite.bind_value(put, i + 1, sqlite.column_value(q, i));
		rc = state_finish(to, put, err);
	}
	sqlite.finalize(q);
	sqlite.finalize(put);
	return rc;
}

int state_copy_history(struct state *old, struct state *to, struct err **err)
{
	static const char *const tables[][2] = {
		{"project", "id, root, name, tag, dev, ino, born, used"},
		{"project_node", "project, node, key, previous, run, built, seconds, count"},
		{"run", "id, project, started_at, targets, wall_s, exit_code"},
		{"run_node", "id, run, node, status, key, seconds, log, error"},
	};

	for (size_t i = 0; i < array_len(tables); i++) {
		if (copy_table(old, to, tables[i][0], tables[i][1], err) < 0)
			return -1;
	}
	return 0;
}
