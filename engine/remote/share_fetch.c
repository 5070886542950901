/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdio.h>

#include "base/cdc.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "remote/reapi.h"
#include "remote/share_priv.h"
#include "store/cas.h"

/* Times as large as its bytes, and bytes beside those. */
#define HOLLOW 16u
#define HOLLOW_MIN (64u * 1024 * 1024)
/* So many are asked for together; what cannot be written is found out after them. */
#define PARTS_AT_ONCE 1024u

/* An artifact on its way into a file. */
struct load {
	struct share *s;
	const struct artifact *a;
	const char *path;
	int fd;
	struct parts parts; /* of the map, then sorted by digest */
	bool *done;         /* per part of PARTS: it has been written */
	struct err *err;    /* a part could not be written */
	char **ret_why;
};

static int lost(struct load *l, const char *what)
{
	free(*l->ret_why);
	*l->ret_why = xasprintf("%s of '%s' is in no cache, or damaged", what, l->a->name);
	return 1;
}

/* One blob: 0 and its bytes in B, which the caller frees; 1; -1. */
static int get_one(struct load *l, const struct result_blob *what, const char *name, size_t max,
		   struct remote_blob *b, struct err **err)
{
	int rc;

	*b = (struct remote_blob){.digest = what->digest, .size = what->size};
	if (what->size > max)
		return lost(l, name);
	rc = share_get(l->s, b, 1, err);
	return rc == 1 ? lost(l, name) : rc;
}

/* Wrong bytes of a cache are its fault, and a miss. */
static int told_lost(struct load *l, struct err **err)
{
	if ((*err)->code != E_REMOTE_DAMAGED)
		return -1;
	l->s->counts.damaged++;
	share_warn(l->s, "%s", (*err)->text);
	free(*l->ret_why);
	*l->ret_why = xstrdup((*err)->text);
	err_free(steal_ptr(*err));
	return 1;
}

/* What the map of volume I is called. */
static int find_map(struct load *l, const struct result_output *o, size_t i,
		    struct result_blob *ret, struct err **err)
{
	struct remote_blob t = {0};
	int rc;

	if (o->maps) {
		*ret = o->maps[i];
		return 0;
	}
	rc = get_one(l, &o->trees[i], "the directory", REMOTE_BLOB_MAX, &t, err);
	if (rc == 0 && reapi_tree_map(t.got, t.size, ret) != 0)
		rc = lost(l, "the map");
	share_free_got(&t, 1);
	return rc;
}

static int read_map(struct load *l, const struct result_output *o, size_t i, struct err **err)
{
	struct remote_blob m = {0};
	struct result_blob map;
	int rc = find_map(l, o, i, &map, err);

	if (rc == 0)
		rc = get_one(l, &map, "the map", PARTS_MAP_MAX, &m, err);
	if (rc == 0 && parts_map_parse(l->a, m.got, m.size, &l->parts, err) < 0)
		rc = told_lost(l, err);
	share_free_got(&m, 1);
	return rc;
}

static int by_digest(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int order = memcmp(&x->digest, &y->digest, DIGEST_LEN);

	return order ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The first part of that name, or COUNT. */
static size_t find(const struct parts *p, const struct digest *d)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&p->items[middle].digest, d, DIGEST_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->count && digest_eq(&p->items[low].digest, d) ? low : p->count;
}

/* Writes DATA wherever the part at FIRST belongs; *RET_NEXT is the next of another name. */
static int put_all(struct load *l, size_t first, const void *data, size_t *ret_next,
		   struct err **err)
{
	const struct part *all = l->parts.items;
	size_t i = first;

	for (; i < l->parts.count && digest_eq(&all[i].digest, &all[first].digest); i++) {
		if (all[i].len != all[first].len)
			continue;
		if (!l->done[i] && parts_put(l->fd, l->path, &all[i], data, err) < 0)
			return -1;
		l->done[i] = true;
	}
	*ret_next = i;
	return 0;
}

static int on_near(void *arg, const struct part *part, const void *data, struct err **err)
{
	struct load *l = arg;
	size_t i = find(&l->parts, &part->digest), next;

	if (i == l->parts.count || l->done[i] || l->parts.items[i].len != part->len)
		return 0;
	return put_all(l, i, data, &next, err);
}

/* What another artifact of the store has. One that cannot be read has nothing. */
static void take_near(struct load *l, const struct artifact *a)
{
	char *path cleanup_free = cas_path(l->s->store, a->type, &a->digest);
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct err *ignored cleanup_err = NULL;
	struct parts parts = {0};

	if (fd >= 0 && parts_cut(fd, path, a->type, on_near, l, &parts, &ignored) < 0)
		share_warn(l->s, "%s", ignored->text);
	parts_clear(&parts);
}

/* From *AT on, names of parts that are not here, each once, MAX at most. */
static size_t missing_parts(const struct load *l, size_t *at, struct remote_blob *ret, size_t max)
{
	const struct part *all = l->parts.items;
	size_t n = 0;

	for (; *at < l->parts.count && n < max; ++*at) {
		const struct part *p = &all[*at];

		if (!l->done[*at] && !(n && digest_eq(&ret[n - 1].digest, &p->digest)))
			ret[n++] = (struct remote_blob){.digest = p->digest, .size = p->len};
	}
	return n;
}

