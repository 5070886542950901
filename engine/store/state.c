/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_db.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/trace.h"

#define APPLICATION_ID 0x6f726368 /* "orch" */
#define APPLICATION_ID_AT 68      /* in the file, big-endian: sqlite.org/fileformat.html, 1.3 */
/* How long another process may hold the database, and how long once this one is to end. */
#define BUSY_MS 60000
#define HURRY_MS 200
#define BUSY_PAUSE_MS 20

static const char schema_sql[] =
	"PRAGMA application_id = 1869767528;"
	"CREATE TABLE record(id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, sum BLOB NOT NULL,"
	" node TEXT NOT NULL, seconds REAL NOT NULL, built_at INTEGER NOT NULL, log BLOB NOT NULL,"
	" outputs TEXT NOT NULL, manifest TEXT NOT NULL) STRICT;"
	"CREATE INDEX record_node ON record(node, id);"
	"CREATE TABLE duration(node TEXT PRIMARY KEY, seconds REAL NOT NULL,"
	" count INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE file(path TEXT PRIMARY KEY, dev INTEGER NOT NULL, ino INTEGER NOT NULL,"
	" size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,"
	" digest BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE run(id INTEGER PRIMARY KEY AUTOINCREMENT, started_at INTEGER NOT NULL,"
	" targets TEXT NOT NULL, wall_s REAL, exit_code INTEGER) STRICT;"
	"CREATE TABLE run_node(id INTEGER PRIMARY KEY, run INTEGER NOT NULL, node TEXT NOT NULL,"
	" status TEXT NOT NULL, key BLOB NOT NULL, seconds REAL NOT NULL, log BLOB NOT NULL,"
	" error TEXT) STRICT;"
	"CREATE INDEX run_node_run ON run_node(run);";

/*
 * What brought each format about: schema_sql is format 1, migrations[i] makes i + 2 of i + 1. A row
 * that was released never changes. Each must bear being run on a database that has its result
 * (there are files of format 1 with a table 'snapshot').
 */
static const char *const migrations[] = {
	"CREATE TABLE IF NOT EXISTS snapshot(name TEXT PRIMARY KEY, data BLOB NOT NULL)"
	" STRICT, WITHOUT ROWID;",
	/*
	 * History by project. Whose the older runs were is not known: they stay, without a project.
	 * Durations by the name of a node alone were a mixture. Short ways go, so that the next
	 * build notes what each node has now.
	 */
	"CREATE TABLE IF NOT EXISTS project(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" root BLOB NOT NULL, name TEXT NOT NULL, tag TEXT NOT NULL, dev INTEGER NOT NULL,"
	" ino INTEGER NOT NULL, born INTEGER NOT NULL, used INTEGER NOT NULL, UNIQUE(root, name))"
	" STRICT;"
	"CREATE TABLE IF NOT EXISTS project_node(project INTEGER NOT NULL, node TEXT NOT NULL,"
	" key BLOB NOT NULL, previous BLOB NOT NULL, run INTEGER NOT NULL, built INTEGER NOT NULL,"
	" seconds REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(project, node))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE run_of_project(id INTEGER PRIMARY KEY AUTOINCREMENT, project INTEGER,"
	" started_at INTEGER NOT NULL, targets TEXT NOT NULL, wall_s REAL, exit_code INTEGER)"
	" STRICT;"
	"INSERT INTO run_of_project"
	" SELECT id, NULL, started_at, targets, wall_s, exit_code FROM run;"
	"DROP TABLE run;"
	"ALTER TABLE run_of_project RENAME TO run;"
	"CREATE INDEX IF NOT EXISTS run_project ON run(project, id);"
	"CREATE INDEX IF NOT EXISTS run_node_key ON run_node(key);"
	"DROP INDEX IF EXISTS record_node;"
	"DROP TABLE IF EXISTS duration;"
	"DELETE FROM snapshot WHERE name NOT GLOB 'used/*';",
};
#define FORMAT ((int64_t)array_len(migrations) + 1)
#define TABLES "'record', 'file', 'snapshot', 'project', 'project_node', 'run', 'run_node'"
#define TABLE_COUNT 7

