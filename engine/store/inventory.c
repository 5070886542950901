/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/inventory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "store/cas.h"
#include "store/record.h"

struct loading {
	struct inventory *v;
	struct map days; /* key, hex -> day */
};

static int load_record(void *arg, const struct state_record *row, struct err **err)
{
	struct inventory *v = arg;
	struct inventory_record *r;
	struct record *rec;

	if (record_decode(row, v->arena, &rec) != 0) {
		v->damaged = xreallocarray(v->damaged, v->damaged_count + 1, sizeof(*v->damaged));
		v->damaged[v->damaged_count++] = row->key;
		return 0;
	}
	r = inventory_records_at_end(&v->records);
	r->rec = rec;
	r->used = rec->built_at / INVENTORY_DAY;
	return 0;
}

static void note_day(void *arg, const struct digest *key, int64_t day)
{
	struct loading *l = arg;
	char hex[DIGEST_HEX + 1];
	int64_t *value = arena_alloc(l->v->arena, sizeof(*value));

	*value = day;
	map_set(&l->days, arena_strdup(l->v->arena, digest_hex(key, hex)), value);
}

int inventory_load(struct store *s, struct arena *arena, struct inventory *ret, struct err **err)
{
	struct loading l = {.v = ret};
	char hex[DIGEST_HEX + 1];
	int rc;

	*ret = (struct inventory){.arena = arena};
	rc = store_ready(s, err) < 0 || state_record_each(s->state, load_record, ret, err) < 0 ||
			     state_used_each(s->state, note_day, &l, err) < 0
		     ? -1
		     : 0;
	for (size_t i = 0; i < ret->records.count; i++) {
		struct inventory_record *r = &ret->records.items[i];
		const int64_t *day = map_get(&l.days, digest_hex(&r->rec->key, hex));

		if (day && *day > r->used)
			r->used = *day;
	}
	map_clear(&l.days);
	return rc;
}

void inventory_clear(struct inventory *v)
{
	inventory_records_clear(&v->records);
	map_clear(&v->names);
	free(v->damaged);
}

static const char *relative(struct inventory *v, const char *dir, const char *path)
{
	return arena_strdup(v->arena, path + strlen(dir) + 1);
}

const char *inventory_name(struct inventory *v, const struct artifact *a)
{
	char *path cleanup_free = cas_path("", a->type, &a->digest);

	return relative(v, "", path);
}

static uint64_t on_disk(const struct store *s, const char *name)
{
	char *path cleanup_free = path_join(s->dir, name);
	struct stat st;

	return lstat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

static uint64_t sum(struct inventory *v, const struct store *s, const struct record *rec, bool add)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < rec->output_count; i++) {
		const char *name = inventory_name(v, &rec->outputs[i]);

		if (map_get(&v->names, name))
			continue;
		bytes += on_disk(s, name);
		if (add)
			map_set(&v->names, name, v);
	}
	return bytes;
}

uint64_t inventory_named(const struct inventory *v, const struct store *s)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < v->names.count; i++)
		bytes += on_disk(s, v->names.entries[i].key);
	return bytes;
}

static void add_log(struct inventory *v, const struct store *s, const struct digest *log)
{
	char *path cleanup_free = store_log_path(s, log);

	map_set(&v->names, relative(v, s->dir, path), v);
}

static void add_record_file(struct inventory *v, const struct store *s, const struct record *rec)
{
	char *path cleanup_free = cas_named_path(s->dir, "records", &rec->key, "");
	char *left cleanup_free = store_left_path(s->dir, &rec->key);

	map_set(&v->names, relative(v, s->dir, path), v);
	map_set(&v->names, relative(v, s->dir, left), v);
}

uint64_t inventory_add(struct inventory *v, const struct store *s, const struct record *rec)
{
	add_record_file(v, s, rec);
	add_log(v, s, &rec->log);
	return sum(v, s, rec, true);
}

uint64_t inventory_cost(struct inventory *v, const struct store *s, const struct record *rec)
{
	return sum(v, s, rec, false);
}

