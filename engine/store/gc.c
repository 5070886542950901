/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing what is not used, see store_gc(). */
#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "store/cas.h"
#include "store/inventory.h"
#include "store/record_files.h"

/* What people may still want to look at: failed work folders, damaged files. */
#define LEFTOVER_DAYS 14
#define GONE_PROJECT_DAYS 90 /* a disk that is not plugged in is not gone */

struct download {
	char *path;
	int64_t used; /* day */
	uint64_t bytes;
};
DEFINE_VEC(downloads, struct download)

struct gc {
	struct store *s;
	const struct store_gc_opts *o;
	struct store_gc_result *result;
	struct inventory v;
	struct downloads downloads;
	uint64_t left; /* of the limit */
	int64_t today;
};

void store_used(struct store *s, const struct digest *keys, size_t count)
{
	struct err *ignored cleanup_err = NULL;

	if (s->state && count &&
	    state_used_put(s->state, keys, count, time(NULL) / INVENTORY_DAY, &ignored) < 0)
		trace(TRACE_STORE, "last use: %s", ignored->text);
}

static void say(const struct gc *g, const char *fmt, ...) printf_like(2, 3);
static void say(const struct gc *g, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (g->o->report)
		g->o->report(g->o->arg, text);
}

/* Alone in the store from here on. */
static int lock_alone(struct gc *g, struct err **err)
{
	if (flock(g->s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (!g->o->wait)
		return err_set(err, ERR_LOCKED, "another orch uses store '%s'", g->s->dir);
	say(g, "waiting until no other orch uses the store");
	while (flock(g->s->lock, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_errno(err, ERR_STORE, errno, "cannot lock store '%s'",
					 g->s->dir);
	}
	return 0;
}

static void remove_path(struct gc *g, const char *path, uint64_t *count)
{
	struct err *ignored cleanup_err = NULL;
	uint64_t bytes = 0, files = 0;

	inventory_measure(path, &bytes, &files);
	if (!g->o->dry_run && path_remove(path, &ignored) < 0) {
		trace(TRACE_STORE, "%s", ignored->text);
		return;
	}
	g->result->freed += bytes;
	++*count;
}

/* --- what to keep -------------------------------------------------------------------------- */

static bool is_digest(const char *name)
{
	struct digest d;

	return strlen(name) == DIGEST_HEX && digest_parse(name, &d) == 0;
}

static int find_download(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct gc *g = arg;
	time_t used = st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;

	if (S_ISREG(st->st_mode) && is_digest(path_base(name)))
		downloads_push(&g->downloads,
			       (struct download){path_join(g->s->dir, name), used / INVENTORY_DAY,
						 (uint64_t)st->st_blocks * 512});
	return 0;
}

static uint64_t bytes_of(const struct record *rec)
{
	uint64_t bytes = 1;

	for (size_t i = 0; i < rec->output_count; i++)
		bytes += rec->outputs[i].allocated;
	return bytes;
}

/* The best to keep first: used last; of one day, what takes longest to make for its size. */
static int better_first(const void *a, const void *b)
{
	const struct inventory_record *x = a, *y = b;
	double u = x->rec->seconds / (double)bytes_of(x->rec);
	double w = y->rec->seconds / (double)bytes_of(y->rec);

	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	if (u != w)
		return u < w ? 1 : -1;
	return memcmp(&x->rec->key, &y->rec->key, sizeof(x->rec->key));
}

static int newer_first(const void *a, const void *b)
{
	const struct download *x = a, *y = b;

	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	return strcmp(x->path, y->path);
}

static bool fits(struct gc *g, uint64_t bytes)
{
	if (!g->o->limit)
		return true;
	if (bytes > g->left)
		return false;
	g->left -= bytes;
	return true;
}

static void keep_record(struct gc *g, struct inventory_record *r)
{
	uint64_t bytes = inventory_cost(&g->v, g->s, r->rec);

	r->kept = fits(g, bytes);
	if (r->kept) {
		g->result->kept += bytes;
		inventory_add(&g->v, g->s, r->rec);
	}
}

/* Records and downloads by the day of their last use, newest first; a download goes first. */
static void choose(struct gc *g)
{
	struct inventory_records *r = &g->v.records;
	struct downloads *d = &g->downloads;
	size_t i = 0, k = 0;

	if (r->count)
		qsort(r->items, r->count, sizeof(*r->items), better_first);
	if (d->count)
		qsort(d->items, d->count, sizeof(*d->items), newer_first);
	g->left = g->o->limit;
	while (i < r->count || k < d->count) {
		if (k == d->count || (i < r->count && r->items[i].used >= d->items[k].used)) {
			keep_record(g, &r->items[i++]);
			continue;
		}
		if (fits(g, d->items[k].bytes)) {
			g->result->kept += d->items[k].bytes;
			free(steal_ptr(d->items[k].path));
		}
		k++;
	}
}

/* --- removing ------------------------------------------------------------------------------ */

/* First of all, so that no record names a blob that is gone, whenever we are killed. */
static int drop_records(struct gc *g, struct err **err)
{
	const struct inventory_records *r = &g->v.records;
	struct digest *keys cleanup_free =
		xcalloc(r->count + g->v.damaged_count + 1, sizeof(*keys));
	size_t count = 0;

	for (size_t i = 0; i < g->v.damaged_count; i++)
		keys[count++] = g->v.damaged[i];
	for (size_t i = 0; i < r->count; i++) {
		const struct record *rec = r->items[i].rec;
		char date[16];
		time_t used = (time_t)(r->items[i].used * INVENTORY_DAY);
		struct tm tm;

		if (r->items[i].kept)
			continue;
		keys[count++] = rec->key;
		if (gmtime_r(&used, &tm) && strftime(date, sizeof(date), "%Y-%m-%d", &tm))
			say(g, "result of '%s', last used on %s", rec->node, date);
	}
	g->result->records = count;
	if (!count || g->o->dry_run)
		return 0;
	return records_drop(g->s, keys, count, false, err);
}

static int sweep_blob(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct gc *g = arg;
	char *path cleanup_free = path_join(g->s->dir, name);

	if (!map_get(&g->v.names, name))
		remove_path(g, path, &g->result->blobs);
	return 0;
}

static int sweep_log(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct gc *g = arg;
	char *path cleanup_free = path_join(g->s->dir, name);

	if (!map_get(&g->v.names, name))
		remove_path(g, path, &g->result->others);
	return 0;
}

/* Of a record that is gone, or was never written. */
static int sweep_record(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct gc *g = arg;
	char *path cleanup_free = path_join(g->s->dir, name);

	if (*path_base(name) != '.' && !map_get(&g->v.names, name))
		remove_path(g, path, &g->result->others);
	return 0;
}

/* A root is named by its tree's digest, "<digest>.<boot>" and "<digest>.lock". */
static bool is_root_of_kept(struct gc *g, const char *entry)
{
	struct artifact a = {.type = OUTPUT_TREE};
	char *hex cleanup_free = xstrndup(entry, strcspn(entry, "."));

	return digest_parse(hex, &a.digest) == 0 &&
	       map_get(&g->v.names, inventory_name(&g->v, &a)) != NULL;
}

static bool is_recent(struct gc *g, const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && g->today - st.st_mtime / INVENTORY_DAY <= LEFTOVER_DAYS;
}

static void sweep_folder(struct gc *g, const char *folder, bool roots)
{
	char *path cleanup_free = path_join(g->s->dir, folder);
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char *sub cleanup_free = path_join(path, e->d_name);

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (roots ? !is_root_of_kept(g, e->d_name) : !is_recent(g, sub))
			remove_path(g, sub, &g->result->others);
	}
	if (dir)
		closedir(dir);
}

static int sweep(struct gc *g, struct err **err)
{
	for (size_t i = 0; i < g->downloads.count; i++) {
		if (g->downloads.items[i].path) {
			say(g, "download %s", path_base(g->downloads.items[i].path));
			remove_path(g, g->downloads.items[i].path, &g->result->downloads);
		}
	}
	if (inventory_files(g->s, "cas", sweep_blob, g, err) < 0 ||
	    inventory_files(g->s, "logs", sweep_log, g, err) < 0 ||
	    inventory_files(g->s, "records", sweep_record, g, err) < 0)
		return -1;
	sweep_folder(g, "roots", true);
	sweep_folder(g, "failed", false);
	sweep_folder(g, "quarantine", false);
	return 0;
}

int store_gc(struct store *s, const struct store_gc_opts *opts, struct store_gc_result *ret,
	     struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store_gc_result result = {0};
	struct gc g = {.s = s, .o = opts, .result = &result, .today = time(NULL) / INVENTORY_DAY};
	int rc = lock_alone(&g, err);

	if (rc == 0)
		rc = inventory_load(s, arena, &g.v, err);
	if (rc == 0)
		rc = inventory_files(s, "downloads", find_download, &g, err);
	if (rc == 0)
		rc = store_forget_projects(s, g.today - GONE_PROJECT_DAYS, opts->dry_run,
					   opts->report, opts->arg, &result.others, err);
	if (rc == 0) {
		choose(&g);
		rc = inventory_add_logs(&g.v, s, err);
	}
	if (rc == 0)
		rc = drop_records(&g, err);
	if (rc == 0)
		rc = sweep(&g, err);
	for (size_t i = 0; i < g.downloads.count; i++)
		free(g.downloads.items[i].path);
	downloads_clear(&g.downloads);
	inventory_clear(&g.v);
	if (rc == 0)
		*ret = result;
	return rc;
}
