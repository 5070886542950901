/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/lock_moves.h"

#include "cli/json.h"
#include "cli/table.h"

#define SHOWN 8 /* vulnerabilities of a row; programs get all */

int moved_open(struct moved *m, struct arena *arena, const char *path, struct err **err)
{
	*m = (struct moved){.arena = arena, .path = path};
	return path ? vulnerability_list_read(arena, path, &m->list, err) : 0;
}

void moved_close(struct moved *m)
{
	for (size_t i = 0; i < m->all.count; i++) {
		strs_clear(&m->all.items[i]->nodes);
		strs_clear(&m->all.items[i]->fixes);
	}
	moved_sources_clear(&m->all);
	vulnerability_list_release(&m->list);
}

/* ---- what a move fixes ---- */

static bool has(const struct vulnerables *all, const char *id)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_eq(all->items[i].id, id))
			return true;
	return false;
}

static void push_once(struct strs *all, const char *text)
{
	for (size_t i = 0; i < all->count; i++)
		if (str_eq(all->items[i], text))
			return;
	strs_push(all, text);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the list says of the old version, and no longer of the new one. */
static int find_fixes(struct moved *m, struct moved_source *s, struct err **err)
{
	struct sbom_package was = {.name = s->name,
				   .version = s->was,
				   .source = s->name,
				   .source_version = s->was,
				   .distro = s->distro};
	struct sbom_package now = was;
	struct vulnerables before = {0}, after = {0};
	int rc;

	now.version = now.source_version = s->now;
	rc = vulnerability_list_match(&m->list, &was, &before, err);
	if (rc == 0)
		rc = vulnerability_list_match(&m->list, &now, &after, err);
	for (size_t i = 0; rc == 0 && i < before.count; i++)
		if (!has(&after, before.items[i].id))
			push_once(&s->fixes, before.items[i].names);
	if (s->fixes.count)
		qsort(s->fixes.items, s->fixes.count, sizeof(*s->fixes.items), compare);
	vulnerables_clear(&before);
	vulnerables_clear(&after);
	return rc;
}

/* ---- source packages ---- */

static const char *source_of(const struct lock_entry *e)
{
	return e->source ? e->source : e->name;
}

static const char *source_version_of(const struct lock_entry *e)
{
	return e->source ? e->source_version : e->version;
}

static struct moved_source *find_source(const struct moved *m, const struct lock_move *move)
{
	for (size_t i = 0; i < m->all.count; i++) {
		struct moved_source *s = m->all.items[i];

		if (str_eq(s->name, source_of(&move->now)) &&
		    str_eq(s->was, source_version_of(&move->was)) &&
		    str_eq(s->now, source_version_of(&move->now)))
			return s;
	}
	return NULL;
}

static int add(struct moved *m, const char *node, const struct lock_move *move, struct err **err)
{
	struct moved_source *s = find_source(m, move);
	int rc = 0;

	if (!s) {
		s = arena_alloc(m->arena, sizeof(*s));
		*s = (struct moved_source){
			.name = source_of(&move->now),
			.was = source_version_of(&move->was),
			.now = source_version_of(&move->now),
			.archive = move->now.archive,
			.distro = arena_strndup(m->arena, move->suite, strcspn(move->suite, "-/")),
		};
		moved_sources_push(&m->all, s);
		if (m->path)
			rc = find_fixes(m, s, err);
	}
	push_once(&s->nodes, node);
	return rc;
}

int moved_add(struct moved *m, const char *node, const struct lock_moves *moves, struct err **err)
{
	for (size_t i = 0; i < moves->count; i++)
		if (add(m, node, &moves->items[i], err) < 0)
			return -1;
	return 0;
}

/* ---- telling ---- */

static json_t *texts(const struct strs *all)
{
	json_t *list = json_array();

	for (size_t i = 0; i < all->count; i++)
		json_array_append_new(list, json_text(all->items[i]));
	return list;
}

json_t *moved_json(const struct moved *m, const struct lock_moves *moves)
{
	static const char *const types[] = {
		[LOCK_PACKAGE] = "package", [LOCK_SOURCE] = "source", [LOCK_TOOL] = "tool"};
	json_t *list = json_array();

	for (size_t i = 0; i < moves->count; i++) {
		const struct lock_move *move = &moves->items[i];
		const struct moved_source *s = find_source(m, move);

		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "type",
				  types[move->now.type], "name", json_text(move->now.name), "arch",
				  json_text(move->now.arch), "was", json_text(move->was.version),
				  "now", json_text(move->now.version), "source", json_text(s->name),
				  "source-was", json_text(s->was), "source-now", json_text(s->now),
				  "archive", json_text(move->now.archive), "why",
				  json_text(move->why), "fixes",
				  m->path ? texts(&s->fixes) : json_null()));
	}
	return list;
}

static const char *joined(struct arena *arena, const struct strs *all, size_t most)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < all->count && i < most; i++)
		str_printf(&s, "%s%s", i ? ", " : "", all->items[i]);
	if (all->count > most)
		str_printf(&s, " and %zu more (--json)", all->count - most);
	return arena_strdup(arena, s.buf);
}

void moved_print(const struct moved *m)
{
	struct table *t;

	if (!m->all.count)
		return;
	t = m->path ? table_new("SOURCE", "WAS", "NOW", "ARCHIVE", "IN", "FIXES", NULL)
		    : table_new("SOURCE", "WAS", "NOW", "ARCHIVE", "IN", NULL);
	for (size_t i = 0; i < m->all.count; i++) {
		const struct moved_source *s = m->all.items[i];

		table_row(t, s->name, s->was, s->now, s->archive,
			  joined(m->arena, &s->nodes, SIZE_MAX),
			  joined(m->arena, &s->fixes, SHOWN));
	}
	table_print(t);
}
