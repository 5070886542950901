/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

#define MAGIC "orch-snapshot 1\n"
/* File times tick with the kernel's timer; 20 ms are two ticks of the slowest (HZ=100). */
#define RACY_NS (20 * 1000 * 1000)
/* Folders in each other; a loop of links cannot arise, links are not followed. */
#define MAX_DEPTH 64

enum base { BASE_PROJECT, BASE_CAS, BASE_ROOT, BASE_COUNT };

/*
 * One file as it is stored: this header, then PATH_LEN bytes of path and a NUL. This machine only.
 * All zeros but base and path_len: there was no such file, and there must be none.
 */
struct entry {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
	uint32_t mode;
	uint16_t base, path_len;
};

struct saver {
	const struct graph *g;
	const struct snapshot_request *req;
	struct str out;
	struct map seen; /* paths of BASE_PROJECT, absolute ones of BASE_ROOT */
	struct arena *arena;
	int dirs[BASE_COUNT];
	bool recipes; /* the recipes are being added */
	bool racy;
};

static int64_t nanoseconds(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct entry entry_of(const struct stat *st)
{
	return (struct entry){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
		.mtime_ns = nanoseconds(st->st_mtim),
		.ctime_ns = nanoseconds(st->st_ctim),
		.mode = st->st_mode,
	};
}

static void open_bases(int dirs[BASE_COUNT], const char *project_dir, struct store *s)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	dirs[BASE_PROJECT] = open(project_dir, flags);
	dirs[BASE_CAS] = open(store_subdir(s, "cas"), flags);
	dirs[BASE_ROOT] = open("/", flags);
}

static void close_bases(int dirs[BASE_COUNT])
{
	for (size_t i = 0; i < BASE_COUNT; i++) {
		if (dirs[i] >= 0)
			close(dirs[i]);
	}
}

/* What the answer depends on besides files: the request and this very binary. */
static void put_head(struct str *out, const struct snapshot_request *req)
{
	struct stat st;

	str_append(out, MAGIC ORCH_VERSION "\n");
	if (stat("/proc/self/exe", &st) == 0) {
		struct entry self = entry_of(&st);

		str_append_len(out, &self, sizeof(self));
	}
	str_append(out, req->project_dir);
	str_append_char(out, '\n');
	str_append_len(out, req->text, strlen(req->text) + 1);
}

static int add(struct saver *v, enum base base, const char *path, const struct stat *st)
{
	struct entry e = entry_of(st);

	if (strlen(path) > UINT16_MAX)
		return -1;
	e.base = (uint16_t)base;
	e.path_len = (uint16_t)strlen(path);
	str_append_len(&v->out, &e, sizeof(e));
	str_append_len(&v->out, path, (size_t)e.path_len + 1);
	return 0;
}

