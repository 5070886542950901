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

/* A pin the archive no longer has is the usual failure, and has a remedy of its own. */
static int explain(const char *node, const struct lock_entry *const *entries,
		   const struct http_item *items, size_t count, struct err **err)
{
	for (size_t i = 0; i < count; i++) {
		const struct lock_entry *e = entries[i];

		if (!items[i].gone)
			continue;
		err_free(steal_ptr(*err));
		return err_set(err, E_PIN_GONE,
			       "package '%s' %s (%s) is pinned by recipes/%s.lock but archive "
			       "'%s' has dropped it: run 'orch lock %s' to move what is gone, or "
			       "'orch lock %s --update' to take all that is current",
			       e->name, e->version, e->arch, node, e->archive, node, node);
	}
	return -1;
}

static int fetch_missing(struct action *a, const char *node, const struct debian_lock *l,
			 const struct lock_entry *const *entries, size_t count, struct err **err)
{
	struct http_item *items = arena_alloc(a->arena, count * sizeof(*items));
	struct http_opts opts = {
		.parallel = 6, .progress = on_progress, .passed_over = on_passed_over, .arg = a};
	struct mirrors mirrors;
	uint64_t bytes = 0;
	char *size cleanup_free = NULL;
	int rc = mirrors_open(a->arena, &mirrors, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct lock_entry *e = entries[i];

		items[i] = (struct http_item){
			.dest = debian_file(a, e),
			.size = e->size,
			.sha256 = &e->sha256,
			.name = arena_printf(a->arena, "package '%s' %s", e->name, e->version)};
		rc = sources_of(a, l, &mirrors, e, &items[i], err);
		bytes += e->size;
	}
	if (rc < 0)
		return -1;
	size = str_bytes(bytes);
	action_log(a, "fetching %zu packages, %s", count, size);
	user_config_limit(&mirrors.config, &opts);
	if (http_fetch(items, count, &opts, err) < 0)
		return explain(node, entries, items, count, err);
	return 0;
}

/* What a shared cache has of the COUNT missing ones; how many are still missing. */
static size_t take_shared(struct action *a, const struct lock_entry **missing, size_t count)
{
	struct digest *all = arena_alloc(a->arena, count * sizeof(*all));
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		all[i] = missing[i]->sha256;
	shared_downloads_get(a, all, count);
	for (size_t i = 0; i < count; i++)
		if (!is_whole(debian_file(a, missing[i]), missing[i]))
			missing[left++] = missing[i];
	return left;
}

int debian_fetch(struct action *a, const char *node, const struct debian_lock *l, struct err **err)
{
	const struct lock_entry **missing =
		arena_alloc(a->arena, (l->entries.count + 1) * sizeof(*missing));
	char *guard cleanup_free = path_join(a->cache_dir, "debian.lock");
	struct map seen cleanup_map = {0};
	int fd cleanup_fd = -1;
	size_t count = 0;

	/* One at a time: two nodes often want the same packages. */
	if (path_mkdirs(a->cache_dir, err) < 0 ||
	    lock_file(guard, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		if (!map_set(&seen, debian_file(a, e), (void *)e) &&
		    !is_whole(debian_file(a, e), e))
			missing[count++] = e;
	}
	if (!count)
		return 0;
	if (a->offline)
		return err_set(err, E_NOT_CACHED,
			       "%zu packages ('%s' is the first) are not cached, and --offline is "
			       "set",
			       count, missing[0]->name);
	count = take_shared(a, missing, count);
	return count ? fetch_missing(a, node, l, missing, count, err) : 0;
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
