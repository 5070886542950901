/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the entries of a lock to files on this machine. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/url.h"
#include "kinds/debian/mirrors.h"
#include "kinds/package_pool.h"
#include "kinds/shared_downloads.h"
#include "media/deb/deb.h"
#include "run/action.h"

const char *debian_file(const struct action *a, const struct lock_entry *e)
{
	char hex[DIGEST_HEX + 1];

	return arena_printf(a->arena, "%s/%s", a->cache_dir, digest_hex(&e->sha256, hex));
}

static bool is_whole(const char *path, const struct lock_entry *e)
{
	struct err *ignored cleanup_err = NULL;
	struct digest d;
	struct stat st;

	return stat(path, &st) == 0 && (uint64_t)st.st_size == e->size &&
	       digest_file(path, &d, &ignored) == 0 && digest_eq(&d, &e->sha256);
}

static const struct lock_archive *find_archive(const struct debian_lock *l, const char *alias)
{
	for (size_t i = 0; i < l->archives.count; i++)
		if (str_eq(l->archives.items[i].alias, alias))
			return &l->archives.items[i];
	return NULL;
}

static int sources_of(struct action *a, const struct debian_lock *l, struct mirrors *m,
		      const struct lock_entry *e, struct http_item *ret, struct err **err)
{
	const struct lock_archive *archive = find_archive(l, e->archive);

	if (!archive)
		return err_set(
			err, E_LOCK_STALE,
			"the lock has no line for archive '%s': make it again with 'orch lock'",
			e->archive);
	return mirrors_sources(m, archive, e, a->workdir, ret, err);
}

static void on_passed_over(void *arg, const char *name, const char *why)
{
	action_log(arg, "%s: %s; trying the next mirror", name, why);
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	action_downloaded(arg, done, total, "fetching packages");
}

/* What a lock pins and the cache lacks; those that are still wanted are ITEMS. */
struct missing {
	struct action *a;
	const char *node;
	const struct debian_lock *lock;
	const struct lock_entry **items;
	size_t count;
	struct user_config config;
	struct map damaged; /* file of an entry in the cache -> a pool's file with other bytes */
};

static bool have_pools(const struct missing *m)
{
	return m->a->pool_dir || m->config.pools.count;
}

/* A pin the archive no longer has is the usual failure, and has a remedy of its own. */
static int explain_gone(const struct missing *m, const struct lock_entry *e, struct err **err)
{
	const char *damaged = map_get(&m->damaged, debian_file(m->a, e));

	err_free(steal_ptr(*err));
	if (damaged)
		return err_set(
			err, E_FETCH_REFUSED,
			"package '%s' %s (%s) is pinned by recipes/%s.lock, archive '%s' has "
			"dropped it, and '%s' of the pool has other bytes: put a good copy of "
			"the pool in its place, or run 'orch lock %s' to move what is gone",
			e->name, e->version, e->arch, m->node, e->archive, damaged, m->node);
	return err_set(err, E_PIN_GONE,
		       "package '%s' %s (%s) is pinned by recipes/%s.lock but archive '%s' has "
		       "dropped it%s: run 'orch lock %s' to move what is gone, or 'orch lock %s "
		       "--update' to take all that is current%s",
		       e->name, e->version, e->arch, m->node, e->archive,
		       have_pools(m) ? ", and no pool has it" : "", m->node, m->node,
		       have_pools(m) ? ""
				     : "; 'pool: DIR' in recipes/project.yaml keeps what is locked "
				       "from then on");
}

static int explain(const struct missing *m, const struct http_item *items, struct err **err)
{
	for (size_t i = 0; i < m->count; i++)
		if (items[i].gone)
			return explain_gone(m, m->items[i], err);
	return -1;
}

static int fetch_missing(struct missing *m, struct err **err)
{
	struct action *a = m->a;
	size_t count = m->count;
	struct http_item *items = arena_alloc(a->arena, count * sizeof(*items));
	struct http_opts opts = {
		.parallel = 6, .progress = on_progress, .passed_over = on_passed_over, .arg = a};
	struct mirrors mirrors;
	uint64_t bytes = 0;
	char *size cleanup_free = NULL;
	int rc = mirrors_open(a->arena, &mirrors, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct lock_entry *e = m->items[i];

		items[i] = (struct http_item){
			.dest = debian_file(a, e),
			.size = e->size,
			.sha256 = &e->sha256,
			.name = arena_printf(a->arena, "package '%s' %s", e->name, e->version)};
		rc = sources_of(a, m->lock, &mirrors, e, &items[i], err);
		bytes += e->size;
	}
	if (rc < 0)
		return -1;
	size = str_bytes(bytes);
	action_log(a, "fetching %zu packages, %s", count, size);
	user_config_limit(&mirrors.config, &opts);
	if (http_fetch(items, count, &opts, err) < 0)
		return explain(m, items, err);
	return 0;
}

