/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/trace.h"
#include "base/vec.h"
#include "store/cas.h"
#include "store/record_files.h"
#include "store/statcache.h"

/* SQLite takes paths of 511 bytes, and its files in tmp/ have the longest ones that it sees. */
#define STORE_PATH_MAX 400

static const char *const directories[] = {"cas", "logs", "downloads", "roots", "tmp"};

/* --- opening ------------------------------------------------------------------------------- */

/* Moves the damaged database aside; the lock is exclusive. */
static int rescue(struct store *s, const char *why, struct err **err)
{
	char *away cleanup_free = xasprintf("%s/quarantine/state-%lld-%ld", s->dir,
					    (long long)time(NULL), (long)getpid());
	uint64_t kept = 0;

	if (state_rescue(s->dir, s->tmp, away, &kept, err) < 0)
		return err_wrap(err, "cannot replace the damaged '%s/state.sqlite'", s->dir);
	s->rescued = true;
	if (s->project)
		s->project->id = 0;
	store_reload_project(s);
	free(s->warning);
	s->warning =
		xasprintf("the store's database was replaced (%s): %llu records were kept, the "
			  "damaged file is '%s'",
			  why, (unsigned long long)kept, away);
	trace(TRACE_STORE, "%s", s->warning);
	return 0;
}

/* What the database no longer knows and files do. */
static int bring_back(struct store *s, struct err **err)
{
	char *before cleanup_free = s->warning;
	uint64_t added = 0;

	if (record_files_import(s, &added, err) < 0)
		return -1;
	s->warning = NULL;
	if (before)
		s->warning = xasprintf("%s; %llu more were read from their files", before,
				       (unsigned long long)added);
	else if (added)
		s->warning = xasprintf("the store's database was missing: %llu records were read "
				       "from their files",
				       (unsigned long long)added);
	return 0;
}

static int alone_for_rescue(struct store *s, bool wait, struct err **err)
{
	int rc = store_alone(s, wait, err);

	if (rc > 0)
		return err_set(err, E_STORE_BUSY,
			       "the database of store '%s' is damaged and another orch uses it: "
			       "let that one end, then run again",
			       s->dir);
	return rc;
}

/* What state_open() found damaged; alone. */
static int open_damaged(struct store *s, struct err **err)
{
	char *why cleanup_free = NULL;
	int rc = state_open(s->dir, s->tmp, &s->state, &why, err);

	if (rc == 1 && rescue(s, why, err) == 0) {
		free(steal_ptr(why));
		rc = state_open(s->dir, s->tmp, &s->state, &why, err);
	}
	if (rc == 1 && !*err)
		err_set(err, E_STORE_INACCESSIBLE, "cannot use '%s/state.sqlite': %s", s->dir, why);
	return rc != 0 || (s->rescued && bring_back(s, err) < 0) ? -1 : 0;
}

/* Opens the database, replacing a damaged one. The lock is shared before and after. */
static int open_state(struct store *s, bool wait, struct err **err)
{
	char *why cleanup_free = NULL;
	int rc = state_open(s->dir, s->tmp, &s->state, &why, err);

	if (rc <= 0)
		return rc;
	if (alone_for_rescue(s, wait, err) < 0 || open_damaged(s, err) < 0)
		return -1;
	return store_together(s, err);
}

/* Replaces the database, and ends being alone. After -1 there may be none: store_ready(). */
static int heal_alone(struct store *s, const char *damage, struct err **err)
{
	struct err *ignored cleanup_err = NULL;
	char *why cleanup_free = NULL;
	int rc;

	state_close(steal_ptr(s->state));
	rc = rescue(s, damage, err);
	if (rc < 0) /* as it is, it may still do for reading */
		(void)!state_open(s->dir, s->tmp, &s->state, &why, &ignored);
	else
		rc = state_open(s->dir, s->tmp, &s->state, &why, err);
	if (rc > 0)
		rc = err_set(err, E_STORE_INACCESSIBLE, "cannot use '%s/state.sqlite': %s", s->dir,
			     why);
	if (rc == 0)
		rc = bring_back(s, err);
	return store_together(s, rc < 0 ? &ignored : err) < 0 ? -1 : rc;
}

