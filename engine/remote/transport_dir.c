/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/transport_dir.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "base/url.h"
#include "recipe/schema.h"
#include "remote/reapi.h"

struct dir {
	struct transport base;
	char *url, *path;
	uint64_t size;
	bool made;
	unsigned files; /* for names in tmp/ */
};

static struct dir *dir_of(struct transport *t)
{
	return (struct dir *)t;
}

int transport_dir_url(const char *url, char **ret_dir, uint64_t *ret_size, struct err **err)
{
	const char *path = str_skip(url, "file://"), *query = path ? strchr(path, '?') : NULL;
	struct arena *arena cleanup_arena = arena_new();
	const char *size = query ? str_skip(query, "?size=") : NULL;
	char *dir;

	if (!path)
		return 1;
	*ret_size = 0;
	if (query && (!size || size_parse(size, ret_size) != 0 || !*ret_size))
		return err_set(err, E_REMOTE_URL,
			       "'%s' cannot be used: after '?' only 'size=2G' may stand", url);
	dir = arena_strndup(arena, path, query ? (size_t)(query - path) : strlen(path));
	if (*dir != '/' || !dir[1])
		return err_set(err, E_REMOTE_URL,
			       "'%s' names no directory: write file:///DIR, from the root on", url);
	*ret_dir = path_normal(url_decode(arena, dir));
	return 0;
}

/* --- files --------------------------------------------------------------------------------- */

static char *name_of(const struct dir *d, const char *kind, const struct digest *digest)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("%s/%s/%s", d->path, kind, digest_hex(digest, hex));
}

static int refused(const struct dir *d, const char *path, struct err **err)
{
	const bool away = errno == ESTALE || errno == EIO || errno == ENOTCONN ||
			  errno == ETIMEDOUT || errno == ENOENT;
	const char *why = strerror(errno);

	return err_set(err, away ? E_REMOTE_UNREACHABLE : E_REMOTE_REFUSED,
		       "shared cache %s: cannot write '%s': %s", d->base.shown, path, why);
}

static int make_all(struct dir *d, struct err **err)
{
	static const char *const names[] = {"ac", "cas", "tmp"};

	for (size_t i = 0; !d->made && i < array_len(names); i++) {
		char *path cleanup_free = path_join(d->path, names[i]);
		struct err *why cleanup_err = NULL;

		if (path_mkdirs(path, &why) < 0)
			return err_set(err, E_REMOTE_REFUSED, "shared cache %s: %s", d->base.shown,
				       why->text);
	}
	d->made = true;
	return 0;
}

/* What was written but has no name yet must be whole before it gets one. */
static int write_file(struct dir *d, const char *dest, const void *data, size_t len, bool sync,
		      struct err **err)
{
	char *tmp cleanup_free =
		xasprintf("%s/tmp/%s.%ld.%u", d->path, path_base(dest), (long)getpid(), d->files++);
	struct err *why cleanup_err = NULL;
	int fd cleanup_fd = -1;

	if (make_all(d, err) < 0)
		return -1;
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return refused(d, tmp, err);
	if (fd_write_all(fd, tmp, data, len, &why) < 0 || (sync && fd_sync(fd, tmp, &why) < 0)) {
		unlink(tmp);
		return err_set(err, E_REMOTE_REFUSED, "shared cache %s: %s", d->base.shown,
			       why->text);
	}
	if (rename(tmp, dest) < 0) {
		refused(d, dest, err);
		unlink(tmp);
		return -1;
	}
	d->base.sent += len;
	return 0;
}

/* 0 and exactly SIZE bytes with a NUL after them (heap); 1 there is no such file; -1. */
static int read_blob(const struct dir *d, const char *path, size_t size, char **ret,
		     struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct str bytes cleanup_str = STR_INIT;
	struct err *why cleanup_err = NULL;
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return 1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, E_REMOTE_UNREACHABLE, "shared cache %s: cannot read '%s': %s",
			       d->base.shown, path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return err_set(err, E_REMOTE_DAMAGED,
			       "shared cache %s: '%s' has not the size that its record names",
			       d->base.shown, path);
	if (fd_read_all(fd, path, size, &bytes, &why) < 0)
		return err_set(err, E_REMOTE_UNREACHABLE, "shared cache %s: %s", d->base.shown,
			       why->text);
	if (bytes.len != size)
		return 1;
	*ret = bytes.cap ? str_steal(&bytes) : xcalloc(1, 1);
	return 0;
}

/* The blob with its bytes hashed; a damaged one goes, so that the next who has it puts it again. */
static int get_blob(struct dir *d, const struct digest *digest, size_t size, char **ret,
		    struct err **err)
{
	char *path cleanup_free = name_of(d, "cas", digest), *bytes cleanup_free = NULL;
	struct digest now;
	int rc = read_blob(d, path, size, &bytes, err);

	if (rc == 0)
		digest_data(bytes, size, &now);
	if (rc == 0 && !digest_eq(&now, digest))
		rc = err_set(err, E_REMOTE_DAMAGED, "shared cache %s: '%s' has other bytes",
			     d->base.shown, path);
	if (rc < 0 && (*err)->code == E_REMOTE_DAMAGED)
		unlink(path);
	if (rc != 0)
		return rc;
	d->base.received += size;
	*ret = steal_ptr(bytes);
	return 0;
}

/* --- the verbs ----------------------------------------------------------------------------- */

static void dir_close(struct transport *t)
{
	struct dir *d = dir_of(t);
	struct err *ignored cleanup_err = NULL;
	struct dir_pruned done;

	if (d->size && t->sent && transport_dir_prune(d->url, d->size, false, &done, &ignored) < 0)
		fprintf(stderr, "orch: %s\n", ignored->text);
	free(d->path);
	free(d->url);
	free(d);
}