int state_failed(struct state *st, struct err **err)
{
	int code = sqlite.errcode(st->db) & 0xff;
	int errnum = sqlite.system_errno(st->db);

	/* Our statements do not change: SQLITE_ERROR is a table or column that is not there. */
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR) {
		st->damaged = true;
		return err_set(err, E_STORE_DAMAGED, "'%s' is damaged: %s", st->path,
			       sqlite.errmsg(st->db));
	}
	if (code == SQLITE_FULL)
		return err_errno(err, E_SCRATCH_FAILED, ENOSPC, "cannot write '%s'", st->path);
	if (code == SQLITE_NOMEM)
		return err_errno(err, E_SCRATCH_FAILED, ENOMEM, "cannot read '%s'", st->path);
	if (code == SQLITE_BUSY && st->hurry)
		return err_set(err, E_STOPPED, "stopped while another process uses '%s'", st->path);
	if (code == SQLITE_BUSY)
		return err_set(err, E_STORE_BUSY,
			       "'%s' has been in use by another process for %d s", st->path,
			       BUSY_MS / 1000);
	if (code == SQLITE_IOERR && errnum)
		return err_errno(err, E_STORE_INACCESSIBLE, errnum, "cannot use '%s': %s", st->path,
				 sqlite.errmsg(st->db));
	return err_set(
		err, E_STORE_INACCESSIBLE,
		"cannot use '%s': %s (is it yours and writable? --store names another store)",
		st->path, sqlite.errmsg(st->db));
}

int state_statement(struct state *st, enum stmt id, sqlite3_stmt **ret, struct err **err)
{
	if (!st->stmts[id] &&
	    sqlite.prepare_v3(st->db, state_sql[id], -1, SQLITE_PREPARE_PERSISTENT, &st->stmts[id],
			      NULL) != SQLITE_OK)
		return state_failed(st, err);
	*ret = st->stmts[id];
	return 0;
}

int state_step(struct state *st, sqlite3_stmt *q, struct err **err)
{
	int rc = sqlite.step(q);
	int result = 1;

	if (rc == SQLITE_ROW)
		return 0;
	if (rc != SQLITE_DONE)
		result = state_failed(st, err);
	sqlite.reset(q);
	return result;
}

int state_finish(struct state *st, sqlite3_stmt *q, struct err **err)
{
	return state_step(st, q, err) < 0 ? -1 : 0;
}

int state_plain(struct state *st, enum stmt id, struct err **err)
{
	sqlite3_stmt *q;

	return state_statement(st, id, &q, err) < 0 ? -1 : state_finish(st, q, err);
}

static int exec(struct state *st, const char *sql, struct err **err)
{
	return sqlite.exec(st->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : state_failed(st, err);
}

int state_begin(struct state *st, bool durable, struct err **err)
{
	if (st->full != durable &&
	    exec(st, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err) <
		    0)
		return -1;
	st->full = durable;
	return state_plain(st, SQL_BEGIN, err);
}

int state_end(struct state *st, int rc, struct err **err)
{
	if (rc == 0 && state_plain(st, SQL_COMMIT, err) == 0)
		return 0;
	if (!sqlite.get_autocommit(st->db)) {
		struct err *ignored cleanup_err = NULL;

		if (state_plain(st, SQL_ROLLBACK, &ignored) < 0)
			trace(TRACE_STORE, "rollback: %s", ignored->text);
	}
	return -1;
}

const char *state_text(sqlite3_stmt *q, int i)
{
	const char *text = (const char *)sqlite.column_text(q, i);

	return text ? text : "";
}

/* --- waiting ------------------------------------------------------------------------------- */

/* Whether somebody who blocks signals, to read them when he is back, has been told to end. */
static bool told_to_end(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) ||
					 sigismember(&set, SIGHUP));
}

static struct {
	void (*fn)(void *arg, int ms);
	void *arg;
} meanwhile;

void state_on_wait(void (*fn)(void *arg, int ms), void *arg)
{
	meanwhile.fn = fn;
	meanwhile.arg = arg;
}