bool store_heal(struct store *s, struct err **err)
{
	struct err *first = *err;
	bool done;

	if (!s->state || !state_damaged(s->state) || s->rescued)
		return false;
	*err = NULL;
	done = alone_for_rescue(s, false, err) == 0 && heal_alone(s, first->text, err) == 0;
	err_free(first);
	return done;
}

/* After a rescue that failed there is no database. */
int store_ready(const struct store *s, struct err **err)
{
	if (s->state)
		return 0;
	return err_set(err, E_STORE_INACCESSIBLE,
		       "the database of store '%s' could not be replaced", s->dir);
}

static bool others_write(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IWOTH);
}

static int make_directories(struct store *s, struct err **err)
{
	for (size_t i = 0; i < array_len(directories); i++) {
		char *path cleanup_free = path_join(s->dir, directories[i]);

		if (path_mkdirs(path, err) < 0)
			return -1;
		if (others_write(path))
			return err_set(err, E_STORE_UNSAFE,
				       "everybody can write to its '%s', and so to what you "
				       "build: chmod -R go-w",
				       directories[i]);
	}
	return cas_init(s->dir, err);
}

/*
 * Whether the directory holds something of its own: what a file system and people hide is nothing.
 */
static bool is_filled(const char *path)
{
	DIR *dir = opendir(path);
	bool filled = false;

	for (struct dirent *e; dir && !filled && (e = readdir(dir));)
		filled = e->d_name[0] != '.' && !str_eq(e->d_name, "lost+found");
	if (dir)
		closedir(dir);
	return filled;
}

/*
 * Never in a directory that is used for something else: gc removes what it finds in logs/ and the
 * like. The lock is the first file of a store, so look for it last: somebody else may be making
 * the store. One whose lock was removed is known by its database. Even who only reads takes locks
 * and notes what was used.
 */
static int make_dir(struct store *s, const char *lock, struct err **err)
{
	bool made = !path_exists(s->dir);

	if (strlen(s->dir) > STORE_PATH_MAX)
		return err_set(err, E_STORE_PLACE,
			       "its path has %zu bytes, and those of its database would be too "
			       "long: name one of at most %d with --store",
			       strlen(s->dir), STORE_PATH_MAX);
	if (path_mkdirs(s->dir, err) < 0)
		return -1;
	if (!path_exists(lock) && is_filled(s->dir) && !path_exists(lock) && !state_is_ours(s->dir))
		return err_set(err, E_STORE_PLACE,
			       "is neither empty nor a store: name a new directory; what an "
			       "'rm -rf' left of a store goes with 'chmod -R u+w' and another one");
	if (made) /* whatever the umask */
		(void)!chmod(s->dir, 0755);
	if (others_write(s->dir))
		return err_set(err, E_STORE_UNSAFE,
			       "everybody can write to it, and so to what you build: chmod go-w");
	if (access(s->dir, R_OK | W_OK | X_OK) < 0)
		return err_errno(err, E_WRITE_FAILED, errno,
				 "is it yours and writable? --store names another store");
	return 0;
}

static int open_all(struct store *s, bool wait, struct err **err)
{
	char *lock cleanup_free = path_join(s->dir, "lock"),
		   *roots cleanup_free = path_join(s->dir, "roots"),
		   *database cleanup_free = path_join(s->dir, "state.sqlite");
	bool lost;

	if (make_dir(s, lock, err) < 0 || lock_file(lock, LOCK_SHARED, wait, &s->lock, err) < 0 ||
	    make_directories(s, err) < 0 || tmp_sweep(s->tmp, err) < 0 || tmp_sweep(roots, err) < 0)
		return err_wrap(err, "store '%s'", s->dir);
	lost = !path_exists(database);
	if (open_state(s, wait, err) < 0 || (lost && !s->rescued && bring_back(s, err) < 0) ||
	    record_files_begin(s, err) < 0)
		return err_wrap(err, "store '%s'", s->dir);
	return 0;
}