/* Writes B wherever it belongs, while others are on their way. */
static void on_part(void *arg, struct remote_blob *b)
{
	struct load *l = arg;
	size_t next;

	if (!l->err && put_all(l, find(&l->parts, &b->digest), b->got, &next, &l->err) == 0)
		share_tell(l->s);
	free(steal_ptr(b->got));
	b->taken = true;
}

static int load_rest(struct load *l, struct err **err)
{
	struct remote_blob *blobs cleanup_free = xcalloc(PARTS_AT_ONCE, sizeof(*blobs));
	size_t at = 0, n;
	int rc = 0;

	while (rc == 0 && (n = missing_parts(l, &at, blobs, PARTS_AT_ONCE)) > 0) {
		rc = share_get_each(l->s, blobs, n, on_part, l, err);
		if (!l->err)
			continue;
		err_free(steal_ptr(*err));
		*err = steal_ptr(l->err);
		rc = -1;
	}
	/* A name that has two lengths is in no true map. */
	for (size_t i = 0; rc == 0 && i < l->parts.count; i++)
		rc = l->done[i] ? 0 : 1;
	return rc == 1 ? lost(l, "a part") : rc;
}

/*
 * Files and trees are hashed with their holes: a record of some bytes could keep this machine at it
 * for years. No true one is that hollow.
 */
static bool is_hollow(const struct load *l)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < l->parts.count; i++)
		bytes += l->parts.items[i].len;
	return l->a->type != OUTPUT_IMAGE && l->a->size / HOLLOW > bytes + HOLLOW_MIN;
}

static int load_parts(struct load *l, const struct result_output *o, const struct artifact *near,
		      size_t near_count, struct err **err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < o->tree_count; i++)
		rc = read_map(l, o, i, err);
	if (rc != 0)
		return rc;
	if (is_hollow(l))
		return lost(l, "more than zeros");
	if (l->parts.count)
		qsort(l->parts.items, l->parts.count, sizeof(*l->parts.items), by_digest);
	l->done = xcalloc(l->parts.count + 1, sizeof(*l->done));
	for (size_t i = 0; i < near_count; i++)
		take_near(l, &near[i]);
	return load_rest(l, err);
}

static int load_blob(struct load *l, struct err **err)
{
	struct result_blob what = {l->a->digest, l->a->size};
	struct remote_blob b;
	int rc = get_one(l, &what, "the bytes", RESULT_BLOB_MAX, &b, err);

	if (rc == 0)
		rc = fd_pwrite_all(l->fd, l->path, b.got, b.size, 0, err);
	share_free_got(&b, 1);
	return rc;
}

int share_load(struct share *s, const struct result_output *o, const struct artifact *near,
	       size_t near_count, const char *path, char **ret_why, struct err **err)
{
	struct load l = {.s = s, .a = &o->artifact, .path = path, .fd = -1, .ret_why = ret_why};
	int rc;

	if (o->form == RESULT_NONE)
		return lost(&l, "nothing that is stored");
	if (parts_file(path, &o->artifact, &l.fd, err) < 0)
		return -1;
	rc = o->form == RESULT_BLOB ? load_blob(&l, err) : load_parts(&l, o, near, near_count, err);
	close(l.fd);
	parts_clear(&l.parts);
	free(l.done);
	return rc;
}

static int fetch_into(struct share *s, const struct result_output *o, const struct artifact *near,
		      size_t near_count, const char *path, char **ret_why, struct err **err)
{
	struct load l = {.s = s, .a = &o->artifact, .ret_why = ret_why};
	int rc = share_load(s, o, near, near_count, path, ret_why, err);

	if (rc == 0 && parts_ingest(s->store, path, &o->artifact, err) < 0)
		rc = told_lost(&l, err);
	return rc;
}

int share_fetch(struct share *s, const struct result_output *o, const struct artifact *near,
		size_t near_count, char **ret_why, struct err **err)
{
	char *tmp cleanup_free = path_join(s->store, "tmp"), *dir cleanup_free = NULL;
	char *path cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	int rc;

	*ret_why = NULL;
	if (tmp_dir(tmp, "fetch", &dir, err) < 0)
		return -1;
	path = path_join(dir, "blob");
	rc = fetch_into(s, o, near, near_count, path, ret_why, err);
	if (path_remove(dir, &ignored) < 0)
		share_warn(s, "%s", ignored->text);
	return rc;
}

int share_fetch_log(struct share *s, const struct result *r, struct err **err)
{
	char *tmp cleanup_free = path_join(s->store, "tmp"), *dir cleanup_free = NULL;
	struct remote_blob b = {.digest = r->log.digest, .size = r->log.size};
	char *path cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	struct digest d;
	int rc = r->has_log && r->log.size <= REMOTE_BLOB_MAX ? share_get(s, &b, 1, err) : 1;

	if (rc == 0 && tmp_dir(tmp, "fetch", &dir, err) < 0)
		rc = -1;
	if (rc == 0) {
		path = path_join(dir, "log");
		rc = file_write(path, b.got, b.size, 0644, false, err);
	}
	if (rc == 0)
		rc = cas_put_named(s->store, "logs", path, &d, err);
	if (dir && path_remove(dir, &ignored) < 0)
		share_warn(s, "%s", ignored->text);
	share_free_got(&b, 1);
	return rc;
}
