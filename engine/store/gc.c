/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removing what is not used, see store_gc(). */
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "store/cas.h"
#include "store/gc_items.h"
#include "store/record_files.h"

#define GONE_PROJECT_DAYS 90 /* a disk that is not plugged in is not gone */

struct gc {
	struct store *s;
	const struct store_gc_opts *o;
	struct store_gc_result *result;
	struct inventory v;
	struct gc_items items;
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
static int enter(struct gc *g, struct err **err)
{
	struct store *s = g->s;
	bool last = g->o->wait == STORE_GC_LAST;
	int rc = last ? store_alone_last(s, err) : store_alone(s, false, err);

	if (rc > 0 && g->o->wait == STORE_GC_WAIT) {
		say(g, "waiting until no other orch uses the store");
		rc = store_alone(s, true, err);
	}
	if (rc > 0)
		return err_set(err, E_STORE_BUSY, "another orch uses store '%s'", s->dir);
	return rc;
}

/* Whether it is gone. */
static bool remove_path(struct gc *g, const char *path, uint64_t *count)
{
	struct err *ignored cleanup_err = NULL;
	uint64_t bytes = 0, files = 0;

	inventory_measure(path, WALK_OPEN, &bytes, &files);
	if (!g->o->dry_run && path_remove(path, &ignored) < 0) {
		trace(TRACE_STORE, "%s", ignored->text);
		return false;
	}
	g->result->freed += bytes;
	++*count;
	return true;
}

static void say_item(const struct gc *g, const struct gc_item *item)
{
	time_t used = (time_t)(item->used * INVENTORY_DAY);
	char date[16] = "?";
	struct tm tm;

	if (gmtime_r(&used, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	if (item->kind == GC_RECORD)
		say(g, "result of '%s', last used on %s", item->rec->rec->node, date);
	else
		say(g, "%s, last used on %s", item->what, date);
}

/* First of all, so that no record names a blob that is gone, whenever we are killed. */
static int drop_records(struct gc *g, struct err **err)
{
	struct digest *keys cleanup_free =
		xcalloc(g->items.count + g->v.damaged_count + 1, sizeof(*keys));
	size_t count = 0;

	for (size_t i = 0; i < g->v.damaged_count; i++)
		keys[count++] = g->v.damaged[i];
	for (size_t i = 0; i < g->items.count; i++) {
		const struct gc_item *item = &g->items.items[i];

		if (item->kept || item->kind != GC_RECORD)
			continue;
		keys[count++] = item->rec->rec->key;
		say_item(g, item);
	}
	g->result->records = count;
	if (!count || g->o->dry_run)
		return 0;
	return records_drop(g->s, keys, count, false, err);
}

static void remove_item(struct gc *g, const struct gc_item *item)
{
	if (item->kept || item->kind == GC_RECORD)
		return;
	if (remove_path(g, item->path,
			item->kind == GC_DOWNLOAD ? &g->result->downloads : &g->result->others) &&
	    !gc_is_note(item))
		say_item(g, item);
}

static int sweep_blob(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct gc *g = arg;
	char *path cleanup_free = path_join(g->s->dir, name);

	if (!map_get(&g->v.names, name))
		remove_path(g, path, &g->result->blobs);
	return 0;
}

/* A log that neither a record nor history names, a file of a record that is gone. */
static int sweep_other(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct gc *g = arg;
	char *path cleanup_free = path_join(g->s->dir, name);

	if (*path_base(name) != '.' && !map_get(&g->v.names, name))
		remove_path(g, path, &g->result->others);
	return 0;
}

static int sweep(struct gc *g, struct err **err)
{
	for (size_t i = 0; i < g->items.count; i++)
		remove_item(g, &g->items.items[i]);
	if (inventory_files(g->s, "cas", sweep_blob, g, err) < 0 ||
	    inventory_files(g->s, "logs", sweep_other, g, err) < 0 ||
	    inventory_files(g->s, "records", sweep_other, g, err) < 0 ||
	    inventory_files(g->s, "left", sweep_other, g, err) < 0)
		return -1;
	return 0;
}

static int collect(struct gc *g, struct err **err)
{
	if (inventory_load(g->s, g->v.arena, &g->v, err) < 0 ||
	    store_forget_projects(g->s, g->today - GONE_PROJECT_DAYS, g->o->dry_run, g->o->report,
				  g->o->arg, &g->result->others, err) < 0 ||
	    gc_collect(g->s, &g->v, &g->items, err) < 0)
		return -1;
	gc_protect(&g->v, &g->items, &g->o->needs);
	g->result->fixed = gc_fixed(g->s, &g->v);
	g->result->kept = gc_choose(g->s, &g->v, &g->items, g->o->limit);
	if (drop_records(g, err) < 0)
		return -1;
	return sweep(g, err);
}

int store_gc(struct store *s, const struct store_gc_opts *opts, struct store_gc_result *ret,
	     struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct store_gc_result result = {0};
	struct gc g = {.s = s, .o = opts, .result = &result, .today = time(NULL) / INVENTORY_DAY};
	struct err *lost cleanup_err = NULL;
	int rc = enter(&g, err);

	g.v.arena = arena;
	if (rc < 0)
		return -1;
	rc = collect(&g, err);
	gc_items_clear(&g.items);
	inventory_clear(&g.v);
	if (store_together(s, rc < 0 ? &lost : err) < 0)
		rc = -1;
	if (rc == 0)
		*ret = result;
	return rc;
}
