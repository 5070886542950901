/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/exec_root.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "remote/parts.h"
#include "remote/reapi.h"
#include "remote/reapi_call.h"
#include "remote/reapi_exec.pb-c.h"
#include "remote/result.h"

/* Bytes that are read before they are sent. */
#define UPLOAD_GROUP (32u << 20)

/* Where the bytes of a blob are. */
struct origin {
	const char *source; /* a file, from OFFSET on; NULL: DATA */
	uint64_t offset;
	void *data;
	const char *kept; /* not here: by the executor, as part of that output */
};

struct item {
	struct remote_blob blob;
	struct origin origin;
};
DEFINE_VEC(items, struct item)

struct dir;
DEFINE_VEC(dirs, struct dir *)
struct file {
	const char *name;
	struct remote_blob blob;
	bool executable;
};
DEFINE_VEC(files, struct file)
struct link {
	const char *name, *target;
};
DEFINE_VEC(links, struct link)
struct dir {
	const char *name;
	bool packed; /* BLOB is its Directory already */
	struct remote_blob blob;
	struct dirs dirs;
	struct files files;
	struct links links;
};

struct exec_root {
	struct arena *arena;
	struct items items;
	struct dir top;
};

/* ---- blobs ---- */

void exec_root_add(struct exec_root *r, const struct str *data, struct remote_blob *ret)
{
	struct item i = {.blob.size = data->len, .origin.data = xmemdup(data->buf, data->len + 1)};

	digest_data(data->buf, data->len, &i.blob.digest);
	items_push(&r->items, i);
	*ret = i.blob;
}

static void add_file(struct exec_root *r, const char *source, uint64_t offset, size_t size,
		     const struct digest *digest, struct remote_blob *ret)
{
	struct item i = {.blob = {.digest = *digest, .size = size},
			 .origin = {.source = source, .offset = offset}};

	items_push(&r->items, i);
	*ret = i.blob;
}

static void add_kept(struct exec_root *r, const struct root_entry *e, const struct result_blob *b)
{
	items_push(&r->items, (struct item){.blob = {.digest = b->digest, .size = b->size},
					    .origin.kept = e->text});
}

/* ---- the tree of directories ---- */

static struct dir *sub_dir(struct exec_root *r, struct dir *in, const char *name, size_t len)
{
	struct dir *d;

	for (size_t i = in->dirs.count; i-- > 0;) { /* paths are sorted: it is among the last */
		d = in->dirs.items[i];
		if (strncmp(d->name, name, len) == 0 && !d->name[len])
			return d;
	}
	d = arena_alloc(r->arena, sizeof(*d));
	d->name = arena_strndup(r->arena, name, len);
	dirs_push(&in->dirs, d);
	return d;
}

/* The directory that holds PATH; *RET_NAME is the rest. */
static struct dir *holder(struct exec_root *r, const char *path, const char **ret_name)
{
	struct dir *d = &r->top;
	const char *slash;

	while ((slash = strchr(path, '/'))) {
		d = sub_dir(r, d, path, (size_t)(slash - path));
		path = slash + 1;
	}
	*ret_name = path;
	return d;
}

