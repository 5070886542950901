/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes from a directory, and when. A result's file has the time of its last use; a blob's that
 * of the last put or missing() that found it there, so that who is about to name it in a result
 * does not lose it: one goes with the result that named it when nobody has looked at it since that
 * result, else after an hour in which no result names it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "remote/reapi.h"
#include "remote/transport_dir.h"

#define GRACE_S 3600
#define TMP_GRACE_S (24 * 3600)

struct item {
	struct digest digest;
	uint64_t size;
	struct timespec used;
	bool kept;
	struct timespec freed; /* when the newest result was used that named it and goes */
};
DEFINE_VEC(items, struct item)

struct prune {
	const char *dir;
	uint64_t size;
	bool dry_run;
	struct items results, blobs; /* blobs: by digest */
	struct timespec now;         /* of the file system's clock */
	uint64_t kept_bytes;
	struct dir_pruned *ret;
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static int newest_first(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return is_before(&x->used, &y->used) ? 1 : is_before(&y->used, &x->used) ? -1 : 0;
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(&((const struct item *)a)->digest, &((const struct item *)b)->digest,
		      DIGEST_LEN);
}

static int scan(const char *dir, const char *kind, struct items *ret, struct err **err)
{
	char *path cleanup_free = path_join(dir, kind);
	DIR *d = opendir(path);
	const struct dirent *e;

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return err_errno(err, E_REMOTE_UNREACHABLE, errno, "cannot read '%s'", path);
	while ((e = readdir(d))) {
		struct item item = {0};
		struct stat st;

		if (digest_parse(e->d_name, &item.digest) != 0 ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		item.size = (uint64_t)st.st_size;
		item.used = st.st_mtim;
		items_push(ret, item);
	}
	closedir(d);
	return 0;
}

static uint64_t bytes_of(const struct items *all)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < all->count; i++)
		sum += all->items[i].size;
	return sum;
}

int transport_dir_usage(const char *url, struct dir_usage *ret, struct err **err)
{
	struct items results = {0}, blobs = {0};
	char *dir cleanup_free = NULL;
	uint64_t size;
	int rc = transport_dir_url(url, &dir, &size, err);

	if (rc == 0)
		rc = scan(dir, "ac", &results, err);
	if (rc == 0)
		rc = scan(dir, "cas", &blobs, err);
	if (rc == 0)
		*ret = (struct dir_usage){results.count, blobs.count,
					  bytes_of(&results) + bytes_of(&blobs)};
	items_clear(&results);
	items_clear(&blobs);
	return rc;
}

/* --- what a result names ------------------------------------------------------------------- */

static struct item *find(const struct prune *p, const struct digest *d)
{
	struct item wanted = {.digest = *d};

	return p->blobs.count ? bsearch(&wanted, p->blobs.items, p->blobs.count,
					sizeof(*p->blobs.items), by_digest)
			      : NULL;
}

DEFINE_VEC(named, struct item *)

/* Adds the blob; false when it is not there. */
static bool add(const struct prune *p, const struct digest *d, struct named *ret)
{
	struct item *item = find(p, d);

	if (item)
		named_push(ret, item);
	return item != NULL;
}

static bool add_tree(const struct prune *p, struct arena *arena, const struct result_blob *tree,
		     struct named *ret)
{
	char hex[DIGEST_HEX + 1];
	char *path cleanup_free = xasprintf("%s/cas/%s", p->dir, digest_hex(&tree->digest, hex));
	struct str bytes cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	struct result_blob *files;
	struct digest directory;
	size_t n;

	if (file_read_foreign(path, REMOTE_BLOB_MAX, &bytes, &ignored) < 0 ||
	    reapi_tree_files(bytes.buf, bytes.len, arena, &files, &n) != 0)
		return false;
	if (reapi_tree_directory(bytes.buf, bytes.len, &directory) == 0)
		(void)add(p, &directory, ret);
	for (size_t i = 0; i < n; i++)
		if (!add(p, &files[i].digest, ret))
			return false;
	return true;
}

