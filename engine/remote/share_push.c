/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/cdc.h"
#include "base/file.h"
#include "base/path.h"
#include "remote/reapi.h"
#include "remote/share_priv.h"
#include "store/cas.h"

/* A result on its way out. */
struct push {
	struct share *s;
	struct transport *t;
	struct arena *arena;
	const struct record *rec;
	char *const *paths; /* of the outputs' files */
	const struct share_push_opts *opts;
	struct result r;
	const struct result *there; /* the same result, whose bytes may be gone; or NULL */
};

/* --- blobs --------------------------------------------------------------------------------- */

/* Marks those that are to be sent. */
static int find_missing(struct push *p, struct remote_blob *blobs, size_t n, struct err **err)
{
	if (!p->opts->repair)
		return p->t->type->missing(p->t, blobs, n, err);
	for (size_t i = 0; i < n; i++)
		blobs[i].missing = true;
	return 0;
}

/* Those in memory that are not there yet. */
static int put_data(struct push *p, struct remote_blob *blobs, size_t n, struct err **err)
{
	int rc = find_missing(p, blobs, n, err);

	if (rc == 0)
		rc = p->t->type->put(p->t, blobs, n, err);
	share_tell(p->s);
	return rc;
}

static int put_text(struct push *p, const struct str *text, struct result_blob *ret,
		    struct err **err)
{
	struct remote_blob b = {.size = text->len, .data = text->buf};

	digest_data(text->buf, text->len, &b.digest);
	*ret = (struct result_blob){b.digest, b.size};
	if (b.size > REMOTE_BLOB_MAX)
		return err_set(err, E_REMOTE_REFUSED, "%zu bytes are too many for one blob",
			       text->len);
	return put_data(p, &b, 1, err);
}

/* Bytes that are read again from a file, of which only some are missing. */
struct source {
	int fd;
	const char *path;
	const struct part *const *parts; /* of the blobs, in their order */
};

static int read_part(const struct source *src, size_t i, struct remote_blob *b, struct err **err)
{
	char *bytes cleanup_free = xmalloc(b->size);
	ssize_t n = pread(src->fd, bytes, b->size, (off_t)src->parts[i]->offset);

	if (n < 0 || (size_t)n != b->size)
		return err_errno(err, E_READ_FAILED, n < 0 ? errno : EIO, "cannot read '%s'",
				 src->path);
	b->data = steal_ptr(bytes);
	return 0;
}

/* As many of the missing ones as fit into a batch, from FROM on; *RET_END: where it ends. */
static int put_batch(struct push *p, const struct source *src, struct remote_blob *blobs, size_t n,
		     size_t from, size_t *ret_end, struct err **err)
{
	uint64_t bytes = 0;
	size_t i = from;
	int rc = 0;

	for (; rc == 0 && i < n && bytes < SHARE_BATCH_BYTES; i++) {
		if (!blobs[i].missing)
			continue;
		rc = read_part(src, i, &blobs[i], err);
		bytes += blobs[i].size;
	}
	if (rc == 0 && bytes)
		rc = p->t->type->put(p->t, blobs + from, i - from, err);
	for (size_t k = from; k < i; k++) {
		free((void *)blobs[k].data);
		blobs[k].data = NULL;
	}
	share_tell(p->s);
	*ret_end = i;
	return rc;
}

/* The N parts, each of another name, of a file. */
static int put_named(struct push *p, int fd, const char *path, const struct part *const *parts,
		     size_t n, struct err **err)
{
	struct remote_blob *blobs cleanup_free = xcalloc(n + 1, sizeof(*blobs));
	const struct source src = {fd, path, parts};
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		blobs[i] = (struct remote_blob){.digest = parts[i]->digest, .size = parts[i]->len};
	for (size_t i = 0; rc == 0 && i < n; i += SHARE_ASK_MAX)
		rc = find_missing(p, blobs + i, n - i < SHARE_ASK_MAX ? n - i : SHARE_ASK_MAX, err);
	for (size_t i = 0; rc == 0 && i < n;)
		rc = put_batch(p, &src, blobs, n, i, &i, err);
	return rc;
}

