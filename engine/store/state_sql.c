/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_db.h"

#define RUNS_KEPT "200" /* of each project */
#define OLD_RUNS \
	"(SELECT id FROM run WHERE project = ?1 ORDER BY id DESC LIMIT -1 OFFSET " RUNS_KEPT ")"
/* Notes of cli/timing.h: "timings/RUN". */
#define TIMINGS_OF                                 \
	"name >= 'timings/' AND name < 'timings0'" \
	" AND CAST(substr(name, 9) AS INTEGER) IN "
#define RUN_COLUMNS                                                              \
	"run.id, started_at, targets, wall_s, exit_code, project.id, root, name" \
	" FROM run LEFT JOIN project ON project.id = run.project"
#define SAME_DIRECTORY "(ino = ?4 AND born = ?5 AND born != 0)"
#define DURATION_WEIGHT "4" /* builds that a mean remembers */

const char *const state_sql[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_RECORD_GET] = "SELECT " RECORD_COLUMNS " FROM record WHERE key = ?1",
	[SQL_RECORD_EACH] = "SELECT " RECORD_COLUMNS " FROM record ORDER BY id",
	[SQL_RECORD_PUT] = "INSERT OR REPLACE INTO record(" RECORD_COLUMNS
			   ", id) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[SQL_RECORD_DROP] = "DELETE FROM record WHERE key = ?1",
	[SQL_FILE_EACH] = "SELECT path, dev, ino, size, mtime, ctime, digest FROM file",
	[SQL_FILE_PUT] = "INSERT OR REPLACE INTO file(path, dev, ino, size, mtime, ctime, digest)"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_FILE_CLEAR] = "DELETE FROM file",
	/* The directory itself, which may have moved; else whatever is at its path, if births are
	   not told. Numbers of devices may change when a machine starts. */
	[SQL_PROJECT_FIND] = "SELECT id, tag FROM project WHERE (?2 IS NULL OR name = ?2)"
			     " AND ((" SAME_DIRECTORY " AND (dev = ?3 OR root = ?1))"
			     " OR (root = ?1 AND (born = 0 OR ?5 = 0)))"
			     " ORDER BY " SAME_DIRECTORY " DESC, root = ?1 DESC, used DESC, id DESC"
			     " LIMIT 1",
	[SQL_PROJECT_DISPLACE] = "UPDATE project SET root = CAST(CAST(root AS TEXT)"
				 " || ' (earlier, ' || tag || ')' AS BLOB)"
				 " WHERE root = ?1 AND name = ?2 AND id != ?3",
	[SQL_PROJECT_ADD] = "INSERT INTO project(root, name, tag, dev, ino, born, used)"
			    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_PROJECT_USED] = "UPDATE project SET root = ?1, dev = ?4, ino = ?5,"
			     " born = ?6, used = ?7 WHERE id = ?8",
	[SQL_PROJECT_EACH] = "SELECT id, root, name, used FROM project ORDER BY id",
	[SQL_PROJECT_DROP] = "DELETE FROM project WHERE id = ?1",
	[SQL_PROJECT_DROP_NODES] = "DELETE FROM project_node WHERE project = ?1",
	[SQL_PROJECT_DROP_RUN_NODES] =
		"DELETE FROM run_node WHERE run IN (SELECT id FROM run WHERE project = ?1)",
	[SQL_PROJECT_DROP_TIMINGS] =
		"DELETE FROM snapshot WHERE " TIMINGS_OF "(SELECT id FROM run WHERE project = ?1)",
	[SQL_PROJECT_DROP_RUNS] = "DELETE FROM run WHERE project = ?1",
	[SQL_NODE_EACH] = "SELECT node, key, previous, run, built FROM project_node"
			  " WHERE project = ?1",
	/* ?7: builds to count, 0 or 1. */
	[SQL_NODE_PUT] =
		"INSERT INTO project_node(project, node, key, previous, run, built, seconds, count)"
		" VALUES(?1, ?2, ?3, x'', ?4, ?5, ?6, ?7) ON CONFLICT(project, node) DO UPDATE SET"
		" previous = CASE WHEN key = ?3 THEN previous ELSE key END,"
		" run = CASE WHEN key = ?3 THEN run ELSE ?4 END,"
		" built = CASE WHEN key = ?3 THEN built ELSE ?5 END,"
		" seconds = CASE WHEN ?7 = 0 THEN seconds ELSE"
		" (seconds * min(count, " DURATION_WEIGHT ") + ?6)"
		" / (min(count, " DURATION_WEIGHT ") + 1) END,"
		" count = count + ?7, key = ?3",
	/* Later rows win: the project's own, else those of the checkout that was used last. */
	[SQL_DURATION_EACH] = "SELECT node, seconds, project.id, root FROM project_node"
			      " JOIN project ON project.id = project_node.project"
			      " WHERE count > 0 AND (project.id = ?1 OR name = ?2)"
			      " ORDER BY project.id = ?1, used, project.id",
	[SQL_RUN_BEGIN] = "INSERT INTO run(project, started_at, targets)"
			  " VALUES(nullif(?1, 0), ?2, ?3)",
	[SQL_RUN_PRUNE_TIMINGS] = "DELETE FROM snapshot WHERE " TIMINGS_OF OLD_RUNS,
	[SQL_RUN_PRUNE_NODES] = "DELETE FROM run_node WHERE run IN " OLD_RUNS,
	[SQL_RUN_PRUNE] = "DELETE FROM run WHERE id IN " OLD_RUNS,
	[SQL_RUN_NODE_PUT] = "INSERT INTO run_node(run, node, status, key, seconds, log, error)"
			     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_RUN_END] = "UPDATE run SET wall_s = ?2, exit_code = ?3 WHERE id = ?1",
	[SQL_RUN_EACH] = "SELECT " RUN_COLUMNS " WHERE ?1 = 0 OR run.project = ?1"
			 " ORDER BY run.id DESC LIMIT ?2",
	[SQL_RUN_OF_KEY] = "SELECT " RUN_COLUMNS " WHERE run.id = (SELECT run FROM run_node"
			   " WHERE key = ?1 AND status = 'built' ORDER BY id DESC LIMIT 1)",
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
