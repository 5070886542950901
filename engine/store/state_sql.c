/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_db.h"

#define RUNS_KEPT "200"
#define DURATION_WEIGHT "4" /* builds that a mean remembers */

const char *const state_sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_RECORD_GET] = "SELECT " RECORD_COLUMNS " FROM record WHERE key = ?1",
	[SQL_RECORD_LAST] =
		"SELECT " RECORD_COLUMNS " FROM record WHERE node = ?1 ORDER BY id DESC LIMIT 1",
	[SQL_RECORD_EACH] = "SELECT " RECORD_COLUMNS " FROM record ORDER BY id",
	[SQL_RECORD_PUT] = "INSERT OR REPLACE INTO record(" RECORD_COLUMNS
			   ", id) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_RECORD_DROP] = "DELETE FROM record WHERE key = ?1",
	[SQL_DURATION_PUT] = "INSERT INTO duration(node, seconds, count) VALUES(?1, ?2, 1) ON "
			     "CONFLICT(node) DO UPDATE"
			     " SET seconds = (seconds * min(count, " DURATION_WEIGHT ") + ?2)"
			     " / (min(count, " DURATION_WEIGHT ") + 1), count = count + 1",
	[SQL_DURATION_EACH] = "SELECT node, seconds FROM duration",
	[SQL_FILE_EACH] = "SELECT path, dev, ino, size, mtime, ctime, digest FROM file",
	[SQL_FILE_PUT] = "INSERT OR REPLACE INTO file(path, dev, ino, size, mtime, ctime, digest)"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_FILE_CLEAR] = "DELETE FROM file",
	[SQL_RUN_BEGIN] = "INSERT INTO run(started_at, targets) VALUES(?1, ?2)",
	[SQL_RUN_PRUNE] = "DELETE FROM run WHERE id <= ?1 - " RUNS_KEPT,
	[SQL_RUN_PRUNE_NODES] = "DELETE FROM run_node WHERE run <= ?1 - " RUNS_KEPT,
	[SQL_RUN_NODE_PUT] = "INSERT INTO run_node(run, node, status, key, seconds, log, error)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_RUN_END] = "UPDATE run SET wall_s = ?2, exit_code = ?3 WHERE id = ?1",
	[SQL_RUN_EACH] = "SELECT id, started_at, targets, wall_s, exit_code FROM run"
			 " ORDER BY id DESC LIMIT ?1",
	[SQL_RUN_NODE_EACH] = "SELECT node, status, key, seconds, log, error FROM run_node"
			      " WHERE run = ?1 ORDER BY id",
	[SQL_SNAPSHOT_GET] = "SELECT data FROM snapshot WHERE name = ?1",
	[SQL_SNAPSHOT_PUT] = "INSERT OR REPLACE INTO snapshot(name, data) VALUES(?1, ?2)",
	/* Nothing is written for what was used on that day already. */
	[SQL_USED_PUT] = "INSERT INTO snapshot(name, data) VALUES(?1, ?2) ON CONFLICT(name) DO "
			 "UPDATE SET data = ?2 WHERE data <> ?2",
	[SQL_USED_DROP] = "DELETE FROM snapshot WHERE name = ?1",
	[SQL_USED_EACH] =
		"SELECT name, data FROM snapshot WHERE name >= 'used/' AND name < 'used0'",
};