/* SQLite's busy handler: not 0 to try again. */
static int wait_turn(void *arg, int tries)
{
	const struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * 1000000L};
	struct state *st = arg;
	uint64_t now = clock_ms();

	if (!tries)
		st->since_ms = now;
	st->hurry = st->hurry || told_to_end();
	if (now - st->since_ms >= (st->hurry ? HURRY_MS : BUSY_MS))
		return 0;
	if (meanwhile.fn)
		meanwhile.fn(meanwhile.arg, BUSY_PAUSE_MS);
	else
		nanosleep(&pause, NULL);
	return 1;
}

void state_hurry(struct state *st)
{
	st->hurry = true;
}

bool state_is_ours(const char *dir)
{
	char *path cleanup_free = path_join(dir, "state.sqlite");
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	unsigned char id[4];

	return fd >= 0 && pread(fd, id, sizeof(id), APPLICATION_ID_AT) == sizeof(id) &&
	       ((uint32_t)id[0] << 24 | id[1] << 16 | id[2] << 8 | id[3]) == APPLICATION_ID;
}

/* --- opening ------------------------------------------------------------------------------- */

static int configure(struct state *st, struct err **err)
{
	sqlite.busy_handler(st->db, wait_turn, st);
	sqlite.extended_result_codes(st->db, 0);
	/* The log is folded in when it is long, not whenever the last process leaves. */
	sqlite.db_config(st->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite.db_config(st->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	st->full = true;
	return exec(st,
		    "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;"
		    "PRAGMA cell_size_check = ON; PRAGMA cache_size = -65536;"
		    "PRAGMA temp_store = MEMORY",
		    err);
}

int state_connect(const char *path, int flags, struct state **ret, struct err **err)
{
	struct state *st;
	int rc;

	if (sqlite_load(err) < 0)
		return -1;
	st = xcalloc(1, sizeof(*st));
	st->path = xstrdup(path);
	rc = sqlite.open_v2(path, &st->db, flags, NULL);
	if (rc != SQLITE_OK) {
		if (st->db)
			state_failed(st, err);
		else
			err_errno(err, E_SCRATCH_FAILED, ENOMEM, "cannot open '%s'", path);
		state_close(st);
		return -1;
	}
	*ret = st;
	return 0;
}

void state_close(struct state *st)
{
	if (!st)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite.finalize(st->stmts[i]);
	sqlite.close(st->db);
	free(st->path);
	free(st);
}

bool state_damaged(const struct state *st)
{
	return st->damaged;
}

static int pragma_int(struct state *st, const char *sql, int64_t *ret, struct err **err)
{
	sqlite3_stmt *q = NULL;
	int rc;

	if (sqlite.prepare_v2(st->db, sql, -1, &q, NULL) != SQLITE_OK)
		return state_failed(st, err);
	rc = sqlite.step(q);
	if (rc == SQLITE_ROW)
		*ret = sqlite.column_int64(q, 0);
	else
		state_failed(st, err);
	sqlite.finalize(q);
	return rc == SQLITE_ROW ? 0 : -1;
}

/* Runs what lies between format FROM and the present one; in a transaction. */
static int migrate_from(struct state *st, int64_t from, struct err **err)
{
	char *version cleanup_free = xasprintf("PRAGMA user_version = %" PRId64, FORMAT);

	for (int64_t i = from; i < FORMAT; i++) {
		trace(TRACE_STORE, "'%s': format %" PRId64 " to %" PRId64, st->path, i, i + 1);
		if (exec(st, migrations[i - 1], err) < 0)
			return -1;
	}
	return exec(st, version, err);
}

/* Brings a database of format FROM up to date: all of it or nothing, and once if several try. */
static int migrate(struct state *st, int64_t from, struct err **err)
{
	int64_t version = 0;
	int rc;

	if (state_begin(st, true, err) < 0)
		return -1;
	/* Somebody else may have done it while this one waited for its turn. */
	rc = pragma_int(st, "PRAGMA user_version", &version, err);
	if (rc == 0 && version < FORMAT)
		rc = migrate_from(st, version > from ? version : from, err);
	return state_end(st, rc, err);
}

/* FIRST is damage, which *RET_WHY says: 1. Else it is the error: -1. */
static int damage_or_error(const struct state *st, struct err *first, char **ret_why,
			   struct err **err)
{
	if (!st->damaged) {
		*err = first;
		return -1;
	}
	*ret_why = xstrdup(first->text);
	err_free(first);
	return 1;
}

/* As check_format(). */
static int check_tables(struct state *st, char **ret_why, struct err **err)
{
	struct err *first = NULL;
	int64_t tables = 0;

	if (pragma_int(
		    st,
		    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN (" TABLES
		    ")",
		    &tables, &first) < 0)
		return damage_or_error(st, first, ret_why, err);
	if (tables == TABLE_COUNT)
		return 0;
	*ret_why = xstrdup("a table is missing");
	return 1;
}

/* 0, 1 when the file is not ours or not whole (*ret_why), -1. */
static int check_format(struct state *st, char **ret_why, struct err **err)
{
	struct err *first = NULL;
	int64_t id = 0, version = 0;

	if (configure(st, &first) < 0 || pragma_int(st, "PRAGMA application_id", &id, &first) < 0 ||
	    pragma_int(st, "PRAGMA user_version", &version, &first) < 0)
		return damage_or_error(st, first, ret_why, err);
	if (id != APPLICATION_ID || version < 1) {
		*ret_why = xstrdup("file is not a store database");
		return 1;
	}
	if (version > FORMAT)
		return err_set(err, E_STORE_NEWER,
			       "'%s' was made by a newer orch (format %" PRId64
			       ", this one knows up to %" PRId64
			       "): use that one, or another store (--store)",
			       st->path, version, FORMAT);
	if (version < FORMAT && migrate(st, version, &first) < 0)
		return damage_or_error(st, first, ret_why, err);
	return check_tables(st, ret_why, err);
}

/* Makes a complete database at PATH. */
static int create(const char *path, struct state **ret, struct err **err)
{
	struct state *st = NULL;

	if (state_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE,
			  &st, err) < 0)
		return -1;
	if (configure(st, err) < 0 || exec(st, "PRAGMA journal_mode = WAL", err) < 0 ||
	    exec(st, schema_sql, err) < 0 || migrate_from(st, 1, err) < 0) {
		state_close(st);
		return -1;
	}
	*ret = st;
	return 0;
}

void state_fold_log(struct state *st)
{
	int rc;

	sqlite.busy_handler(st->db, NULL, NULL); /* who still reads the log is not waited for */
	rc = sqlite.wal_checkpoint_v2(st->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite.busy_handler(st->db, wait_turn, st);
	if (rc != SQLITE_OK)
		trace(TRACE_STORE, "the log stays: %s", sqlite.errstr(rc));
}

/* Folds the log in, closes ST, and gives its file the name DEST, unless that is taken. */
static int install(struct state *st, const char *dest, struct err **err)
{
	char *path cleanup_free = xstrdup(st->path);
	int fd cleanup_fd = -1;
	int rc = exec(st, "PRAGMA wal_checkpoint(TRUNCATE)", err);

	state_close(st);
	if (rc < 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot open '%s'", path);
	if (fd_sync(fd, path, err) < 0)
		return -1;
	if (link(path, dest) < 0 && errno != EEXIST)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot create '%s'", dest);
	return file_sync_parent(dest, err);
}

typedef int fill_fn(struct state *st, void *arg, struct err **err);

/* Makes DIR/state.sqlite aside, with what FILL (may be NULL) puts into it. */
static int make(const char *dir, const char *tmp, fill_fn *fill, void *arg, struct err **err)
{
	char *dest cleanup_free = path_join(dir, "state.sqlite");
	char *directory cleanup_free = NULL, *path cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	struct state *st = NULL;
	int rc;

	if (tmp_dir(tmp, "state", &directory, err) < 0)
		return -1;
	path = path_join(directory, "state.sqlite");
	rc = create(path, &st, err);
	if (rc == 0 && fill && fill(st, arg, err) < 0) {
		state_close(st);
		rc = -1;
	} else if (rc == 0) {
		rc = install(st, dest, err);
	}
	if (path_remove(directory, &ignored) < 0)
		trace(TRACE_STORE, "%s", ignored->text);
	return rc;
}

int state_open(const char *dir, const char *tmp, struct state **ret, char **ret_why,
	       struct err **err)
{
	char *path cleanup_free = path_join(dir, "state.sqlite");
	char *log cleanup_free = path_join(dir, "state.sqlite-wal");
	struct state *st = NULL;
	struct stat sb;
	int rc;

	if (stat(path, &sb) < 0) {
		if (errno != ENOENT)
			return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read '%s'",
					 path);
		/* Its log must never meet another database. */
		if (path_exists(log)) {
			*ret_why = xstrdup("file is missing");
			return 1;
		}
		if (make(dir, tmp, NULL, NULL, err) < 0)
			return -1;
	} else if (!S_ISREG(sb.st_mode) || sb.st_size == 0) {
		*ret_why = xstrdup(S_ISREG(sb.st_mode) ? "file is empty" : "not a file");
		return 1;
	}
	if (state_connect(path, SQLITE_OPEN_READWRITE, &st, err) < 0)
		return -1;
	rc = check_format(st, ret_why, err);
	if (rc != 0) {
		state_close(st);
		return rc;
	}
	*ret = st;
	return 0;
}

/* --- rescue -------------------------------------------------------------------------------- */

struct rescue {
	const char *old; /* path of the damaged database */
	uint64_t kept;
};

static int keep_records(struct state *st, void *arg, struct err **err)
{
	struct err *broken cleanup_err = NULL;
	struct rescue *r = arg;
	struct state *old = NULL;
	int rc;

	if (state_connect(r->old, SQLITE_OPEN_READWRITE, &old, &broken) < 0) {
		trace(TRACE_STORE, "rescue: %s", broken->text);
		return 0;
	}
	/* Makes SQLite read a file that is shorter than its header says. */
	if (exec(old, "PRAGMA writable_schema = ON", &broken) < 0)
		trace(TRACE_STORE, "rescue: %s", broken->text);
	rc = state_begin(st, true, err);
	if (rc == 0)
		rc = state_copy_records(old, st, &r->kept, err);
	if (rc == 0)
		rc = state_copy_history(old, st, err);
	rc = state_end(st, rc, err);
	state_close(old);
	return rc;
}

static int move_away(const char *dir, const char *name, const char *away, struct err **err)
{
	char *from cleanup_free = path_join(dir, name), *to cleanup_free = path_join(away, name);

	if (rename(from, to) < 0 && errno != ENOENT)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot move '%s' to '%s'", from,
				 to);
	return 0;
}

int state_rescue(const char *dir, const char *tmp, const char *away, uint64_t *ret_kept,
		 struct err **err)
{
	char *old cleanup_free = path_join(away, "state.sqlite");
	struct rescue r = {.old = old};

	/*
	 * The log first: it must never meet another database. The index of the log is made again.
	 */
	if (path_mkdirs(away, err) < 0 || move_away(dir, "state.sqlite-shm", away, err) < 0 ||
	    move_away(dir, "state.sqlite-wal", away, err) < 0 ||
	    move_away(dir, "state.sqlite", away, err) < 0 ||
	    make(dir, tmp, keep_records, &r, err) < 0)
		return -1;
	*ret_kept = r.kept;
	return 0;
}

int state_verify(struct state *st, char **ret_why, struct err **err)
{
	sqlite3_stmt *q = NULL;
	int rc;

	if (sqlite.prepare_v2(st->db, "PRAGMA quick_check(1)", -1, &q, NULL) != SQLITE_OK)
		return state_failed(st, err);
	rc = state_step(st, q, err);
	if (rc == 0 && !str_eq(state_text(q, 0), "ok")) {
		*ret_why = xstrdup(state_text(q, 0));
		st->damaged = true;
		rc = 1;
	}
	sqlite.finalize(q);
	return rc;
}
