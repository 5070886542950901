/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "base/file.h"
#include "base/line.h"
#include "base/path.h"
#include "base/tmp.h"
#include "remote/share_priv.h"

/* A download as a node of no inputs but its digest: so any of its size can travel in parts. */
struct download {
	char manifest[DIGEST_HEX + 32];
	struct digest key;
	char hex[DIGEST_HEX + 1];
	char *path; /* where it belongs */
};

static void describe(const struct share *s, const struct digest *d, struct download *ret)
{
	digest_hex(d, ret->hex);
	snprintf(ret->manifest, sizeof(ret->manifest), "orch-download 1\nsha256 %s\n", ret->hex);
	digest_data(ret->manifest, strlen(ret->manifest), &ret->key);
	ret->path = xasprintf("%s/downloads/%s", s->store, ret->hex);
}

/* The result in transport I that is this download, of at most MAX bytes. */
static int ask(struct share *s, size_t i, const struct download *w, const struct digest *d,
	       uint64_t max, struct arena *arena, struct result **ret, struct err **err)
{
	static const struct trust nobody;
	char *why cleanup_free = NULL;
	int rc = share_ask(s, i, &w->key, strlen(w->manifest), &nobody, arena, ret, &why, err);
	const struct artifact *a;

	if (rc != 0)
		return rc;
	a = &(*ret)->outputs[0].artifact;
	return (*ret)->output_count == 1 && a->type == OUTPUT_FILE && digest_eq(&a->digest, d) &&
			       a->size <= max
		       ? 0
		       : 1;
}

/* Into a file of its own, hashed, then by rename. */
static int load(struct share *s, const struct result *r, const struct digest *d, const char *dest,
		struct err **err)
{
	char *top cleanup_free = path_join(s->store, "tmp"), *dir cleanup_free = NULL;
	char *path cleanup_free = NULL, *why cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	struct digest now;
	int rc;

	if (tmp_dir(top, "fetch", &dir, err) < 0)
		return -1;
	path = path_join(dir, "download");
	rc = share_load(s, &r->outputs[0], NULL, 0, path, &why, err);
	if (rc == 0)
		rc = digest_file(path, &now, err);
	if (rc == 0 && !digest_eq(&now, d))
		rc = 1;
	if (rc == 0 && rename(path, dest) < 0)
		rc = err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", dest);
	if (path_remove(dir, &ignored) < 0)
		share_warn(s, "%s", ignored->text);
	return rc;
}

int share_download_get(struct share *s, const struct digest *d, uint64_t max, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *last cleanup_err = NULL;
	struct download w;
	size_t answers = 0;
	int rc = 1;

	describe(s, d, &w);
	if (path_exists(w.path)) {
		free(w.path);
		return 0;
	}
	for (size_t i = 0; rc != 0 && i < s->count; i++) {
		struct result *r;

		err_free(steal_ptr(last));
		rc = ask(s, i, &w, d, max, arena, &r, &last);
		if (rc == 0)
			rc = load(s, r, d, w.path, &last);
		answers += rc >= 0;
	}
	free(w.path);
	if (rc >= 0 || answers)
		return rc == 0 ? 0 : 1;
	*err = steal_ptr(last);
	return -1;
}

int share_download_put(struct share *s, const struct digest *d, struct err **err)
{
	struct artifact a = {.name = "download", .type = OUTPUT_FILE};
	char *why cleanup_free = NULL, *path cleanup_free = NULL;
	struct download w;
	struct record rec;
	enum share_pushed done;
	struct stat st;

	describe(s, d, &w);
	path = w.path;
	if (!path_exists(path)) { /* what `fetch` has is the node's own output */
		free(path);
		path = cas_path(s->store, OUTPUT_FILE, d);
	}
	if (!path_exists(path))
		return 1;
	if (digest_file(path, &a.digest, err) < 0)
		return -1;
	if (!digest_eq(&a.digest, d))
		return err_set(err, E_BLOB_DAMAGED, "'%s' of the store has changed", path);
	if (stat(path, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	a.size = a.allocated = (uint64_t)st.st_size;
	rec = (struct record){.key = w.key,
			      .node = "download",
			      .manifest = w.manifest,
			      .outputs = &a,
			      .output_count = 1};
	return share_store(s, &rec, &path, NULL, &done, &why, err);
}

/* pin package "tzdata" "2025b-1 all sha256:HEX", option "sha256" HEX */
static bool names_download(const struct line *w, struct digest *ret)
{
	const char *at;

	if (line_is(w, "option", 3) && str_eq(w->items[1], "sha256"))
		return digest_parse(w->items[2], ret) == 0;
	if (!line_is(w, "pin", 4) || !str_eq(w->items[1], "package"))
		return false;
	at = strstr(w->items[3], "sha256:");
	return at && digest_parse(at + strlen("sha256:"), ret) == 0;
}

size_t share_downloads(struct arena *arena, const char *manifest, struct digest **ret)
{
	const char *p = manifest, *end = p + strlen(p);
	size_t count = 0, cap = 16;
	struct digest *all = arena_alloc(arena, cap * sizeof(*all)), d;
	struct line w;

	while (line_read(arena, &p, end, &w) == 0) {
		if (!names_download(&w, &d))
			continue;
		if (count == cap) {
			struct digest *more = arena_alloc(arena, 2 * cap * sizeof(*more));

			memcpy(more, all, cap * sizeof(*all));
			all = more;
			cap *= 2;
		}
		all[count++] = d;
	}
	*ret = all;
	return count;
}
