/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/reapi.h"

#include <stdio.h>

#include "remote/reapi.pb-c.h"
#include "remote/transport.h"

/* No message of ours names more directories: what does is hostile. */
#define DIRECTORIES_MAX 4096u

/* --- helpers ------------------------------------------------------------------------------- */

/* A Digest and the text it points to. */
struct named {
	Reapi__Digest message;
	char hex[DIGEST_HEX + 1];
};

static Reapi__Digest *name_blob(struct named *n, const struct result_blob *b)
{
	reapi__digest__init(&n->message);
	n->message.hash = digest_hex(&b->digest, n->hex);
	n->message.size_bytes = (int64_t)b->size;
	return &n->message;
}

static int read_blob(const Reapi__Digest *d, struct result_blob *ret)
{
	if (!d || d->size_bytes < 0 || digest_parse(d->hash, &ret->digest) != 0)
		return 1;
	ret->size = (uint64_t)d->size_bytes;
	return 0;
}

static void pack(const ProtobufCMessage *m, struct str *ret)
{
	size_t len = protobuf_c_message_get_packed_size(m);

	protobuf_c_message_pack(m, (uint8_t *)str_reserve(ret, len + 1));
	ret->len += len;
	ret->buf[ret->len] = 0;
}

/* --- results ------------------------------------------------------------------------------- */

struct packing {
	struct arena *arena;
	Reapi__ActionResult message;
};

static void add_file(struct packing *p, const char *path, const struct digest *d, uint64_t size)
{
	Reapi__OutputFile *f = arena_alloc(p->arena, sizeof(*f));
	struct named *n = arena_alloc(p->arena, sizeof(*n));
	struct result_blob blob = {*d, size};

	reapi__output_file__init(f);
	f->path = arena_strdup(p->arena, path);
	f->digest = name_blob(n, &blob);
	p->message.output_files[p->message.n_output_files++] = f;
}

/* What volume I of COUNT is called. */
static char *tree_path(struct arena *arena, const char *name, size_t count, size_t i)
{
	return count == 1 ? arena_printf(arena, "%s.parts", name)
			  : arena_printf(arena, "%s.parts/%03zx", name, i);
}

static void add_tree(struct packing *p, const struct result_output *o, size_t i)
{
	Reapi__OutputDirectory *d = arena_alloc(p->arena, sizeof(*d));
	struct named *n = arena_alloc(p->arena, sizeof(*n));

	reapi__output_directory__init(d);
	d->path = tree_path(p->arena, o->artifact.name, o->tree_count, i);
	d->tree_digest = name_blob(n, &o->trees[i]);
	p->message.output_directories[p->message.n_output_directories++] = d;
}

static size_t tree_count(const struct result *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->output_count; i++)
		n += r->outputs[i].tree_count;
	return n;
}

void reapi_result_pack(const struct result *r, const struct str *text, struct str *ret)
{
	struct arena *arena cleanup_arena = arena_new();
	struct packing p = {.arena = arena};
	struct named log;

	reapi__action_result__init(&p.message);
	p.message.output_files =
		arena_alloc(arena, (r->output_count + 2) * sizeof(*p.message.output_files));
	p.message.output_directories =
		arena_alloc(arena, (tree_count(r) + 1) * sizeof(*p.message.output_directories));
	for (size_t i = 0; i < r->output_count; i++) {
		const struct result_output *o = &r->outputs[i];

		if (o->form == RESULT_BLOB)
			add_file(&p, o->artifact.name, &o->artifact.digest, o->artifact.size);
		for (size_t t = 0; o->form == RESULT_PARTS && t < o->tree_count; t++)
			add_tree(&p, o, t);
	}
	if (r->manifest_size)
		add_file(&p, ".manifest", &r->key, r->manifest_size);
	p.message.stdout_raw.data = (uint8_t *)text->buf;
	p.message.stdout_raw.len = text->len;
	if (r->has_log)
		p.message.stderr_digest = name_blob(&log, &r->log);
	pack(&p.message.base, ret);
}

/* It is what protobuf-c makes of the bytes. */
static Reapi__ActionResult *message_of(const struct reapi_result *m)
{
	return (Reapi__ActionResult *)m;
}

