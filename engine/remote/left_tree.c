/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What left.h tells of, written and read: all of it was made by others. */
#include "base/cdc.h"
#include "base/file.h"
#include "base/line.h"
#include "base/path.h"
#include "recipe/kind.h"
#include "remote/left.h"
#include "remote/parts.h"
#include "remote/reapi.pb-c.h"

#define FIRST "orch-left 1\n"
#define FILE_MAX (80u << 20)
#define FILES_MAX 200000u

struct reading {
	struct arena *arena;
	Reapi__Tree *tree;
	struct left_volume *children; /* of the tree's, packed */
	struct digest *names;         /* and what they are called */
	size_t files;
	struct err **err;
};

static int wrong(struct reading *r, const char *why)
{
	return err_set(r->err, E_REMOTE_DAMAGED, "what the worker made is named wrongly: %s", why);
}

static int blob_of(struct reading *r, const Reapi__Digest *d, uint64_t max, struct result_blob *ret)
{
	if (!d || d->size_bytes < 0 || digest_parse(d->hash, &ret->digest) != 0)
		return wrong(r, "a digest is malformed");
	ret->size = (uint64_t)d->size_bytes;
	return ret->size > max ? wrong(r, "a file is too large") : 0;
}

static void pack_children(struct reading *r)
{
	size_t count = r->tree->n_children;

	r->children = arena_alloc(r->arena, (count + 1) * sizeof(*r->children));
	r->names = arena_alloc(r->arena, (count + 1) * sizeof(*r->names));
	for (size_t i = 0; i < count; i++) {
		const ProtobufCMessage *m = &r->tree->children[i]->base;
		struct left_volume *v = &r->children[i];

		*v = (struct left_volume){.len = protobuf_c_message_get_packed_size(m)};
		v->packed = arena_alloc(r->arena, v->len + 1);
		protobuf_c_message_pack(m, (uint8_t *)v->packed);
		digest_data(v->packed, v->len, &r->names[i]);
	}
}

/* The child that NODE names, or their count. */
static size_t child_of(const struct reading *r, const Reapi__DirectoryNode *node)
{
	struct digest want;
	size_t i = 0;

	if (!node->digest || digest_parse(node->digest->hash, &want) != 0)
		return r->tree->n_children;
	while (i < r->tree->n_children && !digest_eq(&r->names[i], &want))
		i++;
	return i;
}

/* One that holds a map and its parts. */
static int take_volume(struct reading *r, size_t child, struct left_output *o)
{
	const Reapi__Directory *d = r->tree->children[child];
	struct left_volume *v = &o->volumes[o->result.tree_count];
	struct result_blob *map = &o->result.maps[o->result.tree_count];
	bool found = false;

	r->files += d->n_files;
	if (r->files > FILES_MAX)
		return wrong(r, "there are too many files");
	*v = r->children[child];
	v->files = arena_alloc(r->arena, (d->n_files + 1) * sizeof(*v->files));
	for (size_t i = 0; i < d->n_files; i++) {
		struct result_blob *b = &v->files[v->file_count];
		bool is_map = str_eq(d->files[i]->name, "map");

		if (blob_of(r, d->files[i]->digest, is_map ? PARTS_MAP_MAX : CDC_MAX, b) < 0)
			return -1;
		o->result.bytes += b->size;
		v->file_count++;
		if (is_map)
			*map = *b;
		found = found || is_map;
	}
	o->result.tree_count++;
	return found ? 0 : wrong(r, "a map is missing");
}

static int take_volumes(struct reading *r, size_t child, struct left_output *o)
{
	const Reapi__Directory *d = r->tree->children[child];
	size_t count = d->n_directories ? d->n_directories : 1;

	if (count > PARTS_VOLUMES_MAX)
		return wrong(r, "there are too many directories");
	o->result.form = RESULT_PARTS;
	o->volumes = arena_alloc(r->arena, count * sizeof(*o->volumes));
	o->result.maps = arena_alloc(r->arena, count * sizeof(*o->result.maps));
	if (!d->n_directories)
		return take_volume(r, child, o);
	for (size_t i = 0; i < count; i++) {
		char *name cleanup_free = xasprintf("%03zx", i);
		size_t below = child_of(r, d->directories[i]);

		if (!str_eq(d->directories[i]->name, name) || below == r->tree->n_children)
			return wrong(r, "a directory is missing");
		if (take_volume(r, below, o) < 0)
			return -1;
	}
	return 0;
}

static int take_parts(struct reading *r, size_t number, struct left_output *o)
{
	char *name cleanup_free = xasprintf("%zu.parts", number);
	const Reapi__Directory *top = r->tree->root;

	for (size_t i = 0; i < top->n_directories; i++) {
		size_t child = child_of(r, top->directories[i]);

		if (str_eq(top->directories[i]->name, name) && child < r->tree->n_children)
			return take_volumes(r, child, o);
	}
	return err_set(r->err, E_REMOTE_DAMAGED, "output '%s' is missing in it",
		       o->result.artifact.name);
}

