/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/stat_shortcut.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

#define MAGIC "orch-snapshot 3\n"
/* File times tick with the kernel's timer; 20 ms are two ticks of the slowest (HZ=100). */
#define RACY_NS (20 * 1000 * 1000)
/* Directories in each other; a loop of links cannot arise, links are not followed. */
#define MAX_DEPTH 64
#define MAX_THREADS 4
#define THREAD_BYTES (128 * 1024) /* of entries, from which on threads are worth it */

enum base { BASE_PROJECT, BASE_CAS, BASE_ROOT, BASE_COUNT };

/*
 * A snapshot is its head (put_head), the sum of all that follows (sum_of), the length of the answer
 * as uint64_t, the answer, and entries to the end.
 */

/*
 * One file as it is stored: this header, then PATH_LEN bytes of path and a NUL. This machine only.
 * MARK stands for all that stat() says of it; 0: there was no such file, and there must be none.
 */
struct entry {
	uint64_t mark;
	uint16_t base, path_len;
} __attribute__((packed));

struct saver {
	const struct graph *g;
	const struct stat_shortcut_request *req;
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

/* Stirs VALUE into MARK, so that every bit of it counts for all of the result. */
static uint64_t stir(uint64_t mark, uint64_t value)
{
	mark = (mark ^ value) * 0x9e3779b97f4a7c15u;
	mark = (mark ^ mark >> 32) * 0xd6e8feb86659fd93u;
	return mark ^ mark >> 29;
}

/* Never 0. Forging every stat field takes the access that forging the snapshot takes. */
static uint64_t mark_of(const struct stat *st)
{
	uint64_t mark = stir(st->st_dev, st->st_ino);

	mark = stir(mark, st->st_mode);
	mark = stir(mark, S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size);
	mark = stir(mark, (uint64_t)nanoseconds(st->st_mtim));
	mark = stir(mark, (uint64_t)nanoseconds(st->st_ctim));
	return mark ? mark : 1;
}

/*
 * Fletcher's sum of 64-bit words: finds flipped bits, at the speed of memory (3 MB in 0.15 ms).
 * It need not find more: a store is its user's.
 */
static uint64_t sum_of(const char *p, size_t len)
{
	uint64_t word, sum = len, sums = 0;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
		sums += sum;
	}
	word = 0;
	memcpy(&word, p, len);
	return stir(sum + word, sums);
}