struct reapi_result *reapi_result_open(const void *message, size_t len)
{
	Reapi__ActionResult *m =
		len <= REMOTE_RESULT_MAX ? reapi__action_result__unpack(NULL, len, message) : NULL;

	if (m && (m->exit_code != 0 || m->n_output_directories > DIRECTORIES_MAX)) {
		reapi__action_result__free_unpacked(m, NULL);
		return NULL;
	}
	return (struct reapi_result *)m;
}

void reapi_result_free(struct reapi_result *m)
{
	if (m)
		reapi__action_result__free_unpacked(message_of(m), NULL);
}

const char *reapi_result_text(const struct reapi_result *m)
{
	return (const char *)message_of(m)->stdout_raw.data;
}

size_t reapi_result_len(const struct reapi_result *m)
{
	return message_of(m)->stdout_raw.len;
}

static int find_tree(const Reapi__ActionResult *m, const char *path, struct result_blob *ret)
{
	for (size_t i = 0; i < m->n_output_directories; i++)
		if (str_eq(m->output_directories[i]->path, path))
			return read_blob(m->output_directories[i]->tree_digest, ret);
	return 1;
}

static int find_trees(const Reapi__ActionResult *m, struct arena *arena, struct result_output *o)
{
	const char *name = o->artifact.name;

	o->trees = arena_alloc(arena, sizeof(*o->trees));
	o->tree_count = 1;
	if (find_tree(m, tree_path(arena, name, 1, 0), &o->trees[0]) == 0)
		return o->trees[0].size > REMOTE_BLOB_MAX;
	o->trees = arena_alloc(arena, PARTS_VOLUMES_MAX * sizeof(*o->trees));
	for (o->tree_count = 0; o->tree_count < PARTS_VOLUMES_MAX; o->tree_count++) {
		struct result_blob *tree = &o->trees[o->tree_count];

		if (find_tree(m, tree_path(arena, name, 2, o->tree_count), tree) != 0)
			break;
		if (tree->size > REMOTE_BLOB_MAX)
			return 1;
	}
	return o->tree_count == 0;
}

int reapi_result_trees(const struct reapi_result *m, struct arena *arena, struct result *r)
{
	for (size_t i = 0; i < r->output_count; i++)
		if (r->outputs[i].form == RESULT_PARTS &&
		    find_trees(message_of(m), arena, &r->outputs[i]) != 0)
			return 1;
	return 0;
}

int reapi_result_blobs(const void *message, size_t len, struct arena *arena,
		       struct result_blob **ret, size_t *ret_count)
{
	struct reapi_result *opened cleanup_reapi_result = reapi_result_open(message, len);
	const Reapi__ActionResult *m = message_of(opened);
	struct result_blob *all;
	size_t n = 0;
	int rc = 0;

	if (!m)
		return 1;
	all = arena_alloc(arena, (m->n_output_files + m->n_output_directories + 1) * sizeof(*all));
	for (size_t i = 0; rc == 0 && i < m->n_output_files; i++)
		rc = read_blob(m->output_files[i]->digest, &all[n++]);
	for (size_t i = 0; rc == 0 && i < m->n_output_directories; i++)
		rc = read_blob(m->output_directories[i]->tree_digest, &all[n++]);
	if (rc == 0 && m->stderr_digest)
		rc = read_blob(m->stderr_digest, &all[n++]);
	*ret = all;
	*ret_count = n;
	return rc;
}

int reapi_result_trees_all(const void *message, size_t len, struct arena *arena,
			   struct result_blob **ret, size_t *ret_count)
{
	struct reapi_result *opened cleanup_reapi_result = reapi_result_open(message, len);
	const Reapi__ActionResult *m = message_of(opened);
	int rc = 0;

	if (!m)
		return 1;
	*ret = arena_alloc(arena, (m->n_output_directories + 1) * sizeof(**ret));
	*ret_count = m->n_output_directories;
	for (size_t i = 0; rc == 0 && i < m->n_output_directories; i++)
		rc = read_blob(m->output_directories[i]->tree_digest, &(*ret)[i]);
	return rc;
}

/* --- directories --------------------------------------------------------------------------- */

static int by_digest(const void *a, const void *b)
{
	return memcmp(&((const struct part *)a)->digest, &((const struct part *)b)->digest,
		      DIGEST_LEN);
}