/* A small one is named by its bytes: what was told of it can be compared at once. */
static int take_blob(struct reading *r, size_t number, struct left_output *o)
{
	char *name cleanup_free = xasprintf("%zu", number);
	const struct artifact *a = &o->result.artifact;
	const Reapi__Directory *top = r->tree->root;

	for (size_t i = 0; i < top->n_files; i++) {
		struct result_blob b;

		if (!str_eq(top->files[i]->name, name))
			continue;
		if (blob_of(r, top->files[i]->digest, RESULT_BLOB_MAX, &b) < 0)
			return -1;
		o->result.form = RESULT_BLOB;
		o->result.bytes = b.size;
		if (b.size == a->size && digest_eq(&b.digest, &a->digest))
			return 0;
		return err_set(r->err, E_REMOTE_DAMAGED,
			       "there are other bytes as output '%s' than its worker made",
			       a->name);
	}
	return err_set(r->err, E_REMOTE_DAMAGED, "output '%s' is missing in it", a->name);
}

static int take_outputs(struct reading *r, struct left *l)
{
	for (size_t i = 0; i < l->output_count; i++) {
		struct left_output *o = &l->outputs[i];
		const struct artifact *a = &o->result.artifact;
		bool parts = a->type == OUTPUT_IMAGE || a->size > RESULT_BLOB_MAX;

		if ((parts ? take_parts(r, i, o) : take_blob(r, i, o)) < 0)
			return -1;
	}
	return 0;
}

static int read_tree(struct arena *arena, const char *tree, size_t len, struct left *l,
		     struct err **err)
{
	struct reading r = {.arena = arena, .err = err};
	int rc;

	r.tree = reapi__tree__unpack(NULL, len, (const uint8_t *)tree);
	if (r.tree && r.tree->root) {
		pack_children(&r);
		rc = take_outputs(&r, l);
	} else {
		rc = wrong(&r, "a tree cannot be read");
	}
	if (r.tree)
		reapi__tree__free_unpacked(r.tree, NULL);
	return rc;
}

static int take_line(const struct line *w, struct left *l, uint64_t *ret_tree)
{
	struct artifact *a = &l->outputs[l->output_count].result.artifact;

	if (line_is(w, "tree", 2))
		return str_u64(w->items[1], ret_tree) != 0 ? -1 : 1;
	if (!line_is(w, "output", 6) || l->output_count == RESULT_OUTPUTS_MAX ||
	    output_type_parse(w->items[2], &a->type) != 0 ||
	    digest_parse(w->items[3], &a->digest) != 0 || str_u64(w->items[4], &a->size) != 0 ||
	    str_u64(w->items[5], &a->allocated) != 0)
		return -1;
	a->name = w->items[1];
	l->output_count++;
	return 0;
}

/* The lines before the Tree, which begins at *RET. 1: malformed. */
static int read_head(const char *text, size_t len, struct arena *arena, struct left *l,
		     const char **ret)
{
	const char *p = str_skip(text, FIRST), *end = text + len;
	uint64_t tree = 0;
	struct line w;
	int rc = 0;

	if (!p || line_read(arena, &p, end, &w) != 0 || !line_is(&w, "place", 2))
		return 1;
	l->place = w.items[1];
	l->outputs = arena_alloc(arena, (RESULT_OUTPUTS_MAX + 1) * sizeof(*l->outputs));
	while (rc == 0)
		rc = line_read(arena, &p, end, &w) != 0 ? -1 : take_line(&w, l, &tree);
	*ret = p;
	return rc == 1 && tree == (uint64_t)(end - p) ? 0 : 1;
}

int left_parse(const char *text, size_t len, struct arena *arena, struct left *ret,
	       struct err **err)
{
	const char *tree;

	*ret = (struct left){0};
	if (read_head(text, len, arena, ret, &tree) != 0)
		return err_set(err, E_REMOTE_DAMAGED,
			       "what a farm left is told in no form that "
			       "this orch knows");
	return read_tree(arena, tree, (size_t)(text + len - tree), ret, err);
}

static void put_head(struct str *s, const char *place, const struct artifact *outputs, size_t count,
		     size_t tree)
{
	char hex[DIGEST_HEX + 1];

	str_append(s, FIRST "place ");
	str_quote(s, place);
	str_append_char(s, '\n');
	for (size_t i = 0; i < count; i++) {
		const struct artifact *a = &outputs[i];

		str_append(s, "output ");
		str_quote(s, a->name);
		str_printf(s, " %s %s %ju %ju\n", output_type_word(a->type),
			   digest_hex(&a->digest, hex), (uintmax_t)a->size,
			   (uintmax_t)a->allocated);
	}
	str_printf(s, "tree %zu\n", tree);
}

int left_save(const char *store_dir, const struct digest *key, const char *place,
	      const struct artifact *outputs, size_t count, const struct str *tree,
	      struct err **err)
{
	char *path cleanup_free = store_left_path(store_dir, key);
	struct arena *arena cleanup_arena = arena_new();
	struct str text cleanup_str = STR_INIT;
	struct left l;

	put_head(&text, place, outputs, count, tree->len);
	str_append_len(&text, tree->buf, tree->len);
	if (left_parse(text.buf, text.len, arena, &l, err) < 0 || path_mkparents(path, err) < 0)
		return -1;
	return file_write(path, text.buf, text.len, 0644, true, err);
}

int left_load(const char *store_dir, const struct digest *key, struct arena *arena,
	      struct left *ret)
{
	char *path cleanup_free = store_left_path(store_dir, key);
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (file_read_foreign(path, FILE_MAX, &text, &ignored) < 0)
		return 1;
	return left_parse(text.buf, text.len, arena, ret, &ignored) < 0;
}
