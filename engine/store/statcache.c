/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/statcache.h"

#include <fcntl.h>
#include <time.h>

#include "base/file.h"
#include "base/map.h"
#include "base/vec.h"

#define FLUSH_AT 8192
#define ENTRIES_MAX 500000 /* beyond it only what this process saw is kept */
#define SECOND_NS 1000000000ll
#define FINE_MARGIN_NS (100 * 1000000ll) /* more than a tick of any kernel */
#define COARSE_MARGIN_NS (2 * SECOND_NS) /* file systems that keep seconds, or two (FAT) */
#define READ_TRIES 3

DEFINE_VEC(file_rows, const struct state_file *)

struct statcache {
	struct arena *arena;
	struct map by_path; /* -> struct state_file */
	struct file_rows dirty;
};

struct statcache *statcache_new(void)
{
	struct statcache *c = xcalloc(1, sizeof(*c));

	c->arena = arena_new();
	return c;
}

void statcache_free(struct statcache *c)
{
	if (!c)
		return;
	map_clear(&c->by_path);
	file_rows_clear(&c->dirty);
	arena_free(c->arena);
	free(c);
}

static void remember(void *arg, const struct state_file *row)
{
	struct statcache *c = arg;
	struct state_file *own = arena_alloc(c->arena, sizeof(*own));

	*own = *row;
	own->path = arena_strdup(c->arena, row->path);
	map_set(&c->by_path, own->path, own);
}

int statcache_load(struct statcache *c, struct state *st, struct err **err)
{
	return state_file_each(st, remember, c, err);
}

int statcache_flush(struct statcache *c, struct state *st, struct err **err)
{
	bool clear = c->by_path.count > ENTRIES_MAX;

	if (!c->dirty.count)
		return 0;
	if (state_file_put(st, c->dirty.items, c->dirty.count, clear, err) < 0)
		return -1;
	c->dirty.count = 0;
	return 0;
}

bool statcache_is_full(const struct statcache *c)
{
	return c->dirty.count >= FLUSH_AT;
}

static int64_t in_ns(const struct timespec *t)
{
	return t->tv_sec * SECOND_NS + t->tv_nsec;
}

static void describe(const struct stat *st, struct state_file *ret)
{
	ret->dev = st->st_dev;
	ret->ino = st->st_ino;
	ret->size = (uint64_t)st->st_size;
	ret->mtime_ns = in_ns(&st->st_mtim);
	ret->ctime_ns = in_ns(&st->st_ctim);
}

static bool same(const struct state_file *a, const struct state_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/*
 * Whether a write after NOW could leave the times of F as they are. Only ctime counts: every write
 * sets it, and nobody can choose it.
 */
static bool is_racy(const struct state_file *f, int64_t now)
{
	bool coarse = f->ctime_ns % SECOND_NS == 0;

	return f->ctime_ns + (coarse ? COARSE_MARGIN_NS : FINE_MARGIN_NS) >= now;
}

/* The clock that file systems stamp with. */
static int64_t file_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return in_ns(&t);
}

/* Reads the file until it stands still. */
static int read_digest(int dirfd, const char *rel, const char *name, struct stat *ret_st,
		       struct digest *ret, struct err **err)
{
	int fd cleanup_fd = openat(dirfd, rel, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct state_file before, after;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_NOT_A_FILE, "'%s' is not a regular file", name);
	for (unsigned i = 0; i < READ_TRIES; i++) {
		describe(&st, &before);
		if (digest_fd(fd, name, ret, err) < 0)
			return -1;
		if (fstat(fd, &st) < 0)
			return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", name);
		describe(&st, &after);
		if (same(&before, &after)) {
			*ret_st = st;
			return 0;
		}
	}
	return err_set(err, E_FILE_CHANGING, "'%s' keeps changing while it is read", name);
}

int statcache_digest(struct statcache *c, int dirfd, const char *rel, const char *abs_key,
		     struct stat *ret_st, struct digest *ret, struct err **err)
{
	const struct state_file *known = map_get(&c->by_path, abs_key);
	int64_t now = file_clock();
	struct state_file row = {.path = abs_key};
	struct stat st;

	if (fstatat(dirfd, rel, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", abs_key);
	describe(&st, &row);
	if (known && S_ISREG(st.st_mode) && same(known, &row)) {
		*ret = known->digest;
		*ret_st = st;
		return 0;
	}
	if (read_digest(dirfd, rel, abs_key, &st, &row.digest, err) < 0)
		return -1;
	describe(&st, &row);
	if (!is_racy(&row, now)) {
		remember(c, &row);
		file_rows_push(&c->dirty, map_get(&c->by_path, abs_key));
	}
	*ret = row.digest;
	*ret_st = st;
	return 0;
}
