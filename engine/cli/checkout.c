/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/checkout.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/path.h"
#include "store/blob.h"

#define STAMPS_MAX (64 * 1024 * 1024)

/* path -> the rest of its line in out/.copied */
struct stamps {
	struct arena *arena;
	struct map known;
	bool changed;
};

char *checkout_path(const char *node, const char *output)
{
	return xasprintf("out/%s/%s", node, output);
}

/* "DIGEST DEV INO SIZE MTIME CTIME", or NULL when there is no regular file at PATH. */
static char *stamp_make(const char *path, const char *digest)
{
	struct stat st;

	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return NULL;
	return xasprintf("%s %ju %ju %jd %jd.%09ld %jd.%09ld", digest, (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			 st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* Lines are "PATH\tSTAMP". An unreadable file only means that outputs are copied once more. */
static void stamps_read(struct stamps *t, const char *file)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char *line, *next;

	if (file_read(file, STAMPS_MAX, &text, &err))
		return;
	for (line = text.buf; *line; line = next) {
		char *tab = strchr(line, '\t');

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = 0;
		if (tab && tab < next) {
			*tab = 0;
			map_set(&t->known, arena_strdup(t->arena, line),
				arena_strdup(t->arena, tab + 1));
		}
	}
}

static int stamps_write(const struct stamps *t, const char *file, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (!t->changed)
		return 0;
	for (size_t i = 0; i < t->known.count; i++)
		str_printf(&text, "%s\t%s\n", t->known.entries[i].key,
			   (const char *)t->known.entries[i].value);
	return file_write(file, text.buf, text.len, 0644, false, err);
}

struct checkout {
	const struct graph *g;
	struct store *s;
	struct stamps stamps;
	checkout_bad_fn *bad;
	void *arg;
	size_t damaged;
};

/* The blob of A is not what its name says. */
static int put_away(struct checkout *c, const struct node *n, const struct artifact *a,
		    const struct blob_state *state, struct err **err)
{
	char *text cleanup_free =
		xasprintf("output '%s' in the store is damaged: %s", a->name, state->why);
	size_t dropped;

	if (store_blob_damaged(c->s, a, &state->stamp, &dropped, err))
		return -1;
	c->damaged++;
	c->bad(c->arg, n, text);
	return 0;
}

static int checkout_one(struct checkout *c, const struct node *n, const struct artifact *a,
			struct err **err)
{
	struct stamps *t = &c->stamps;
	char *rel cleanup_free = checkout_path(n->name, a->name);
	char *dir cleanup_free = path_dir(rel);
	char *path cleanup_free = path_join(c->g->project->dir, rel);
	char *digest cleanup_free = artifact_digest_string(a);
	char *now cleanup_free = stamp_make(path, digest);
	struct blob_state state cleanup_blob_state = {0};
	const char *before = map_get(&t->known, rel);
	char *after cleanup_free = NULL;
	int rc;

	if (now && before && str_eq(now, before))
		return 0;
	rc = path_mkdirs_within(c->g->project->dir, dir, err)
		     ? -1
		     : cas_checkout(store_dir(c->s), a, path, &state, err);
	if (rc == 1)
		return put_away(c, n, a, &state, err);
	if (rc < 0)
		return err_wrap(err, "node '%s': cannot place '%s'", n->name, rel);
	t->changed = true;
	after = stamp_make(path, digest);
	if (after)
		map_set(&t->known, arena_strdup(t->arena, rel), arena_strdup(t->arena, after));
	return 0;
}

static int checkout_node(struct checkout *c, const struct node *n, struct err **err)
{
	if (!n->target || !n->record)
		return 0;
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];

		if (a->shared && !store_blob_is_here(c->s, a))
			continue; /* --fetch none */
		if (checkout_one(c, n, a, err) < 0)
			return -1;
	}
	return 0;
}

int checkout_targets(const struct graph *g, struct store *s, checkout_bad_fn *bad, void *arg,
		     size_t *ret_damaged, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	char *file cleanup_free = path_join(g->project->dir, "out/.copied");
	struct checkout c = {.g = g, .s = s, .stamps = {.arena = arena}, .bad = bad, .arg = arg};
	int rc = 0;

	stamps_read(&c.stamps, file);
	for (size_t i = 0; rc == 0 && i < g->nodes.count; i++)
		rc = checkout_node(&c, g->nodes.items[i], err);
	if (rc == 0)
		rc = stamps_write(&c.stamps, file, err);
	map_clear(&c.stamps.known);
	*ret_damaged = c.damaged;
	return rc;
}