static int dir_open(const char *url, const struct remote_access *access, struct transport **ret,
		    struct err **err)
{
	char *path;
	uint64_t size;
	struct dir *d;

	if (transport_dir_url(url, &path, &size, err) != 0)
		return -1;
	d = xcalloc(1, sizeof(*d));
	d->url = xstrdup(url);
	d->path = path;
	d->size = size ? size : access->size;
	d->base.type = &transport_dir;
	d->base.shown = d->url;
	*ret = &d->base;
	return 0;
}

static int dir_hello(struct transport *t, struct str *ret, struct err **err)
{
	struct dir *d = dir_of(t);

	if (!path_exists(d->path))
		return err_set(err, E_REMOTE_UNREACHABLE,
			       "shared cache %s: there is no such directory yet; the first who "
			       "writes makes it",
			       t->shown);
	str_printf(ret, "a directory, %s",
		   access(d->path, W_OK) == 0 ? "may be written" : "may only be read");
	return 0;
}

/* Those that are there are marked as in use: see transport_dir_prune.c. */
static int dir_missing(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct dir *d = dir_of(t);

	for (size_t i = 0; i < n; i++) {
		char *path cleanup_free = name_of(d, "cas", &blobs[i].digest);
		struct stat st;

		t->calls++;
		blobs[i].missing = lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
				   (uint64_t)st.st_size != blobs[i].size ||
				   utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW) < 0;
	}
	return 0;
}

static int dir_put(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct dir *d = dir_of(t);

	for (size_t i = 0; i < n; i++) {
		char *path cleanup_free = name_of(d, "cas", &blobs[i].digest);

		if (blobs[i].missing &&
		    write_file(d, path, blobs[i].data, blobs[i].size, false, err) < 0)
			return -1;
		t->calls += blobs[i].missing;
	}
	return 0;
}

static int dir_get(struct transport *t, struct remote_blob *blobs, size_t n, struct err **err)
{
	struct dir *d = dir_of(t);
	struct err *first = NULL;

	for (size_t i = 0; i < n; i++) {
		struct err *e cleanup_err = NULL;

		t->calls++;
		blobs[i].taken = false;
		if (get_blob(d, &blobs[i].digest, blobs[i].size, &blobs[i].got, &e) < 0 && !first)
			first = steal_ptr(e);
		transport_arrived(t, &blobs[i]);
	}
	if (!first)
		return 0;
	*err = first;
	return -1;
}

/* 0 all are there; 1 one is not; -1. */
static int are_there(struct dir *d, const struct result_blob *blobs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *path cleanup_free = name_of(d, "cas", &blobs[i].digest);
		struct stat st;

		if (lstat(path, &st) < 0 || (uint64_t)st.st_size != blobs[i].size)
			return 1;
	}
	return 0;
}

/* The files of the trees, which the message does not name itself. */
static int trees_are_there(struct dir *d, struct arena *arena, const struct str *message,
			   struct err **err)
{
	struct result_blob *trees, *files;
	size_t n, count;
	int rc = reapi_result_trees_all(message->buf, message->len, arena, &trees, &n);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		char *tree cleanup_free = NULL;

		rc = trees[i].size > REMOTE_BLOB_MAX
			     ? 1
			     : get_blob(d, &trees[i].digest, trees[i].size, &tree, err);
		if (rc == 0)
			rc = reapi_tree_files(tree, trees[i].size, arena, &files, &count);
		if (rc == 0)
			rc = are_there(d, files, count);
	}
	return rc;
}

/* A message that is none is for who asked to judge. */
static int is_complete(struct dir *d, const struct str *message, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct result_blob *blobs;
	size_t n;

	if (reapi_result_blobs(message->buf, message->len, arena, &blobs, &n) != 0)
		return 0;
	return are_there(d, blobs, n) ? 1 : trees_are_there(d, arena, message, err);
}

static int get_result(struct dir *d, const struct digest *key, struct str *ret, struct err **err)
{
	struct transport *t = &d->base;
	char *path cleanup_free = name_of(d, "ac", key);
	struct err *why cleanup_err = NULL;
	struct stat st;
	int rc;

	t->calls++;
	if (lstat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 1;
		return err_set(err, E_REMOTE_UNREACHABLE, "shared cache %s: cannot read '%s': %s",
			       t->shown, path, strerror(errno));
	}
	if (file_read_foreign(path, REMOTE_RESULT_MAX, ret, &why) < 0)
		return err_set(err, E_REMOTE_UNREACHABLE, "shared cache %s: %s", t->shown,
			       why->text);
	rc = is_complete(d, ret, err);
	if (rc != 0) {
		str_clear(ret);
		return rc;
	}
	t->received += ret->len;
	utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
	return 0;
}

static void dir_results_get(struct transport *t, struct remote_question *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		q[i].rc = get_result(dir_of(t), &q[i].key, &q[i].message, &q[i].err);
}

static int dir_result_put(struct transport *t, const struct digest *key, size_t manifest_size,
			  const struct str *message, struct err **err)
{
	struct dir *d = dir_of(t);
	char *path cleanup_free = name_of(d, "ac", key);

	t->calls++;
	return write_file(d, path, message->buf, message->len, true, err);
}

const struct transport_type transport_dir = {
	.schemes = "file",
	.text = "a directory",
	.open = dir_open,
	.close = dir_close,
	.hello = dir_hello,
	.missing = dir_missing,
	.put = dir_put,
	.get = dir_get,
	.results_get = dir_results_get,
	.result_put = dir_result_put,
};
