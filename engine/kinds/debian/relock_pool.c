/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a lock pins goes into the pools: its packages, and of each the source package it was built
 * from, with the .dsc that names the files.
 */
#include <stdio.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/tmp.h"
#include "kinds/debian/mirrors.h"
#include "kinds/debian/relock_priv.h"
#include "kinds/pool_fill.h"

#define AT_ONCE 64 /* files that are downloaded before they get their names */

/* A file that belongs into pools. */
struct pooled {
	const struct lock_entry *entry;
	const char *source; /* the package it is of, by whose name people find it */
};
DEFINE_VEC(pooled_files, struct pooled)

/* One lock and one pool. */
struct pooling {
	struct relock *l;
	struct pools *pools; /* that may have a file already */
	const struct pooled_files *files;
	const char *shown; /* the pool, as its owner calls it */
	struct pool_fill f;
	size_t kept; /* files */
};

/* ---- what belongs into a pool ---- */

static void wish(struct apt_sources *all, const char *name, const char *version)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_eq(all->items[i].name, name) && str_eq(all->items[i].version, version))
			return;
	apt_sources_push(all, (struct apt_source_wish){.name = name, .version = version});
}

static void wish_all(const struct relock *l, struct apt_sources *ret)
{
	for (size_t i = 0; i < l->now.entries.count; i++) {
		const struct lock_entry *e = &l->now.entries.items[i];

		if (e->type == LOCK_SOURCE)
			wish(ret, e->name, e->version);
		else if (e->source)
			wish(ret, e->source, e->source_version);
	}
}

static void push_file(struct pooled_files *all, struct map *seen, struct arena *arena,
		      const struct lock_entry *e)
{
	char hex[DIGEST_HEX + 1];
	const char *key = arena_strdup(arena, digest_hex(&e->sha256, hex));

	if (!map_set(seen, key, (void *)e))
		pooled_files_push(all, (struct pooled){e, e->source ? e->source : e->name});
}

/* SOURCES are those of the archives; what a lock has of them without its .dsc comes last. */
static void gather(const struct relock *l, const struct lock_entries *sources,
		   struct pooled_files *ret)
{
	struct map seen cleanup_map = {0};

	for (size_t i = 0; i < l->now.entries.count; i++)
		if (l->now.entries.items[i].type != LOCK_SOURCE)
			push_file(ret, &seen, l->arena, &l->now.entries.items[i]);
	for (size_t i = 0; i < sources->count; i++)
		push_file(ret, &seen, l->arena, &sources->items[i]);
	for (size_t i = 0; i < l->now.entries.count; i++)
		push_file(ret, &seen, l->arena, &l->now.entries.items[i]);
}

/* ---- one pool ---- */

/* Another pool has it, or a build has downloaded it: 0; 1: neither. */
static int take_near(struct pooling *p, const struct lock_entry *e, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *cached cleanup_free = path_join(p->l->opts->downloads, digest_hex(&e->sha256, hex));
	const char *part = pool_fill_part(&p->f, &e->sha256), *damaged;
	bool there;
	int rc = pool_copy(cached, &e->sha256, e->size, part, &there, err);

	if (rc == 1)
		rc = pools_copy(p->l->arena, p->pools, &e->sha256, e->size, part, &damaged, err);
	if (rc == 0)
		rc = pool_fill_keep(&p->f, &e->sha256, err);
	p->kept += rc == 0;
	return rc;
}

/* Pushes those that have to come from an archive. */
static int look_near(struct pooling *p, struct pooled_files *ret_far, struct err **err)
{
	for (size_t i = 0; i < p->files->count; i++) {
		const struct lock_entry *e = p->files->items[i].entry;
		enum pool_state state = pool_fill_look(&p->f, &e->sha256, e->size);
		int rc;

		if (state == POOL_WHOLE)
			continue;
		if (state == POOL_DAMAGED)
			relock_say(p->l, "'%s' of pool '%s' is damaged, and is replaced",
				   pool_path(p->l->arena, &e->sha256), p->shown);
		rc = take_near(p, e, err);
		if (rc < 0)
			return -1;
		if (rc == 1)
			pooled_files_push(ret_far, p->files->items[i]);
	}
	return 0;
}

