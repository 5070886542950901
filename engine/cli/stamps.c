/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/stamps.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"

#define STAMPS_MAX (64 * 1024 * 1024)

/* "WORD DEV INO SIZE MTIME CTIME", or NULL when there is no regular file at REL. */
static char *stamp_make(const struct stamps *t, const char *rel, const char *word)
{
	char *path cleanup_free = path_join(t->dir, rel);
	struct stat st;

	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return NULL;
	return xasprintf("%s %ju %ju %jd %jd.%09ld %jd.%09ld", word, (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
			 st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* Lines are "PATH\tSTAMP". */
void stamps_read(struct stamps *t, const char *dir, const char *file)
{
	char *path cleanup_free = path_join(dir, file);
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	char *line, *next;

	t->arena = arena_new();
	t->dir = arena_strdup(t->arena, dir);
	t->file = arena_strdup(t->arena, file);
	if (file_read(path, STAMPS_MAX, &text, &err))
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

bool stamps_fresh(const struct stamps *t, const char *rel, const char *word)
{
	char *now cleanup_free = stamp_make(t, rel, word);
	const char *before = map_get(&t->known, rel);

	return now && before && str_eq(now, before);
}

bool stamps_know(const struct stamps *t, const char *rel)
{
	const char *stamp = map_get(&t->known, rel);

	return stamp && *stamp;
}

/* A name leaves the map when it is written. */
void stamps_forget(struct stamps *t, const char *rel)
{
	if (!stamps_know(t, rel))
		return;
	map_set(&t->known, arena_strdup(t->arena, rel), "");
	t->changed = true;
}

void stamps_set(struct stamps *t, const char *rel, const char *word)
{
	char *now cleanup_free = stamp_make(t, rel, word);

	t->changed = true;
	if (now)
		map_set(&t->known, arena_strdup(t->arena, rel), arena_strdup(t->arena, now));
}

int stamps_write(const struct stamps *t, struct err **err)
{
	char *path cleanup_free = path_join(t->dir, t->file);
	struct str text cleanup_str = STR_INIT;

	if (!t->changed)
		return 0;
	for (size_t i = 0; i < t->known.count; i++) {
		const char *rel = t->known.entries[i].key;

		if (stamps_know(t, rel))
			str_printf(&text, "%s\t%s\n", rel, (const char *)t->known.entries[i].value);
	}
	return file_write(path, text.buf, text.len, 0644, false, err);
}

void stamps_release(struct stamps *t)
{
	map_clear(&t->known);
	if (t->arena)
		arena_free(t->arena);
	*t = (struct stamps){0};
}