static int by_digest(const void *a, const void *b)
{
	const struct part *const *x = a, *const *y = b;

	return memcmp(&(*x)->digest, &(*y)->digest, DIGEST_LEN);
}

static int put_parts(struct push *p, int fd, const char *path, const struct parts *parts,
		     struct err **err)
{
	const struct part **names cleanup_free = xcalloc(parts->count + 1, sizeof(struct part *));
	size_t n = 0;

	for (size_t i = 0; i < parts->count; i++)
		names[i] = &parts->items[i];
	qsort(names, parts->count, sizeof(*names), by_digest);
	for (size_t i = 0; i < parts->count; i++)
		if (!n || !digest_eq(&names[n - 1]->digest, &names[i]->digest))
			names[n++] = names[i];
	return put_named(p, fd, path, names, n, err);
}

/* --- outputs ------------------------------------------------------------------------------- */

static int put_volume(struct push *p, const struct artifact *a, const struct parts *parts,
		      size_t first, size_t count, struct result_blob *ret_directory,
		      struct result_blob *ret_tree, struct err **err)
{
	struct str map cleanup_str = STR_INIT, directory cleanup_str = STR_INIT;
	struct str tree cleanup_str = STR_INIT;
	struct result_blob map_blob;

	parts_map(a, parts, first, count, &map);
	if (put_text(p, &map, &map_blob, err) < 0)
		return -1;
	reapi_directory_pack(&map_blob, parts->items + first, count, &directory);
	reapi_tree_pack(&directory, &tree);
	if (put_text(p, &directory, ret_directory, err) < 0)
		return -1;
	return put_text(p, &tree, ret_tree, err);
}

/* The directories of PARTS, in as many volumes as that takes. */
static int put_volumes(struct push *p, const struct parts *parts, struct result_output *o,
		       struct err **err)
{
	size_t count = parts->count ? (parts->count - 1) / PARTS_PER_MAP + 1 : 1;
	struct result_blob *directories = arena_alloc(p->arena, count * sizeof(*directories));
	struct str all cleanup_str = STR_INIT;

	if (count > PARTS_VOLUMES_MAX)
		return err_set(err, E_REMOTE_REFUSED, "'%s' is too large to be shared",
			       o->artifact.name);
	o->trees = arena_alloc(p->arena, count * sizeof(*o->trees));
	o->tree_count = count;
	for (size_t i = 0; i < count; i++) {
		size_t first = i * PARTS_PER_MAP, left = parts->count - first;

		if (put_volume(p, &o->artifact, parts, first,
			       left < PARTS_PER_MAP ? left : PARTS_PER_MAP, &directories[i],
			       &o->trees[i], err) < 0)
			return -1;
	}
	o->directory = directories[0];
	if (count == 1)
		return 0;
	reapi_volumes_pack(directories, count, &all);
	return put_text(p, &all, &o->directory, err);
}

static int put_in_parts(struct push *p, int fd, const char *path, struct result_output *o,
			struct err **err)
{
	struct parts parts = {0};
	int rc = parts_cut(fd, path, o->artifact.type, NULL, NULL, &parts, err);

	if (rc == 0)
		rc = put_parts(p, fd, path, &parts, err);
	if (rc == 0)
		rc = put_volumes(p, &parts, o, err);
	parts_clear(&parts);
	return rc;
}

static int put_whole(struct push *p, int fd, const char *path, const struct result_output *o,
		     struct err **err)
{
	struct str bytes cleanup_str = STR_INIT;
	struct result_blob got;

	if (fd_read_all(fd, path, RESULT_BLOB_MAX, &bytes, err) < 0 ||
	    put_text(p, &bytes, &got, err) < 0)
		return -1;
	return digest_eq(&got.digest, &o->artifact.digest)
		       ? 0
		       : err_set(err, E_BLOB_DAMAGED, "'%s' of the store has changed", path);
}