static int add_path(struct saver *v, enum base base, const char *path, struct stat *st)
{
	if (fstatat(v->dirs[base], path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return add(v, base, path, st);
}

static bool is_racy(const struct saver *v, const struct stat *st)
{
	return nanoseconds(st->st_ctim) > v->req->started_ns - RACY_NS;
}

/*
 * A path of the project with all that lies below it. A link below a copied folder is content;
 * anywhere else it would have to be followed, and there is no snapshot then (-1).
 */
static int add_project(struct saver *v, const char *path, unsigned depth)
{
	struct dirent *de;
	struct stat st;
	int fd, rc = 0;
	DIR *dir;

	if (map_get(&v->seen, path))
		return 0;
	if (depth > MAX_DEPTH || add_path(v, BASE_PROJECT, path, &st) < 0)
		return -1;
	map_set(&v->seen, arena_strdup(v->arena, path), v);
	v->racy |= is_racy(v, &st);
	if (S_ISLNK(st.st_mode))
		return -1;
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(v->dirs[BASE_PROJECT], path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir)
		return -1;
	while (rc == 0 && !v->racy && (de = readdir(dir))) {
		char *sub cleanup_free = NULL;

		if (str_eq(de->d_name, ".") || str_eq(de->d_name, ".."))
			continue;
		sub = path_join(path, de->d_name);
		if (de->d_type == DT_LNK && !v->recipes) {
			rc = add_path(v, BASE_PROJECT, sub, &st);
			v->racy |= rc == 0 && is_racy(v, &st);
		} else {
			rc = add_project(v, sub, depth + 1);
		}
	}
	closedir(dir);
	return rc;
}

/* The name of a node that is referred to: a path of that name would make the reference unclear. */
static int add_absent(struct saver *v, const char *path)
{
	const struct stat none = {0};
	struct stat st;

	if (map_get(&v->seen, path))
		return 0;
	if (fstatat(v->dirs[BASE_PROJECT], path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return -1;
	map_set(&v->seen, arena_strdup(v->arena, path), v);
	return add(v, BASE_PROJECT, path, &none);
}

static int add_secret(void *arg, const char *option_path, const char *project_path)
{
	struct stat st;

	return add_path(arg, BASE_PROJECT, project_path, &st);
}

static int add_tools(struct saver *v, const struct node *n)
{
	const struct kind *k = n->recipe->kind;
	const char *const *names = k->tools ? k->tools(n->recipe->opts) : NULL;

	for (; names && *names; names++) {
		char *path cleanup_free = path_program(*names), *real cleanup_free = NULL;
		struct stat st;

		real = path ? realpath(path, NULL) : NULL;
		if (!real)
			return -1;
		if (map_get(&v->seen, real))
			continue;
		map_set(&v->seen, arena_strdup(v->arena, real), v);
		if (add_path(v, BASE_ROOT, real + 1, &st) < 0)
			return -1;
	}
	return 0;
}

static int add_node(struct saver *v, struct store *s, const struct node *n)
{
	char *cas cleanup_free = xasprintf("%s/cas/", store_dir(s));
	struct stat st;

	if (!n->record)
		return -1;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];

		if (e->path ? add_project(v, e->path, 0) : add_absent(v, e->from->name))
			return -1;
	}
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *path cleanup_free = cas_path(store_dir(s), a->type, &a->digest);
		const char *rel = str_skip(path, cas);

		if (!rel || add_path(v, BASE_CAS, rel, &st) < 0)
			return -1;
	}
	if (schema_each_secret(n->recipe->kind->schema, n->recipe->opts, add_secret, v) != 0)
		return -1;
	return add_tools(v, n);
}

static int gather(struct saver *v, struct store *s, const struct strv *extra)
{
	struct stat st;

	v->recipes = true;
	if (add_project(v, "recipes", 0) < 0)
		return -1;
	v->recipes = false;
	for (size_t i = 0; i < v->g->nodes.count && !v->racy; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (n->wanted && add_node(v, s, n) < 0)
			return -1;
	}
	for (size_t i = 0; i < extra->count; i++) {
		if (add_path(v, BASE_PROJECT, extra->items[i], &st) < 0)
			return -1;
	}
	return 0;
}

int snapshot_save(const struct graph *g, struct store *s, const struct snapshot_request *req,
		  const struct strv *extra, const struct str *answer, struct err **err)
{
	struct saver v = {.g = g, .req = req, .out = STR_INIT, .arena = arena_new()};
	uint64_t len = answer->len;
	int rc = 0;

	put_head(&v.out, req);
	str_append_len(&v.out, &len, sizeof(len));
	str_append_len(&v.out, answer->buf, answer->len);
	open_bases(v.dirs, req->project_dir, s);
	if (gather(&v, s, extra) == 0 && !v.racy)
		rc = store_snapshot_put(s, req->project_dir, &v.out, err);
	close_bases(v.dirs);
	map_clear(&v.seen);
	arena_free(v.arena);
	str_release(&v.out);
	return rc;
}

static bool unchanged(const int dirs[BASE_COUNT], const struct entry *e, const char *path)
{
	struct stat st = {0};
	struct entry now;

	if (e->base >= BASE_COUNT || (fstatat(dirs[e->base], path, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
				      (e->mode || errno != ENOENT)))
		return false;
	now = entry_of(&st);
	now.base = e->base;
	now.path_len = e->path_len;
	return memcmp(&now, e, sizeof(now)) == 0;
}

static bool all_unchanged(const int dirs[BASE_COUNT], const char *p, const char *end)
{
	while (p < end) {
		struct entry e;

		if ((size_t)(end - p) < sizeof(e))
			return false;
		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		if ((size_t)(end - p) < (size_t)e.path_len + 1 || p[e.path_len] ||
		    !unchanged(dirs, &e, p))
			return false;
		p += e.path_len + 1;
	}
	return true;
}

int snapshot_check(struct store *s, const struct snapshot_request *req, struct str *ret,
		   struct err **err)
{
	struct str head cleanup_str = STR_INIT, data cleanup_str = STR_INIT;
	int dirs[BASE_COUNT], rc = store_snapshot_get(s, req->project_dir, &data, err);
	const char *p, *end;
	uint64_t len;

	if (rc != 0)
		return rc;
	put_head(&head, req);
	if (data.len < head.len + sizeof(len) || memcmp(data.buf, head.buf, head.len) != 0)
		return 1;
	p = data.buf + head.len;
	end = data.buf + data.len;
	memcpy(&len, p, sizeof(len));
	p += sizeof(len);
	if ((uint64_t)(end - p) < len)
		return 1;
	open_bases(dirs, req->project_dir, s);
	if (all_unchanged(dirs, p + len, end)) {
		str_append_len(ret, p, (size_t)len);
		rc = 0;
	} else {
		rc = 1;
	}
	close_bases(dirs);
	return rc;
}