static int describe(struct pooling *p, const struct pooled *file, struct http_item *ret,
		    struct err **err)
{
	const struct lock_entry *e = file->entry;
	struct relock *l = p->l;
	const struct archive *a = relock_archive(&l->apt, e->archive);
	struct lock_archive place;

	if (!a)
		return err_set(err, E_UNKNOWN_ARCHIVE, "archive '%s' is not among the node's",
			       e->archive);
	place = debian_archive_of(a);
	*ret = (struct http_item){.dest = pool_fill_part(&p->f, &e->sha256),
				  .size = e->size,
				  .sha256 = &e->sha256,
				  .name = arena_printf(l->arena, "'%s'", path_base(e->path))};
	return mirrors_sources(l->apt.mirrors, &place, e, l->apt.dir, ret, err);
}

static int keep_all(struct pooling *p, const struct http_item *items, size_t count,
		    struct err **err)
{
	for (size_t i = 0; i < count; i++) {
		if (!path_exists(items[i].dest))
			continue;
		if (pool_fill_keep(&p->f, items[i].sha256, err) < 0)
			return -1;
		p->kept++;
	}
	return 0;
}

/*
 * Takes the items that were loaded, or are gone for good, off FILES. Archives lose files of sources
 * now and then: one that is gone is told, and keeps no lock from being made.
 */
static int settle(struct pooling *p, struct pooled *files, const struct http_item *items,
		  size_t *count, struct err **failed)
{
	struct err *err = NULL;
	size_t left = 0;
	bool passed = false;

	if (keep_all(p, items, *count, &err) < 0) {
		err_free(*failed);
		*failed = err;
		return -1;
	}
	for (size_t i = 0; i < *count; i++) {
		const struct lock_entry *e = files[i].entry;

		if (pool_fill_look(&p->f, &e->sha256, e->size) == POOL_WHOLE)
			continue;
		if (items[i].gone && e->type == LOCK_SOURCE) {
			relock_say(p->l,
				   "archive '%s' has lost '%s' of source '%s' %s: pool '%s' "
				   "lacks it",
				   e->archive, path_base(e->path), e->name, e->version, p->shown);
			passed = true;
			continue;
		}
		files[left++] = files[i];
	}
	*count = left;
	if (*failed && !passed)
		return -1;
	err_free(steal_ptr(*failed));
	return 0;
}

static int download_some(struct pooling *p, struct pooled *files, size_t count, struct err **err)
{
	struct http_opts opts = {.parallel = 6};

	user_config_limit(&p->l->apt.mirrors->config, &opts);
	while (count) {
		struct http_item *items = arena_alloc(p->l->arena, count * sizeof(*items));
		struct err *failed = NULL;

		for (size_t i = 0; i < count; i++)
			if (describe(p, &files[i], &items[i], err) < 0)
				return -1;
		if (http_fetch(items, count, &opts, &failed) < 0 && !failed)
			return -1;
		if (settle(p, files, items, &count, &failed) < 0) {
			*err = failed;
			return -1;
		}
	}
	return 0;
}

static int download(struct pooling *p, struct pooled_files *far, struct err **err)
{
	char *size cleanup_free = NULL;
	uint64_t bytes = 0;

	for (size_t i = 0; i < far->count; i++)
		bytes += far->items[i].entry->size;
	if (!far->count)
		return 0;
	if (p->l->opts->offline)
		return err_set(
			err, E_NOT_CACHED,
			"%zu files for the pool '%s' ('%s' is the first) are not cached, and "
			"--offline is set",
			far->count, p->shown, path_base(far->items[0].entry->path));
	size = str_bytes(bytes);
	relock_say(p->l, "fetching %zu file%s, %s, for the pool '%s'", far->count,
		   far->count == 1 ? "" : "s", size, p->shown);
	for (size_t i = 0; i < far->count; i += AT_ONCE) {
		size_t n = far->count - i < AT_ONCE ? far->count - i : AT_ONCE;

		if (download_some(p, far->items + i, n, err) < 0)
			return -1;
	}
	return 0;
}

static int name_all(struct pooling *p, struct err **err)
{
	for (size_t i = 0; i < p->files->count; i++) {
		const struct pooled *file = &p->files->items[i];

		if (path_exists(arena_printf(p->l->arena, "%s/%s", p->f.dir,
					     pool_path(p->l->arena, &file->entry->sha256))) &&
		    pool_fill_name(&p->f, file->source, file->entry->path, &file->entry->sha256,
				   err) < 0)
			return -1;
	}
	return 0;
}