int store_open(const char *dir, bool wait, struct store **ret, struct err **err)
{
	struct store *s;

	if (dir[0] != '/')
		return err_set(err, E_INTERNAL, "store '%s' is not an absolute path", dir);
	s = xcalloc(1, sizeof(*s));
	s->lock = s->alone = -1;
	s->dir = path_normal(dir);
	s->tmp = path_join(s->dir, "tmp");
	s->cache = statcache_new();
	s->arena = arena_new();
	if (open_all(s, wait, err) < 0) {
		store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

/* What may be lost is written when it is cheap; failing is not worth an error. */
void store_flush_cache(struct store *s)
{
	struct err *ignored cleanup_err = NULL;

	if (s->state && statcache_flush(s->cache, s->state, &ignored) < 0)
		trace(TRACE_STORE, "file-stat cache: %s", ignored->text);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_flush_cache(s);
	state_close(s->state);
	statcache_free(s->cache);
	map_clear(&s->durations);
	map_clear(&s->pasts);
	map_clear(&s->known);
	for (size_t i = 0; i < s->subdirs.count; i++)
		free(s->subdirs.entries[i].value);
	map_clear(&s->subdirs);
	arena_free(s->arena);
	if (s->lock >= 0)
		close(s->lock);
	if (s->alone >= 0)
		close(s->alone);
	free(s->warning);
	free(s->tmp);
	free(s->dir);
	free(s);
}

void store_hurry(struct store *s)
{
	if (s->state)
		state_hurry(s->state);
}

void store_on_wait(void (*fn)(void *arg, int ms), void *arg)
{
	state_on_wait(fn, arg);
}

const char *store_dir(const struct store *s)
{
	return s->dir;
}

const char *store_warning(const struct store *s)
{
	return s->warning;
}

const char *store_subdir(struct store *s, const char *name)
{
	struct err *ignored cleanup_err = NULL;
	char *path = map_get(&s->subdirs, name);

	if (path)
		return path;
	path = path_join(s->dir, name);
	map_set(&s->subdirs, arena_strdup(s->arena, name), path);
	if (path_mkdirs(path, &ignored) < 0)
		trace(TRACE_STORE, "%s", ignored->text);
	return path;
}

/* --- records ------------------------------------------------------------------------------- */

struct decoded {
	struct arena *arena;
	struct record *rec; /* NULL: the row is damaged */
};

static int decode(void *arg, const struct state_record *row, struct err **err)
{
	struct decoded *d = arg;

	if (record_decode(row, d->arena, &d->rec) != 0)
		d->rec = NULL;
	return 0;
}

/* A row that is damaged or was not found is written again from the record's file. 0, 1: no file. */
static int read_file(struct store *s, const struct digest *key, struct decoded *d)
{
	struct err *ignored cleanup_err = NULL;
	struct state_record row;

	if (record_file_read(s, key, d->arena, &row) != 0 ||
	    record_decode(&row, d->arena, &d->rec) != 0)
		return 1;
	if (state_record_put(s->state, &row, &ignored) < 0)
		trace(TRACE_STORE, "record: %s", ignored->text);
	return 0;
}

int store_record_get(struct store *s, const struct digest *key, struct arena *arena,
		     struct record **ret, struct err **err)
{
	struct decoded d = {.arena = arena};
	int rc = state_call(s, err, state_record_get(s->state, key, decode, &d, err));
	if (rc < 0)
		return -1;
	if (!d.rec && read_file(s, key, &d) != 0)
		return 1;
	*ret = d.rec;
	return 0;
}

int store_record_put(struct store *s, const struct record *rec, struct err **err)
{
	struct str outputs cleanup_str = STR_INIT;
	struct state_record row;

	record_encode(rec, &outputs, &row);
	record_file_write(s, &row);
	return state_call(s, err, state_record_put(s->state, &row, err));
}

int store_records_take(struct store *s, struct record *const *recs, size_t count, struct err **err)
{
	struct state_record *rows cleanup_free = xcalloc(count + 1, sizeof(*rows));
	struct str *outputs = xcalloc(count + 1, sizeof(*outputs));
	int rc;

	for (size_t i = 0; i < count; i++) {
		outputs[i] = (struct str)STR_INIT;
		record_encode(recs[i], &outputs[i], &rows[i]);
	}
	rc = state_call(s, err, state_records_put(s->state, rows, count, err));
	for (size_t i = 0; i < count; i++)
		str_release(&outputs[i]);
	free(outputs);
	return rc;
}

int store_record_peek(const char *dir, const struct digest *key, struct arena *arena,
		      struct record **ret)
{
	const struct store place = {.dir = (char *)dir};
	struct state_record row;

	return record_file_read(&place, key, arena, &row) || record_decode(&row, arena, ret);
}

int store_record_drop(struct store *s, const struct digest *key, struct err **err)
{
	return store_ready(s, err) < 0 ? -1 : records_drop(s, key, 1, true, err);
}

bool store_blob_is_here(const struct store *s, const struct artifact *a)
{
	char *path cleanup_free = cas_path(s->dir, a->type, &a->digest);

	return path_exists(path);
}

char *store_left_path(const char *store_dir, const struct digest *key)
{
	return cas_named_path(store_dir, "left", key, "");
}

bool store_is_left(const struct store *s, const struct digest *key)
{
	char *path cleanup_free = store_left_path(s->dir, key);

	return path_exists(path);
}

/* 0, or 1 and *RET_WHY, a sentence. */
static int check_output(struct store *s, const struct artifact *a, char **ret_why, struct err **err)
{
	struct blob_state state cleanup_blob_state = {0};
	char *name cleanup_free = NULL;
	size_t dropped;
	int rc;

	if (a->shared && !store_blob_is_here(s, a))
		return 0;
	rc = cas_check(s->dir, a, &state, err);
	if (rc <= 0)
		return rc;
	if (store_blob_damaged(s, a, &state.stamp, &dropped, err) < 0)
		return -1;
	name = artifact_digest_string(a);
	*ret_why = xasprintf("output '%s' (%s) in the store: %s", a->name, name, state.why);
	return 1;
}

int store_record_check(struct store *s, const struct record *rec, char **ret_why, struct err **err)
{
	char *first = NULL;

	for (size_t i = 0; i < rec->output_count; i++) {
		char *why cleanup_free = NULL;

		if (check_output(s, &rec->outputs[i], &why, err) < 0) {
			free(first);
			return -1;
		}
		if (!first)
			first = steal_ptr(why);
	}
	if (!first)
		return 0;
	*ret_why = first;
	return 1;
}

/* --- project files and logs ---------------------------------------------------------------- */

int store_stat_digest(struct store *s, int dirfd, const char *rel, const char *abs_key,
		      struct stat *ret_st, struct digest *ret, struct err **err)
{
	if (!s->cache_loaded) {
		if (store_ready(s, err) < 0 ||
		    (statcache_load(s->cache, s->state, err) < 0 && !store_heal(s, err)))
			return -1;
		s->cache_loaded = true; /* a database that was just replaced has no entries */
	}
	if (statcache_digest(s->cache, dirfd, rel, abs_key, ret_st, ret, err) < 0)
		return -1;
	if (statcache_is_full(s->cache))
		store_flush_cache(s);
	return 0;
}

int store_log_put(struct store *s, const char *path, struct digest *ret, struct err **err)
{
	return cas_put_named(s->dir, "logs", path, ret, err);
}

char *store_log_path(const struct store *s, const struct digest *d)
{
	return cas_named_path(s->dir, "logs", d, "");
}
