/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/checkout.h"

#include <inttypes.h>

#include "base/file.h"
#include "base/path.h"

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

static int checkout_one(struct stamps *t, const struct graph *g, struct store *s, const char *node,
			const struct artifact *a, size_t *copied, struct err **err)
{
	char *rel cleanup_free = checkout_path(node, a->name);
	char *path cleanup_free = path_join(g->project->dir, rel);
	char *digest cleanup_free = artifact_digest_string(a);
	char *now cleanup_free = stamp_make(path, digest);
	char *after cleanup_free = NULL;
	const char *before = map_get(&t->known, rel);

	if (now && before && str_eq(now, before))
		return 0;
	if (path_mkparents(path, err) || cas_checkout(store_dir(s), a, path, err))
		return err_wrap(err, "node '%s': cannot place '%s'", node, rel);
	++*copied;
	t->changed = true;
	after = stamp_make(path, digest);
	if (after)
		map_set(&t->known, arena_strdup(t->arena, rel), arena_strdup(t->arena, after));
	return 0;
}

int checkout_targets(const struct graph *g, struct store *s, size_t *ret_copied, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct stamps stamps = {.arena = arena};
	char *file cleanup_free = path_join(g->project->dir, "out/.copied");
	size_t copied = 0;
	int rc = 0;

	stamps_read(&stamps, file);
	for (size_t i = 0; rc == 0 && i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (!n->target || !n->record)
			continue;
		for (size_t k = 0; rc == 0 && k < n->record->output_count; k++)
			rc = checkout_one(&stamps, g, s, n->name, &n->record->outputs[k], &copied,
					  err);
	}
	if (rc == 0)
		rc = stamps_write(&stamps, file, err);
	map_clear(&stamps.known);
	*ret_copied = copied;
	return rc;
}