uint64_t inventory_overhead(struct inventory *v, const struct store *s, const struct record *rec)
{
	char *file cleanup_free = cas_named_path(s->dir, "records", &rec->key, "");
	char *log cleanup_free = store_log_path(s, &rec->log);
	char *left cleanup_free = store_left_path(s->dir, &rec->key);
	uint64_t bytes =
		on_disk(s, relative(v, s->dir, file)) + on_disk(s, relative(v, s->dir, left));

	if (!map_get(&v->names, relative(v, s->dir, log)))
		bytes += on_disk(s, relative(v, s->dir, log));
	return bytes;
}

int inventory_add_logs(struct inventory *v, struct store *s, struct err **err)
{
	struct run_info *runs;
	struct run_node *nodes;
	size_t run_count, count;

	if (store_runs(s, v->arena, true, 0, &runs, &run_count, err) < 0)
		return -1;
	for (size_t i = 0; i < run_count; i++) {
		if (store_run_nodes(s, runs[i].id, v->arena, &nodes, &count, err) < 0)
			return -1;
		for (size_t k = 0; k < count; k++)
			add_log(v, s, &nodes[k].log);
	}
	return 0;
}

/* Calls FN for the files of one directory, or for its directories when FN is NULL. */
static int walk(const struct store *s, const char *directory, bool deeper, inventory_file_fn *fn,
		void *arg, struct err **err)
{
	char *path cleanup_free = path_join(s->dir, directory);
	DIR *dir = opendir(path);
	int rc = 0;

	if (!dir)
		return errno == ENOENT ? 0
				       : err_errno(err, E_STORE_INACCESSIBLE, errno,
						   "cannot read directory '%s'", path);
	for (struct dirent *e; rc == 0 && (e = readdir(dir));) {
		char *name cleanup_free = path_join(directory, e->d_name), *at cleanup_free = NULL;
		struct stat st;

		at = path_join(s->dir, name);
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, "..") || lstat(at, &st) < 0)
			continue;
		if (deeper && S_ISDIR(st.st_mode))
			rc = walk(s, name, false, fn, arg, err);
		else if (!S_ISDIR(st.st_mode))
			rc = fn(arg, name, &st, err);
	}
	closedir(dir);
	return rc;
}

int inventory_files(const struct store *s, const char *directory, inventory_file_fn *fn, void *arg,
		    struct err **err)
{
	return walk(s, directory, true, fn, arg, err);
}

uint64_t inventory_directories(const struct store *s, const char *directory)
{
	char *path cleanup_free = path_join(s->dir, directory);
	DIR *dir = opendir(path);
	uint64_t bytes = on_disk(s, directory);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char *sub cleanup_free = path_join(directory, e->d_name);

		if (e->d_name[0] != '.' && e->d_type == DT_DIR)
			bytes += on_disk(s, sub);
	}
	if (dir)
		closedir(dir);
	return bytes;
}

/* --- measuring ----------------------------------------------------------------------------- */

struct measuring {
	uint64_t *bytes, *files;
	struct map linked; /* files with several names that have been counted */
	struct strv names;
};

static bool is_counted(struct measuring *m, const struct stat *st)
{
	char name[48];

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return false;
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	if (map_get(&m->linked, name))
		return true;
	strv_push(&m->names, name);
	map_set(&m->linked, m->names.items[m->names.count - 1], m);
	return false;
}

static int measure_entry(void *arg, int dirfd, const char *name, bool is_dir, struct err **err)
{
	struct measuring *m = arg;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !is_counted(m, &st)) {
		*m->bytes += (uint64_t)st.st_blocks * 512;
		*m->files += !S_ISDIR(st.st_mode);
	}
	return 0;
}

void inventory_measure(const char *path, enum walk_how how, uint64_t *bytes, uint64_t *files)
{
	struct err *ignored cleanup_err = NULL;
	struct measuring m = {.bytes = bytes, .files = files};
	struct walk w = {how, measure_entry, NULL, &m};
	struct stat st;

	if (measure_entry(&m, AT_FDCWD, path, false, &ignored) == 0 && lstat(path, &st) == 0 &&
	    S_ISDIR(st.st_mode) && walk_below(path, &w, &ignored) < 0)
		trace(TRACE_STORE, "%s", ignored->text);
	map_clear(&m.linked);
	strv_clear(&m.names);
}

enum walk_how inventory_how(const char *directory)
{
	return str_eq(directory, "failed") ? WALK_OPEN : WALK_AS_IT_IS;
}