static int file_by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static int link_by_name(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static int dir_by_name(const void *a, const void *b)
{
	return strcmp((*(struct dir *const *)a)->name, (*(struct dir *const *)b)->name);
}

static Reapi__Digest *name_of(struct arena *arena, const struct remote_blob *b)
{
	Reapi__Digest *d = arena_alloc(arena, sizeof(*d));

	reapi__digest__init(d);
	d->hash = digest_hex(&b->digest, arena_alloc(arena, DIGEST_HEX + 1));
	d->size_bytes = (int64_t)b->size;
	return d;
}

static void pack_files(struct arena *arena, struct dir *d, Reapi__Directory *m)
{
	m->n_files = d->files.count;
	m->files = arena_alloc(arena, (d->files.count + 1) * sizeof(*m->files));
	for (size_t i = 0; i < d->files.count; i++) {
		const struct file *f = &d->files.items[i];

		m->files[i] = arena_alloc(arena, sizeof(**m->files));
		reapi__file_node__init(m->files[i]);
		m->files[i]->name = (char *)f->name;
		m->files[i]->digest = name_of(arena, &f->blob);
		m->files[i]->is_executable = f->executable;
	}
}

static void pack_links(struct arena *arena, struct dir *d, Reapi__Directory *m)
{
	m->n_symlinks = d->links.count;
	m->symlinks = arena_alloc(arena, (d->links.count + 1) * sizeof(*m->symlinks));
	for (size_t i = 0; i < d->links.count; i++) {
		m->symlinks[i] = arena_alloc(arena, sizeof(**m->symlinks));
		reapi__symlink_node__init(m->symlinks[i]);
		m->symlinks[i]->name = (char *)d->links.items[i].name;
		m->symlinks[i]->target = (char *)d->links.items[i].target;
	}
}

/* D and all below it become blobs. */
static void pack(struct exec_root *r, struct dir *d)
{
	Reapi__Directory m = REAPI__DIRECTORY__INIT;
	struct str packed cleanup_str = STR_INIT;
	struct arena *arena cleanup_arena = arena_new();

	if (d->packed)
		return;
	if (d->files.count)
		qsort(d->files.items, d->files.count, sizeof(struct file), file_by_name);
	if (d->links.count)
		qsort(d->links.items, d->links.count, sizeof(struct link), link_by_name);
	if (d->dirs.count)
		qsort(d->dirs.items, d->dirs.count, sizeof(struct dir *), dir_by_name);
	pack_files(arena, d, &m);
	pack_links(arena, d, &m);
	m.n_directories = d->dirs.count;
	m.directories = arena_alloc(arena, (d->dirs.count + 1) * sizeof(*m.directories));
	for (size_t i = 0; i < d->dirs.count; i++) {
		pack(r, d->dirs.items[i]);
		m.directories[i] = arena_alloc(arena, sizeof(**m.directories));
		reapi__directory_node__init(m.directories[i]);
		m.directories[i]->name = (char *)d->dirs.items[i]->name;
		m.directories[i]->digest = name_of(arena, &d->dirs.items[i]->blob);
	}
	reapi_pack(&m.base, &packed);
	exec_root_add(r, &packed, &d->blob);
}

/* ---- what is in it ---- */

/* The map and the parts FIRST to FIRST + COUNT - 1 of A, as a Directory. */
static void add_volume(struct exec_root *r, const struct root_entry *e, const struct artifact *a,
		       const struct parts *parts, size_t first, size_t count,
		       struct remote_blob *ret)
{
	struct str map cleanup_str = STR_INIT, packed cleanup_str = STR_INIT;
	struct remote_blob map_blob, ignored;
	struct result_blob named;

	parts_map(a, parts, first, count, &map);
	exec_root_add(r, &map, &map_blob);
	for (size_t i = first; i < first + count; i++)
		add_file(r, e->source, parts->items[i].offset, parts->items[i].len,
			 &parts->items[i].digest, &ignored);
	named = (struct result_blob){map_blob.digest, map_blob.size};
	reapi_directory_pack(&named, parts->items + first, count, &packed);
	exec_root_add(r, &packed, ret);
}

static void add_volumes(struct exec_root *r, const struct root_entry *e, const struct artifact *a,
			const struct parts *parts, struct remote_blob *ret)
{
	size_t count = (parts->count + PARTS_PER_MAP - 1) / PARTS_PER_MAP;
	struct result_blob *named cleanup_free = xcalloc(count + 1, sizeof(*named));
	struct str packed cleanup_str = STR_INIT;

	if (count <= 1) {
		add_volume(r, e, a, parts, 0, parts->count, ret);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		size_t first = i * PARTS_PER_MAP, left = parts->count - first;
		struct remote_blob b;

		add_volume(r, e, a, parts, first, left < PARTS_PER_MAP ? left : PARTS_PER_MAP, &b);
		named[i] = (struct result_blob){b.digest, b.size};
	}
	reapi_volumes_pack(named, count, &packed);
	exec_root_add(r, &packed, ret);
}

static int add_parts(struct exec_root *r, const struct root_entry *e, int fd, uint64_t size,
		     struct err **err)
{
	const struct artifact a = {
		.name = path_base(e->path), .type = e->output, .digest = e->digest, .size = size};
	struct parts parts = {0};
	const char *name;
	struct dir *in = holder(r, arena_printf(r->arena, "%s.parts", e->path), &name), *d;
	int rc = parts_cut(fd, e->source, e->output, NULL, NULL, &parts, err);

	if (rc == 0) {
		d = sub_dir(r, in, name, strlen(name));
		d->packed = true;
		add_volumes(r, e, &a, &parts, &d->blob);
	}
	parts_clear(&parts);
	return rc;
}

/* The Directory of volume V. */
static void add_left_volume(struct exec_root *r, const struct root_entry *e,
			    const struct left_volume *v, struct remote_blob *ret)
{
	const struct str packed = {.buf = (char *)v->packed, .len = v->len};

	for (size_t i = 0; i < v->file_count; i++)
		add_kept(r, e, &v->files[i]);
	exec_root_add(r, &packed, ret);
}

static void add_left_parts(struct exec_root *r, const struct root_entry *e, struct remote_blob *ret)
{
	const struct left_output *o = e->left;
	size_t count = o->result.tree_count;
	struct result_blob *named cleanup_free = xcalloc(count + 1, sizeof(*named));
	struct str packed cleanup_str = STR_INIT;

	for (size_t i = 0; i < count; i++) {
		add_left_volume(r, e, &o->volumes[i], ret);
		named[i] = (struct result_blob){ret->digest, ret->size};
	}
	if (count == 1)
		return;
	reapi_volumes_pack(named, count, &packed);
	exec_root_add(r, &packed, ret);
}

/* What the executor keeps of an earlier command: its names are enough. */
static void add_left(struct exec_root *r, const struct root_entry *e)
{
	const struct artifact *a = &e->left->result.artifact;
	const struct result_blob whole = {a->digest, a->size};
	struct file f = {.blob = {.digest = a->digest, .size = a->size}};
	const char *name;
	struct dir *d;

	if (e->left->result.form == RESULT_BLOB) {
		add_kept(r, e, &whole);
		d = holder(r, e->path, &f.name);
		files_push(&d->files, f);
		return;
	}
	d = holder(r, arena_printf(r->arena, "%s.parts", e->path), &name);
	d = sub_dir(r, d, name, strlen(name));
	d->packed = true;
	add_left_parts(r, e, &d->blob);
}

static int add_source(struct exec_root *r, const struct root_entry *e, struct err **err)
{
	int fd cleanup_fd = open(e->source, O_RDONLY | O_CLOEXEC);
	struct file f = {.executable = e->executable};
	struct stat st;
	struct dir *d;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", e->source);
	if (e->type == ROOT_ARTIFACT && (st.st_size > RESULT_BLOB_MAX || e->output == OUTPUT_IMAGE))
		return add_parts(r, e, fd, (uint64_t)st.st_size, err);
	d = holder(r, e->path, &f.name);
	add_file(r, e->source, 0, (size_t)st.st_size, &e->digest, &f.blob);
	files_push(&d->files, f);
	return 0;
}

static int add_entry(struct exec_root *r, const struct root_entry *e, struct err **err)
{
	struct str text = STR_INIT;
	struct file f = {0};
	const char *name;
	struct dir *d;

	switch (e->type) {
	case ROOT_FILE:
	case ROOT_ARTIFACT:
		if (!e->left)
			return add_source(r, e, err);
		add_left(r, e);
		return 0;
	case ROOT_TEXT:
		d = holder(r, e->path, &f.name);
		str_append(&text, e->text);
		exec_root_add(r, &text, &f.blob);
		str_release(&text);
		files_push(&d->files, f);
		return 0;
	case ROOT_LINK:
		d = holder(r, e->path, &name);
		links_push(&d->links, (struct link){name, e->text});
		return 0;
	case ROOT_FOLDER:
		d = holder(r, e->path, &name);
		(void)sub_dir(r, d, name, strlen(name));
		return 0;
	}
	return 0;
}

int exec_root_new(const struct root_entries *entries, struct exec_root **ret, struct err **err)
{
	struct exec_root *r = xcalloc(1, sizeof(*r));
	int rc = 0;

	r->arena = arena_new();
	for (size_t i = 0; i < entries->count && rc == 0; i++)
		rc = add_entry(r, &entries->items[i], err);
	if (rc < 0) {
		exec_root_free(r);
		return -1;
	}
	pack(r, &r->top);
	*ret = r;
	return 0;
}

static void clear_dir(struct dir *d)
{
	for (size_t i = 0; i < d->dirs.count; i++)
		clear_dir(d->dirs.items[i]);
	dirs_clear(&d->dirs);
	files_clear(&d->files);
	links_clear(&d->links);
}

void exec_root_free(struct exec_root *r)
{
	if (!r)
		return;
	clear_dir(&r->top);
	for (size_t i = 0; i < r->items.count; i++)
		free(r->items.items[i].origin.data);
	items_clear(&r->items);
	arena_free(r->arena);
	free(r);
}

const struct remote_blob *exec_root_top(const struct exec_root *r)
{
	return &r->top.blob;
}

/* ---- sending ---- */

static int by_digest(const void *a, const void *b)
{
	return memcmp(&((const struct item *)a)->blob.digest,
		      &((const struct item *)b)->blob.digest, sizeof(struct digest));
}

/* Of the same name those that are here come first. */
static int by_name(const void *a, const void *b)
{
	int rc = by_digest(a, b);

	return rc ? rc
		  : !!((const struct item *)a)->origin.kept -
			       !!((const struct item *)b)->origin.kept;
}

/* Each once. */
static void sort_items(struct exec_root *r)
{
	struct item *v = r->items.items;
	size_t n = 0;

	qsort(v, r->items.count, sizeof(*v), by_name);
	for (size_t i = 0; i < r->items.count; i++) {
		if (n && by_digest(&v[n - 1], &v[i]) == 0)
			free(v[i].origin.data);
		else
			v[n++] = v[i];
	}
	r->items.count = n;
}

static int load(struct item *i, struct err **err)
{
	int fd cleanup_fd = -1;
	size_t done = 0;

	if (i->origin.data)
		return 0;
	if (i->origin.kept)
		return err_set(err, E_REMOTE_REFUSED,
			       "what it made of '%s' is no longer there as a whole",
			       i->origin.kept);
	fd = open(i->origin.source, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", i->origin.source);
	i->origin.data = xmalloc(i->blob.size + 1);
	while (done < i->blob.size) {
		ssize_t n = pread(fd, (char *)i->origin.data + done, i->blob.size - done,
				  (off_t)(i->origin.offset + done));

		if (n <= 0)
			return err_errno(err, E_READ_FAILED, n ? errno : EIO, "cannot read '%s'",
					 i->origin.source);
		done += (size_t)n;
	}
	return 0;
}

static void unload(struct item *i)
{
	if (i->origin.source)
		free(steal_ptr(i->origin.data));
}

/* As many of those that are missing from AT on as fit into memory. */
static int send_group(struct exec_root *r, struct transport *t, size_t *at, uint64_t *bytes,
		      struct err **err)
{
	struct remote_blob *group cleanup_free = xcalloc(r->items.count - *at, sizeof(*group));
	size_t first = *at, n = 0, size = 0;
	int rc = 0;

	for (; *at < r->items.count && size < UPLOAD_GROUP && rc == 0; ++*at) {
		struct item *i = &r->items.items[*at];

		if (!i->blob.missing)
			continue;
		rc = load(i, err);
		group[n] = i->blob;
		group[n++].data = i->origin.data;
		size += i->blob.size;
	}
	if (rc == 0 && n)
		rc = t->type->put(t, group, n, err);
	for (size_t i = first; i < *at; i++)
		unload(&r->items.items[i]);
	*bytes += size;
	return rc;
}

int exec_root_upload(struct exec_root *r, struct transport *t, uint64_t *ret_bytes,
		     struct err **err)
{
	struct remote_blob *all cleanup_free = NULL;
	size_t at = 0;
	int rc;

	sort_items(r);
	all = xcalloc(r->items.count + 1, sizeof(*all));
	for (size_t i = 0; i < r->items.count; i++)
		all[i] = r->items.items[i].blob;
	rc = t->type->missing(t, all, r->items.count, err);
	for (size_t i = 0; i < r->items.count; i++)
		r->items.items[i].blob.missing = all[i].missing;
	*ret_bytes = 0;
	while (rc == 0 && at < r->items.count)
		rc = send_group(r, t, &at, ret_bytes, err);
	return rc;
}
