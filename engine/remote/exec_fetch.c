/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "remote/exec_priv.h"

#define TREE_MAX (64u << 20)
#define FILE_MAX (80u << 20)
#define DEPTH_MAX 4
#define FILES_MAX 200000u
/* A directory may be named often, and those in it are then made each time. */
#define DIRS_MAX 10000u
/* Bytes that are asked for before they are written. */
#define FETCH_GROUP (16u << 20)

struct file {
	char *path; /* absolute */
	struct remote_blob blob;
};
DEFINE_VEC(files, struct file)

struct fetching {
	struct reapi *r;
	const Reapi__Tree *tree;
	struct digest *children; /* of the tree's */
	const char *only;        /* a file of the tree's root, or NULL: all of it */
	struct files files;
	size_t dirs;
};

static int damaged(struct err **err, const char *why)
{
	return err_set(err, E_REMOTE_DAMAGED, "what the worker made is named wrongly: %s", why);
}

static int blob_of(const Reapi__Digest *d, size_t max, struct remote_blob *ret, struct err **err)
{
	*ret = (struct remote_blob){0};
	if (!d || digest_parse(d->hash, &ret->digest) != 0 || d->size_bytes < 0)
		return damaged(err, "a digest is malformed");
	if ((uint64_t)d->size_bytes > max)
		return damaged(err, "a file is too large");
	ret->size = (size_t)d->size_bytes;
	return 0;
}

int exec_blob(struct reapi *r, const Reapi__Digest *d, size_t max, struct str *ret,
	      struct err **err)
{
	struct remote_blob b;

	if (blob_of(d, max, &b, err) < 0 || r->t.type->get(&r->t, &b, 1, err) < 0)
		return -1;
	if (!b.got)
		return 1;
	str_append_len(ret, b.got, b.size);
	free(b.got);
	return 0;
}

static bool is_name(const char *name)
{
	return *name && !strchr(name, '/') && !str_eq(name, ".") && !str_eq(name, "..");
}

static int take_dir(struct fetching *f, const Reapi__Directory *d, const char *path, int depth,
		    struct err **err);

static int take_child(struct fetching *f, const Reapi__DirectoryNode *n, const char *path,
		      int depth, struct err **err)
{
	struct digest want;

	if (!is_name(n->name) || !n->digest || digest_parse(n->digest->hash, &want) != 0)
		return damaged(err, "a directory is malformed");
	for (size_t i = 0; i < f->tree->n_children; i++) {
		char *below cleanup_free = NULL;

		if (!digest_eq(&f->children[i], &want))
			continue;
		below = path_join(path, n->name);
		return take_dir(f, f->tree->children[i], below, depth + 1, err);
	}
	return damaged(err, "a directory is missing");
}

/* Links and what else there may be is left out: nothing that is wanted is one. */
static int take_dir(struct fetching *f, const Reapi__Directory *d, const char *path, int depth,
		    struct err **err)
{
	if (depth > DEPTH_MAX || ++f->dirs > DIRS_MAX || f->files.count + d->n_files > FILES_MAX)
		return damaged(err, "there are too many files");
	if (path_mkdirs(path, err) < 0)
		return -1;
	for (size_t i = 0; i < d->n_files; i++) {
		struct file file;

		if (f->only && !str_eq(d->files[i]->name, f->only))
			continue;
		if (!is_name(d->files[i]->name))
			return damaged(err, "a file is malformed");
		if (blob_of(d->files[i]->digest, FILE_MAX, &file.blob, err) < 0)
			return -1;
		file.path = path_join(path, d->files[i]->name);
		files_push(&f->files, file);
	}
	for (size_t i = 0; i < d->n_directories && !f->only; i++) {
		if (take_child(f, d->directories[i], path, depth, err) < 0)
			return -1;
	}
	return 0;
}

static int write_blob(const struct file *file, const struct remote_blob *b, struct err **err)
{
	int fd cleanup_fd = -1;

	if (!b->got)
		return 1;
	fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", file->path);
	return fd_write_all(fd, file->path, b->got, b->size, err);
}

/* As many from *AT on as fit into memory. */
static int fetch_group(struct fetching *f, size_t *at, struct err **err)
{
	struct remote_blob *group cleanup_free =
		xcalloc(f->files.count - *at, sizeof(struct remote_blob));
	size_t first = *at, n = 0, size = 0;
	int rc;

	for (; *at < f->files.count && size < FETCH_GROUP; ++*at) {
		group[n++] = f->files.items[*at].blob;
		size += f->files.items[*at].blob.size;
	}
	rc = f->r->t.type->get(&f->r->t, group, n, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			rc = write_blob(&f->files.items[first + i], &group[i], err);
		free(group[i].got);
	}
	return rc;
}

static int fetch_tree(struct fetching *f, const char *dir, struct err **err)
{
	char *out cleanup_free = path_join(dir, EXEC_OUT);
	size_t at = 0;
	int rc = 0;

	f->children = xcalloc(f->tree->n_children + 1, sizeof(*f->children));
	for (size_t i = 0; i < f->tree->n_children; i++) {
		struct str packed cleanup_str = STR_INIT;

		reapi_pack(&f->tree->children[i]->base, &packed);
		digest_data(packed.buf, packed.len, &f->children[i]);
	}
	if (!f->tree->root)
		return damaged(err, "a tree has no root");
	if (path_remove(out, err) < 0 || take_dir(f, f->tree->root, out, 0, err) < 0)
		return -1;
	while (rc == 0 && at < f->files.count)
		rc = fetch_group(f, &at, err);
	return rc;
}

static const Reapi__Digest *outputs_of(const Reapi__ActionResult *result)
{
	for (size_t i = 0; i < result->n_output_directories; i++) {
		if (str_eq(result->output_directories[i]->path, EXEC_OUT))
			return result->output_directories[i]->tree_digest;
	}
	return NULL;
}

bool exec_has_outputs(const Reapi__ActionResult *result)
{
	return outputs_of(result) != NULL;
}

int exec_fetch(struct reapi *r, const Reapi__ActionResult *result, const char *dir,
	       const char *only, struct str *tree, struct err **err)
{
	struct fetching f = {.r = r, .only = only};
	Reapi__Tree *read;
	int rc = exec_blob(r, outputs_of(result), TREE_MAX, tree, err);

	if (rc)
		return rc;
	read = (Reapi__Tree *)reapi_unpack(&reapi__tree__descriptor, tree->buf, tree->len);
	if (!read)
		return damaged(err, "a tree cannot be read");
	f.tree = read;
	rc = fetch_tree(&f, dir, err);
	for (size_t i = 0; i < f.files.count; i++)
		free(f.files.items[i].path);
	files_clear(&f.files);
	free(f.children);
	reapi_unpacked_free(&read->base);
	return rc;
}
