/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/locked.h"

#include <errno.h>
#include <fts.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/lock_sections.h"
#include "media/deb/deb.h"

#define FILE_MAX (64u << 20)

/* "trixie" of the archive "trixie-updates" or "trixie". */
static const char *suite_of(struct arena *arena, const struct debian_lock *l, const char *alias)
{
	for (size_t i = 0; i < l->archives.count; i++) {
		const char *suite = l->archives.items[i].suite;

		if (str_eq(l->archives.items[i].alias, alias))
			return arena_strndup(arena, suite, strcspn(suite, "-/"));
	}
	return "";
}

static void note(struct locked *l, const char *suite, const char *source, const char *version)
{
	const char *key = arena_printf(l->arena, "%s %s", suite, source);
	const char *old = map_get(&l->sources, key);

	if (!old || deb_version_compare(version, old) < 0)
		map_set(&l->sources, key, arena_strdup(l->arena, version));
}

static void note_entries(struct locked *l, const struct debian_lock *lock)
{
	for (size_t i = 0; i < lock->entries.count; i++) {
		const struct lock_entry *e = &lock->entries.items[i];

		if (e->type != LOCK_PACKAGE || !e->source)
			continue;
		note(l, suite_of(l->arena, lock, e->archive), e->source, e->source_version);
		note(l, "", e->source, e->source_version);
	}
}

static int read_lock(struct locked *l, const char *path, struct err **err)
{
	struct lock_sections sections = {0};
	struct str text cleanup_str = STR_INIT;
	int rc = file_read(path, FILE_MAX, &text, err);

	if (rc == 0)
		lock_sections_split(text.buf, text.len, &sections);
	for (size_t i = 0; rc == 0 && i < sections.count; i++) {
		const struct lock_section *s = &sections.items[i];
		struct debian_lock lock cleanup_lock = {0};

		rc = debian_lock_parse(l->arena, path, s->text, s->len, &lock, err);
		if (rc == 0)
			note_entries(l, &lock);
	}
	lock_sections_clear(&sections);
	return rc;
}

int locked_read(struct locked *l, const char *dir, struct err **err)
{
	char *recipes cleanup_free = path_join(dir, "recipes"), *const roots[] = {recipes, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int rc = 0;

	if (!walk)
		return err_errno(err, E_READ_FAILED, errno, "cannot look into '%s'", recipes);
	for (FTSENT *e; rc == 0 && (e = fts_read(walk));) {
		if (e->fts_info == FTS_F && str_ends(e->fts_path, ".lock"))
			rc = read_lock(l, e->fts_path, err);
	}
	fts_close(walk);
	return rc;
}

const char *locked_version(const struct locked *l, const char *distro, const char *source)
{
	char *key cleanup_free = xasprintf("%s %s", distro ? distro : "", source);

	return map_get(&l->sources, key);
}

void locked_release(struct locked *l)
{
	map_clear(&l->sources);
}