static void open_bases(int dirs[BASE_COUNT], const char *project_dir, const char *cas_dir)
{
	const int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

	dirs[BASE_PROJECT] = open(project_dir, flags);
	dirs[BASE_CAS] = open(cas_dir, flags);
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
static void put_head(struct str *out, const struct stat_shortcut_request *req)
{
	struct stat st;

	str_append(out, MAGIC ORCH_VERSION "\n");
	if (stat("/proc/self/exe", &st) == 0) {
		uint64_t self = mark_of(&st);

		str_append_len(out, &self, sizeof(self));
	}
	str_append(out, req->project_dir);
	str_append_char(out, '\n');
	str_append_len(out, req->text, strlen(req->text) + 1);
}

static int add(struct saver *v, enum base base, const char *path, uint64_t mark)
{
	struct entry e = {mark, (uint16_t)base, (uint16_t)strlen(path)};

	if (strlen(path) > UINT16_MAX)
		return -1;
	str_append_len(&v->out, &e, sizeof(e));
	str_append_len(&v->out, path, (size_t)e.path_len + 1);
	return 0;
}

static int add_path(struct saver *v, enum base base, const char *path, struct stat *st)
{
	if (fstatat(v->dirs[base], path, st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return add(v, base, path, mark_of(st));
}

static bool is_racy(const struct saver *v, const struct stat *st)
{
	return nanoseconds(st->st_ctim) > v->req->started_ns - RACY_NS;
}

/*
 * A path of the project with all that lies below it. A link below a copied directory is content;
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
	struct stat st;

	if (map_get(&v->seen, path))
		return 0;
	if (fstatat(v->dirs[BASE_PROJECT], path, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return -1;
	map_set(&v->seen, arena_strdup(v->arena, path), v);
	return add(v, BASE_PROJECT, path, 0);
}

static int add_secret(void *arg, const char *option_path, const char *project_path)
{
	struct stat st;

	return add_path(arg, BASE_PROJECT, project_path, &st);
}

static int add_tool(struct saver *v, const char *name)
{
	char *path cleanup_free = path_program(name);
	char *real cleanup_free = path ? realpath(path, NULL) : NULL;
	struct stat st;

	if (!real)
		return -1;
	if (map_get(&v->seen, real))
		return 0;
	map_set(&v->seen, arena_strdup(v->arena, real), v);
	return add_path(v, BASE_ROOT, real + 1, &st) < 0 ? -1 : 0;
}

static int add_tools(struct saver *v, const struct node *n)
{
	const struct kind *k = n->recipe->kind;
	struct strs names = {0};
	int rc = 0;

	if (k->tools)
		k->tools(n->recipe->opts, &names);
	for (size_t i = 0; rc == 0 && i < names.count; i++)
		rc = add_tool(v, names.items[i]);
	strs_clear(&names);
	return rc;
}

static int add_node(struct saver *v, struct store *s, const struct node *n)
{
	char *cas cleanup_free = xasprintf("%s/cas/", store_dir(s));
	struct stat st;

	if (!n->record)
		return -1;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];

		if (e->path && add_project(v, e->path, 0))
			return -1;
		if (e->from && add_absent(v, e->from->name))
			return -1;
	}
	if (n->lock && add_project(v, n->lock, 0))
		return -1;
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *path cleanup_free = cas_path(store_dir(s), a->type, &a->digest);
		const char *rel = str_skip(path, cas);

		if (a->shared && !store_blob_is_here(s, a))
			continue;
		if (!rel || add_path(v, BASE_CAS, rel, &st) < 0)
			return -1;
	}
	if (schema_each_secret(n->recipe->kind->schema, n->recipe->opts, add_secret, v) != 0)
		return -1;
	return add_tools(v, n);
}

/* What the recipe extends; other recipes are there anyway. */
static int add_extended(struct saver *v, const struct recipe *r)
{
	for (size_t i = 0; i < r->extended.count; i++) {
		const struct extended *e = LIST_AT(r->extended, struct extended *, i);

		if (!e->node && add_project(v, e->file, 0) < 0)
			return -1;
	}
	return 0;
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

		if (add_extended(v, n->recipe) < 0 || (n->wanted && add_node(v, s, n) < 0))
			return -1;
	}
	for (size_t i = 0; i < extra->count; i++) {
		if (add_path(v, BASE_PROJECT, extra->items[i], &st) < 0)
			return -1;
	}
	return 0;
}

int stat_shortcut_save(const struct graph *g, struct store *s,
		       const struct stat_shortcut_request *req, const struct strv *extra,
		       const struct str *answer, struct err **err)
{
	struct saver v = {.g = g, .req = req, .out = STR_INIT, .arena = arena_new()};
	uint64_t len = answer->len, sum = 0;
	size_t head;
	int rc = 0;

	put_head(&v.out, req);
	head = v.out.len;
	str_append_len(&v.out, &sum, sizeof(sum));
	str_append_len(&v.out, &len, sizeof(len));
	str_append_len(&v.out, answer->buf, answer->len);
	open_bases(v.dirs, req->project_dir, store_subdir(s, "cas"));
	if (gather(&v, s, extra) == 0 && !v.racy) {
		sum = sum_of(v.out.buf + head + sizeof(sum), v.out.len - head - sizeof(sum));
		memcpy(v.out.buf + head, &sum, sizeof(sum));
		rc = store_note_put(s, req->project_dir, &v.out, err);
		store_fold_log(s);
	}
	close_bases(v.dirs);
	map_clear(&v.seen);
	arena_free(v.arena);
	str_release(&v.out);
	return rc;
}

static bool unchanged(const int dirs[BASE_COUNT], const struct entry *e, const char *path)
{
	struct stat st;

	if (e->base >= BASE_COUNT)
		return false;
	if (fstatat(dirs[e->base], path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && e->mark == 0;
	return mark_of(&st) == e->mark;
}

/* Some of the entries, looked at by one thread. */
struct part {
	int dirs[BASE_COUNT]; /* its own: threads would wait for each other's count of users */
	const char *p, *end;
	atomic_bool *changed; /* of all parts: nobody need look any further */
};

static void *look(void *arg)
{
	struct part *part = arg;
	const char *p = part->p;

	while (p < part->end && !atomic_load_explicit(part->changed, memory_order_relaxed)) {
		struct entry e;

		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		if (!unchanged(part->dirs, &e, p))
			atomic_store(part->changed, true);
		p += e.path_len + 1;
	}
	return NULL;
}

/* Finds where the entries can be parted into COUNT alike. False: they are damaged. */
static bool split(struct part *parts, size_t count, const char *p, const char *end)
{
	const size_t share = (size_t)(end - p) / count;
	const char *start = p;
	size_t i = 0;

	parts[0].p = p;
	while (p < end) {
		struct entry e;

		if ((size_t)(end - p) < sizeof(e))
			return false;
		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		if ((size_t)(end - p) < (size_t)e.path_len + 1 || p[e.path_len])
			return false;
		p += e.path_len + 1;
		if (i + 1 < count && (size_t)(p - start) >= share * (i + 1)) {
			parts[i++].end = p;
			parts[i].p = p;
		}
	}
	while (i + 1 < count) {
		parts[i++].end = end;
		parts[i].p = end;
	}
	parts[i].end = end;
	return true;
}

static size_t thread_count(size_t bytes)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (cpus < 2 || bytes < THREAD_BYTES)
		return 1;
	return cpus < MAX_THREADS ? (size_t)cpus : MAX_THREADS;
}

/*
 * Nearly all of the time of a build with nothing to do is the kernel's, looking for names.
 * Processors share that well.
 */
static bool all_unchanged(const char *project_dir, const char *cas_dir, const char *p,
			  const char *end)
{
	size_t count = thread_count((size_t)(end - p));
	struct part parts[MAX_THREADS] = {0};
	pthread_t threads[MAX_THREADS];
	atomic_bool changed = false;
	size_t started = 1;

	if (!split(parts, count, p, end))
		return false;
	for (size_t i = 0; i < count; i++) {
		parts[i].changed = &changed;
		open_bases(parts[i].dirs, project_dir, cas_dir);
	}
	while (started < count &&
	       pthread_create(&threads[started], NULL, look, &parts[started]) == 0)
		started++;
	look(&parts[0]);
	for (size_t i = started; i < count; i++) /* those that no thread could be had for */
		look(&parts[i]);
	for (size_t i = 1; i < started; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < count; i++)
		close_bases(parts[i].dirs);
	return !changed;
}

int stat_shortcut_read(const char *project_dir, const char *cas_dir, const char *body,
		       size_t body_len, struct str *ret)
{
	const char *end = body + body_len;
	uint64_t len;

	if (body_len < sizeof(len))
		return 1;
	memcpy(&len, body, sizeof(len));
	body += sizeof(len);
	if ((uint64_t)(end - body) < len)
		return 1;
	if (!all_unchanged(project_dir, cas_dir, body + len, end))
		return 1;
	str_append_len(ret, body, (size_t)len);
	return 0;
}

int stat_shortcut_check(struct store *s, const struct stat_shortcut_request *req, struct str *ret,
			struct err **err)
{
	struct str head cleanup_str = STR_INIT, data cleanup_str = STR_INIT;
	int rc = store_note_get(s, req->project_dir, &data, err);
	const char *body;
	uint64_t sum;
	size_t len;

	if (rc != 0)
		return rc;
	put_head(&head, req);
	if (data.len < head.len + sizeof(sum) || memcmp(data.buf, head.buf, head.len) != 0)
		return 1;
	memcpy(&sum, data.buf + head.len, sizeof(sum));
	body = data.buf + head.len + sizeof(sum);
	len = data.len - head.len - sizeof(sum);
	if (sum_of(body, len) != sum)
		return 1;
	return stat_shortcut_read(req->project_dir, store_subdir(s, "cas"), body, len, ret);
}