/* Source packages that no archive has any more, or ever had, unless the pool got them in time. */
static void tell_lost(const struct pooling *p, const struct apt_sources *wanted)
{
	const struct apt_source_wish *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct apt_source_wish *w = &wanted->items[i];

		if (w->found || pool_fill_named(&p->f, w->name,
						debian_dsc_name(p->l->arena, w->name, w->version)))
			continue;
		first = first ? first : w;
		count++;
	}
	if (count == 1)
		relock_say(p->l, "no archive has source '%s' %s: pool '%s' lacks it", first->name,
			   first->version, p->shown);
	else if (count)
		relock_say(
			p->l,
			"no archive has %zu sources ('%s' %s is the first): pool '%s' lacks them",
			count, first->name, first->version, p->shown);
}

static int fill(struct pooling *p, const struct apt_sources *wanted, struct err **err)
{
	struct pooled_files far = {0};
	struct err *also cleanup_err = NULL;
	int rc = look_near(p, &far, err);

	if (rc == 0)
		rc = download(p, &far, err);
	pooled_files_clear(&far);
	/* What came before something failed is kept, too. */
	if (name_all(p, rc == 0 ? err : &also) < 0 || rc < 0)
		return -1;
	if (pool_fill_sync(&p->f, err) < 0)
		return -1;
	tell_lost(p, wanted);
	if (p->kept)
		relock_say(p->l, "the pool '%s' has %zu new file%s", p->shown, p->kept,
			   p->kept == 1 ? "" : "s");
	return 0;
}

/* Those of FILES whose archive has the directory DIR as a pool that is filled. */
static void choose(struct relock *l, const struct pooled_files *files, const char *own,
		   const char *dir, struct pooled_files *ret)
{
	for (size_t i = 0; i < files->count; i++) {
		struct pools pools;

		pools_find(l->arena, &l->apt.mirrors->config, own, files->items[i].entry->archive,
			   &pools);
		for (size_t k = 0; k < pools.filled_count; k++)
			if (str_eq(pools.filled[k], dir))
				pooled_files_push(ret, files->items[i]);
	}
}

static int fill_dir(struct relock *l, struct pools *all, const char *dir,
		    const struct pooled_files *files, const struct apt_sources *wanted,
		    struct err **err)
{
	const char *own = project_pool_dir(l->arena, l->project);
	bool is_own = own && str_eq(own, dir);
	struct pooled_files chosen = {0};
	struct pooling p = {.l = l, .pools = all, .files = &chosen, .f = POOL_FILL_INIT};
	int rc = 0;

	p.shown = is_own ? l->project->pool : dir;
	choose(l, files, own, dir, &chosen);
	if (chosen.count)
		rc = is_own ? pool_fill_open(l->arena, l->project->dir, l->project->pool, &p.f, err)
			    : pool_fill_open(l->arena, dir, NULL, &p.f, err);
	if (rc == 0 && chosen.count)
		rc = fill(&p, wanted, err);
	pool_fill_close(&p.f);
	pooled_files_clear(&chosen);
	return rc;
}

int relock_fill_pools(struct relock *l, struct err **err)
{
	struct apt_sources wanted = {0};
	struct lock_entries sources = {0};
	struct pooled_files files = {0};
	struct pools all;
	int rc = 0;

	pools_find(l->arena, &l->apt.mirrors->config, project_pool_dir(l->arena, l->project), NULL,
		   &all);
	if (!all.filled_count || !l->now.entries.count)
		return 0;
	relock_say(l, "looking into %zu pool%s", all.filled_count,
		   all.filled_count == 1 ? "" : "s");
	wish_all(l, &wanted);
	rc = apt_sources(&l->apt, &wanted, &sources, err);
	if (rc == 0)
		gather(l, &sources, &files);
	for (size_t i = 0; rc == 0 && i < all.filled_count; i++)
		rc = fill_dir(l, &all, all.filled[i], &files, &wanted, err);
	apt_sources_clear(&wanted);
	lock_entries_clear(&sources);
	pooled_files_clear(&files);
	return rc;
}