/* ---- what is nearer than an archive ---- */

static int take_pooled(struct missing *m, struct err **err)
{
	struct action *a = m->a;
	size_t left = 0, all = m->count;

	for (size_t i = 0; i < all; i++) {
		const struct lock_entry *e = m->items[i];
		const char *damaged, *dest = debian_file(a, e);
		struct pools pools;
		int rc;

		pools_find(a->arena, &m->config, a->pool_dir, e->archive, &pools);
		rc = pools_copy(a->arena, &pools, &e->sha256, e->size, dest, &damaged, err);
		if (rc < 0)
			return -1;
		if (damaged) {
			action_warning(
				a,
				"'%s' of the pool is not package '%s' %s: it has other bytes "
				"than the lock says and is not used; 'orch lock' replaces it",
				damaged, e->name, e->version);
			map_set(&m->damaged, dest, (void *)damaged);
		}
		if (rc == 1)
			m->items[left++] = e;
	}
	m->count = left;
	if (left < all)
		action_log(a, "%zu of %zu packages came from a pool", all - left, all);
	return 0;
}

static void take_shared(struct missing *m)
{
	struct action *a = m->a;
	struct digest *all = arena_alloc(a->arena, (m->count + 1) * sizeof(*all));
	size_t left = 0;

	for (size_t i = 0; i < m->count; i++)
		all[i] = m->items[i]->sha256;
	shared_downloads_get(a, all, m->count);
	for (size_t i = 0; i < m->count; i++)
		if (!is_whole(debian_file(a, m->items[i]), m->items[i]))
			m->items[left++] = m->items[i];
	m->count = left;
}

static void find_missing(struct missing *m)
{
	const struct lock_entries *all = &m->lock->entries;
	struct map seen cleanup_map = {0};

	m->items = arena_alloc(m->a->arena, (all->count + 1) * sizeof(*m->items));
	for (size_t i = 0; i < all->count; i++) {
		const struct lock_entry *e = &all->items[i];

		if (!map_set(&seen, debian_file(m->a, e), (void *)e) &&
		    !is_whole(debian_file(m->a, e), e))
			m->items[m->count++] = e;
	}
}

static int bring(struct missing *m, struct err **err)
{
	find_missing(m);
	if (!m->count)
		return 0;
	if (user_config_read(m->a->arena, &m->config, err) < 0 || take_pooled(m, err) < 0)
		return -1;
	if (m->count && m->a->offline)
		return err_set(err, E_NOT_CACHED,
			       "%zu packages ('%s' is the first) are not cached, and --offline is "
			       "set",
			       m->count, m->items[0]->name);
	take_shared(m);
	return m->count ? fetch_missing(m, err) : 0;
}

int debian_fetch(struct action *a, const char *node, const struct debian_lock *l, struct err **err)
{
	struct missing m = {.a = a, .node = node, .lock = l};
	char *guard cleanup_free = path_join(a->cache_dir, "debian.lock");
	int fd cleanup_fd = -1, rc;

	/* One at a time: two nodes often want the same packages. */
	if (path_mkdirs(a->cache_dir, err) < 0 ||
	    lock_file(guard, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	rc = bring(&m, err);
	map_clear(&m.damaged);
	return rc;
}

/* ---- tools ---- */

static int copy_out(const struct tree_inode *inode, const char *dest, struct err **err)
{
	char *data cleanup_free = xmalloc(inode->size + 1);

	tree_inode_read(inode, 0, data, inode->size);
	return file_write(dest, data, inode->size, 0755, false, err);
}

/* Whether one of the packages' file lists has the file is only known once they are unpacked. */
int debian_tool(struct action *a, const struct debian_lock *l, const char *const names[],
		const char *dest, struct err **err)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];
		struct tree *t cleanup_tree = NULL;
		struct deb_set set cleanup_deb_set = {0};

		if (e->type != LOCK_TOOL)
			continue;
		t = tree_new(a->epoch, a->workdir);
		if (deb_open(&set, debian_file(a, e), e->name, err) < 0 ||
		    deb_unpack(set.items[0], t, err) < 0)
			return -1;
		for (size_t k = 0; names[k]; k++) {
			struct tree_entry *found = tree_resolve(t, names[k]);

			if (found && S_ISREG(found->inode->mode))
				return copy_out(found->inode, dest, err);
		}
	}
	return 1;
}
