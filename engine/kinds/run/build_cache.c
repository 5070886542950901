/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/build_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/walk.h"

int build_cache_open(struct action *a, const char *name, const char **ret, struct err **err)
{
	const char *project;
	struct digest d;
	char hex[DIGEST_HEX + 1];

	digest_data(a->project_dir, strlen(a->project_dir), &d);
	project = arena_printf(a->arena, "%s/%.16s", a->caches_dir, digest_hex(&d, hex));
	*ret = arena_printf(a->arena, "%s/%s", project, name);
	if (path_mkdirs(*ret, err) < 0)
		return -1;
	(void)utimensat(AT_FDCWD, project, NULL, 0); /* for gc: it is used */
	return 0;
}

void build_cache_env(struct strv *env)
{
	char *size cleanup_free = xasprintf("%uG", (unsigned)(BUILD_CACHE_SIZE >> 30));

	strv_set(env, "ORCH_CACHE_DIR", BUILD_CACHE);
	strv_set(env, "CCACHE_DIR", BUILD_CACHE);
	if (!strv_get(env, "CCACHE_MAXSIZE"))
		strv_set(env, "CCACHE_MAXSIZE", size);
}

/* ---- its size ---- */

struct cached {
	int64_t used; /* seconds since 1970 */
	uint64_t bytes;
};
DEFINE_VEC(cacheds, struct cached)

struct trimming {
	struct cacheds files;
	uint64_t bytes;
	int64_t since; /* files that were used before go */
	size_t removed;
};

static int64_t last_use(const struct stat *st)
{
	return st->st_atime > st->st_mtime ? st->st_atime : st->st_mtime;
}

static int count(void *arg, int dirfd, const char *name, bool is_dir, struct err **err)
{
	struct trimming *t = arg;
	struct stat st;

	if (is_dir || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	t->bytes += (uint64_t)st.st_blocks * 512;
	cacheds_push(&t->files, (struct cached){last_use(&st), (uint64_t)st.st_blocks * 512});
	return 0;
}

/* What another node has removed meanwhile is no matter. */
static int drop(void *arg, int dirfd, const char *name, bool is_dir, struct err **err)
{
	struct trimming *t = arg;
	struct stat st;

	if (!is_dir && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    last_use(&st) < t->since && unlinkat(dirfd, name, 0) == 0)
		t->removed++;
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	return x->used > y->used ? -1 : x->used < y->used;
}

/* Since when files were used that have SIZE bytes together. */
static int64_t since_when(struct trimming *t, uint64_t size)
{
	uint64_t sum = 0;

	qsort(t->files.items, t->files.count, sizeof(*t->files.items), newest_first);
	for (size_t i = 0; i < t->files.count; i++) {
		sum += t->files.items[i].bytes;
		if (sum > size)
			return t->files.items[i].used + 1;
	}
	return INT64_MIN;
}

void build_cache_trim(struct action *a, const char *dir, uint64_t size)
{
	struct trimming t = {0};
	struct walk w = {.entry = count, .arg = &t};
	struct err *failed cleanup_err = NULL;
	int rc = walk_below(dir, &w, &failed);

	if (rc == 0 && t.bytes > size) {
		t.since = since_when(&t, size);
		w.entry = drop;
		rc = walk_below(dir, &w, &failed);
		action_log(a, "cache: %zu files were not used for the longest time, and are gone",
			   t.removed);
	}
	if (rc < 0)
		action_log(a, "cache: %s", failed->text);
	cacheds_clear(&t.files);
}