static int put_output(struct push *p, size_t i, struct err **err)
{
	struct result_output *o = &p->r.outputs[i];
	const char *path = p->paths[i];
	struct blob_state state cleanup_blob_state = {0};
	int fd cleanup_fd = -1;

	if (o->form == RESULT_NONE)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	if (p->opts->check && o->form == RESULT_PARTS) {
		int rc = blob_hash(p->s->store, &o->artifact, &state, err);

		if (rc != 0)
			return rc < 0 ? -1
				      : err_set(err, E_BLOB_DAMAGED, "'%s' of the store: %s", path,
						state.why);
	}
	return o->form == RESULT_BLOB ? put_whole(p, fd, path, o, err)
				      : put_in_parts(p, fd, path, o, err);
}

/* --- the result ---------------------------------------------------------------------------- */

static enum result_form form_of(const struct push *p, size_t i)
{
	const struct artifact *a = &p->rec->outputs[i];

	if (p->opts->none && p->opts->none[i])
		return RESULT_NONE;
	return a->type != OUTPUT_IMAGE && a->size <= RESULT_BLOB_MAX ? RESULT_BLOB : RESULT_PARTS;
}

static void describe(struct push *p)
{
	struct result *r = &p->r;
	struct utsname u;

	uname(&u);
	*r = (struct result){
		.key = p->rec->key,
		.node = p->rec->node,
		.seconds = p->rec->seconds,
		.built_at = p->rec->built_at,
		.host = arena_strdup(p->arena, u.nodename),
		.version = ORCH_VERSION,
		.machine = arena_strdup(p->arena, u.machine),
		.libraries = result_libraries,
		.manifest_size = strlen(p->rec->manifest),
		.outputs = arena_alloc(p->arena, (p->rec->output_count + 1) * sizeof(*r->outputs)),
		.output_count = p->rec->output_count,
	};
	for (size_t i = 0; i < r->output_count; i++) {
		r->outputs[i].artifact = p->rec->outputs[i];
		r->outputs[i].form = form_of(p, i);
	}
}

/* A log that is too large, or gone, is left out. */
static int put_log(struct push *p, struct err **err)
{
	static const struct digest none;
	char *path cleanup_free = cas_named_path(p->s->store, "logs", &p->rec->log, "");
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (digest_eq(&p->rec->log, &none) || file_read(path, REMOTE_BLOB_MAX, &text, &ignored) < 0)
		return 0;
	if (put_text(p, &text, &p->r.log, err) < 0)
		return -1;
	p->r.has_log = digest_eq(&p->r.log.digest, &p->rec->log);
	return 0;
}

static int put_manifest(struct push *p, struct err **err)
{
	struct str text = {.buf = (char *)p->rec->manifest, .len = strlen(p->rec->manifest)};
	struct result_blob got;

	return put_text(p, &text, &got, err);
}

static int put_result(struct push *p, struct err **err)
{
	struct str message cleanup_str = STR_INIT;
	int rc;

	result_encode(&p->r, p->s->signer, &message);
	if (message.len > RESULT_TEXT_MAX * 4)
		return err_set(err, E_REMOTE_REFUSED, "the record of '%s' is too large",
			       p->rec->node);
	rc = p->t->type->result_put(p->t, &p->rec->key, strlen(p->rec->manifest), &message, err);
	share_tell(p->s);
	return rc;
}