static void set_file(Reapi__FileNode *f, struct named *n, const struct result_blob *b,
		     const char *name)
{
	reapi__file_node__init(f);
	f->digest = name_blob(n, b);
	f->name = name ? (char *)name : n->hex;
}

void reapi_directory_pack(const struct result_blob *map, const struct part *parts, size_t count,
			  struct str *ret)
{
	struct part *sorted cleanup_free = xmemdup(parts, count * sizeof(*parts));
	Reapi__FileNode *files cleanup_free = xcalloc(count + 1, sizeof(*files));
	Reapi__FileNode **list cleanup_free = xcalloc(count + 1, sizeof(struct Reapi__FileNode *));
	struct named *names cleanup_free = xcalloc(count + 1, sizeof(*names));
	Reapi__Directory d = REAPI__DIRECTORY__INIT;
	size_t n = 0;

	if (count)
		qsort(sorted, count, sizeof(*sorted), by_digest);
	for (size_t i = 0; i < count; i++) {
		struct result_blob b = {sorted[i].digest, sorted[i].len};

		if (i && digest_eq(&sorted[i - 1].digest, &sorted[i].digest))
			continue;
		set_file(&files[n], &names[n], &b, NULL);
		list[n] = &files[n];
		n++;
	}
	/* Names are sorted: digits and a to f come before. */
	set_file(&files[n], &names[n], map, "map");
	list[n] = &files[n];
	d.files = list;
	d.n_files = n + 1;
	pack(&d.base, ret);
}

void reapi_volumes_pack(const struct result_blob *directories, size_t count, struct str *ret)
{
	struct arena *arena cleanup_arena = arena_new();
	Reapi__Directory d = REAPI__DIRECTORY__INIT;

	d.directories = arena_alloc(arena, (count + 1) * sizeof(*d.directories));
	for (size_t i = 0; i < count; i++) {
		Reapi__DirectoryNode *n = arena_alloc(arena, sizeof(*n));

		reapi__directory_node__init(n);
		n->name = arena_printf(arena, "%03zx", i);
		n->digest = name_blob(arena_alloc(arena, sizeof(struct named)), &directories[i]);
		d.directories[d.n_directories++] = n;
	}
	pack(&d.base, ret);
}

/* Tree's field 1 with the bytes as they are. */
void reapi_tree_pack(const struct str *directory, struct str *ret)
{
	size_t len = directory->len;

	str_append_char(ret, 0x0a);
	for (; len >= 0x80; len >>= 7)
		str_append_char(ret, (char)(len | 0x80));
	str_append_char(ret, (char)len);
	str_append_len(ret, directory->buf, directory->len);
}

int reapi_tree_files(const void *tree, size_t len, struct arena *arena, struct result_blob **ret,
		     size_t *ret_count)
{
	Reapi__Tree *t = len <= REMOTE_BLOB_MAX ? reapi__tree__unpack(NULL, len, tree) : NULL;
	size_t count = t && t->root ? t->root->n_files : 0;
	struct result_blob *all = arena_alloc(arena, (count + 1) * sizeof(*all));
	int rc = t && t->root ? 0 : 1;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = read_blob(t->root->files[i]->digest, &all[i]);
	if (t)
		reapi__tree__free_unpacked(t, NULL);
	*ret = all;
	*ret_count = count;
	return rc;
}

int reapi_tree_map(const void *tree, size_t len, struct result_blob *ret)
{
	Reapi__Tree *t = len <= REMOTE_BLOB_MAX ? reapi__tree__unpack(NULL, len, tree) : NULL;
	int rc = 1;

	for (size_t i = 0; t && t->root && rc == 1 && i < t->root->n_files; i++)
		if (str_eq(t->root->files[i]->name, "map"))
			rc = read_blob(t->root->files[i]->digest, ret);
	if (t)
		reapi__tree__free_unpacked(t, NULL);
	return rc;
}

int reapi_tree_directory(const void *tree, size_t len, struct digest *ret)
{
	const unsigned char *p = tree, *end = p + len;
	uint64_t size = 0;
	unsigned shift = 0;

	if (p == end || *p++ != 0x0a)
		return 1;
	for (; p < end && shift < 35; shift += 7) {
		size |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p++ & 0x80)) {
			if (size > (uint64_t)(end - p))
				return 1;
			digest_data(p, size, ret);
			return 0;
		}
	}
	return 1;
}