/* All blobs that belong to a result; false when one is missing, and it is of no use. */
static bool names_of(const struct prune *p, const struct item *result, struct named *ret)
{
	struct arena *arena cleanup_arena = arena_new();
	char hex[DIGEST_HEX + 1];
	char *path cleanup_free = xasprintf("%s/ac/%s", p->dir, digest_hex(&result->digest, hex));
	struct str message cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	struct result_blob *blobs, *trees;
	size_t n, count;
	bool whole = true;

	if (file_read_foreign(path, REMOTE_RESULT_MAX, &message, &ignored) < 0 ||
	    reapi_result_blobs(message.buf, message.len, arena, &blobs, &n) != 0 ||
	    reapi_result_trees_all(message.buf, message.len, arena, &trees, &count) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		whole &= add(p, &blobs[i].digest, ret);
	for (size_t i = 0; i < count; i++)
		whole &= add_tree(p, arena, &trees[i], ret);
	return whole;
}

/* --- choosing ------------------------------------------------------------------------------ */

static uint64_t cost(const struct item *result, const struct named *names)
{
	uint64_t sum = result->size;

	for (size_t i = 0; i < names->count; i++)
		sum += names->items[i]->kept ? 0 : names->items[i]->size;
	return sum;
}

static void choose_one(struct prune *p, struct item *result, bool *full)
{
	struct named names = {0};
	bool whole = names_of(p, result, &names);
	uint64_t bytes = cost(result, &names);

	if (whole && p->kept_bytes + bytes > p->size)
		*full = true;
	result->kept = whole && !*full;
	for (size_t i = 0; i < names.count; i++) {
		struct item *blob = names.items[i];

		if (result->kept && !blob->kept)
			p->kept_bytes += blob->size;
		blob->kept |= result->kept;
		if (!result->kept && is_before(&blob->freed, &result->used))
			blob->freed = result->used;
	}
	p->kept_bytes += result->kept ? result->size : 0;
	named_clear(&names);
}

/* The newest results that fit; from the first that does not, all older ones go. */
static void choose(struct prune *p)
{
	bool full = false;

	if (p->results.count)
		qsort(p->results.items, p->results.count, sizeof(*p->results.items), newest_first);
	if (p->blobs.count)
		qsort(p->blobs.items, p->blobs.count, sizeof(*p->blobs.items), by_digest);
	for (size_t i = 0; i < p->results.count; i++)
		choose_one(p, &p->results.items[i], &full);
	for (size_t i = 0; i < p->blobs.count; i++) {
		struct item *blob = &p->blobs.items[i];
		bool looked_at = !blob->freed.tv_sec || is_before(&blob->freed, &blob->used);

		if (!blob->kept && looked_at)
			blob->kept = p->now.tv_sec - blob->used.tv_sec < GRACE_S;
	}
}

static void remove_all(struct prune *p, const char *kind, struct items *all, uint64_t *ret_gone,
		       uint64_t *ret_left)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct item *item = &all->items[i];
		char hex[DIGEST_HEX + 1];
		char *path cleanup_free =
			xasprintf("%s/%s/%s", p->dir, kind, digest_hex(&item->digest, hex));
		bool gone = !item->kept && (p->dry_run || unlink(path) == 0);

		*(gone ? ret_gone : ret_left) += 1;
		*(gone ? &p->ret->removed.bytes : &p->ret->left.bytes) += item->size;
	}
}

/* What a process has left that died while it wrote. */
static void sweep(const struct prune *p)
{
	char *path cleanup_free = path_join(p->dir, "tmp");
	DIR *d = opendir(path);
	const struct dirent *e;

	while (d && !p->dry_run && (e = readdir(d))) {
		struct stat st;

		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && p->now.tv_sec - st.st_mtim.tv_sec > TMP_GRACE_S)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
}

/* Of the machine that has the disk, whose times the files have. */
static int read_clock(struct prune *p, struct err **err)
{
	char *path cleanup_free = xasprintf("%s/tmp/clock.%ld", p->dir, (long)getpid());
	int fd cleanup_fd = -1;
	struct stat st;

	if (p->dry_run) {
		clock_gettime(CLOCK_REALTIME, &p->now);
		return 0;
	}
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_REMOTE_REFUSED, errno, "cannot write '%s'", path);
	unlink(path);
	p->now = st.st_mtim;
	return 0;
}

int transport_dir_prune(const char *url, uint64_t size, bool dry_run, struct dir_pruned *ret,
			struct err **err)
{
	struct prune p = {.size = size, .dry_run = dry_run, .ret = ret};
	char *dir cleanup_free = NULL;
	uint64_t limit;
	int rc = transport_dir_url(url, &dir, &limit, err);

	*ret = (struct dir_pruned){0};
	if (rc != 0 || !path_exists(dir))
		return rc;
	p.dir = dir;
	rc = read_clock(&p, err);
	if (rc == 0)
		rc = scan(dir, "ac", &p.results, err);
	if (rc == 0)
		rc = scan(dir, "cas", &p.blobs, err);
	if (rc == 0) {
		choose(&p);
		/* Results first: whoever dies between leaves blobs, not names of none. */
		remove_all(&p, "ac", &p.results, &ret->removed.results, &ret->left.results);
		remove_all(&p, "cas", &p.blobs, &ret->removed.blobs, &ret->left.blobs);
		sweep(&p);
	}
	items_clear(&p.results);
	items_clear(&p.blobs);
	return rc;
}