static void explain(const struct push *p, const struct result *there, char **ret_why)
{
	const struct result *ours = &p->r;
	const char *name = "";

	for (size_t i = 0; i < ours->output_count && i < there->output_count && !*name; i++)
		if (!digest_eq(&ours->outputs[i].artifact.digest,
			       &there->outputs[i].artifact.digest))
			name = ours->outputs[i].artifact.name;
	if (!str_eq(ours->libraries, there->libraries)) {
		*ret_why = xasprintf("'%s' was made by '%s' with %s, here it is %s: the older one "
				     "stays in %s; give each release of a distribution a place of "
				     "its own",
				     ours->node, there->host, there->libraries, ours->libraries,
				     p->t->shown);
		return;
	}
	*ret_why =
		xasprintf("'%s' is not reproducible: of the same inputs, '%s' made another '%s' "
			  "at '%s' (orch %s); the older one stays in %s",
			  ours->node, ours->host, name, there->host, there->version, p->t->shown);
}

/* 0: there is none that counts, go on; 1: *RET says what there is. */
static int look_first(struct push *p, enum share_pushed *ret, char **ret_why, struct err **err)
{
	char *why cleanup_free = NULL;
	struct result *there;
	int rc = share_ask(p->s, 0, &p->rec->key, strlen(p->rec->manifest), &p->s->trust, p->arena,
			   &there, &why, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (!result_fits(there, p->rec->outputs, p->rec->output_count))
		return 0;
	if (result_same(there, &p->r)) {
		*ret = SHARE_KNOWN;
		p->s->counts.known++;
		p->there = there;
		return p->opts->again || p->opts->repair ? 0 : 1;
	}
	*ret = SHARE_DIFFERS;
	explain(p, there, ret_why);
	return 1;
}

/* Whether what is there names the very blobs: then it need not be written again. */
static bool names_the_same(const struct push *p)
{
	for (size_t i = 0; i < p->r.output_count; i++) {
		const struct result_output *a = &p->r.outputs[i], *b = &p->there->outputs[i];

		if (a->form != b->form || a->tree_count != b->tree_count)
			return false;
		for (size_t t = 0; a->form == RESULT_PARTS && t < a->tree_count; t++)
			if (!digest_eq(&a->trees[t].digest, &b->trees[t].digest))
				return false;
	}
	return true;
}

static int push_all(struct push *p, enum share_pushed *ret, char **ret_why, struct err **err)
{
	int rc;

	describe(p);
	rc = look_first(p, ret, ret_why, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < p->r.output_count; i++)
		if (put_output(p, i, err) < 0)
			return -1;
	if (put_log(p, err) < 0 || put_manifest(p, err) < 0)
		return -1;
	if (p->there && names_the_same(p))
		return 0;
	if (put_result(p, err) < 0)
		return -1;
	p->s->counts.pushed++;
	*ret = SHARE_PUSHED;
	return 0;
}

int share_store(struct share *s, const struct record *rec, char *const *paths,
		const struct share_push_opts *opts, enum share_pushed *ret, char **ret_why,
		struct err **err)
{
	static const struct share_push_opts plain;
	struct arena *arena cleanup_arena = arena_new();
	struct push p = {.s = s,
			 .t = s->all[0],
			 .arena = arena,
			 .rec = rec,
			 .paths = paths,
			 .opts = opts ? opts : &plain};

	*ret_why = NULL;
	if (push_all(&p, ret, ret_why, err) < 0)
		return err_wrap(err, "cannot share '%s'", rec->node);
	return 0;
}

/* What it was made of and archives may drop. */
static int push_downloads(struct share *s, const struct record *rec, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct digest *all;
	size_t count = share_downloads(arena, rec->manifest, &all);

	for (size_t i = 0; i < count; i++)
		if (share_download_put(s, &all[i], err) < 0)
			return -1;
	return 0;
}

int share_push(struct share *s, const struct record *rec, const struct share_push_opts *opts,
	       enum share_pushed *ret, char **ret_why, struct err **err)
{
	struct strv paths cleanup_strv = {0};

	for (size_t i = 0; i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];

		strv_take(&paths, cas_path(s->store, a->type, &a->digest));
	}
	if (share_store(s, rec, paths.items, opts, ret, ret_why, err) < 0)
		return -1;
	return *ret == SHARE_PUSHED ? push_downloads(s, rec, err) : 0;
}
