/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a node that a path begins in has done there: installed a package, run steps, ... */
#include "base/str.h"
#include "evidence/owner_priv.h"
#include "kinds/debian/debian.h"
#include "kinds/fetch/fetch.h"
#include "kinds/kinds.h"
#include "kinds/tree/tree_opts.h"
#include "media/deb/deb.h"

/* ---- why a lock has a package ---- */

struct reason {
	const struct lock_entry *entry; /* a package of the lock */
	const char *want;               /* the word that asked for it, or NULL */
	const struct reason *needs_it;  /* else the package that needs it */
	bool known;
};

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',') {
		if (strncmp(p, word, len) == 0 && (!p[len] || p[len] == ','))
			return true;
	}
	return false;
}

/* A word of the recipe tells more than that a package is essential. */
static void note_wants(const struct debian_lock *l, struct reason *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < l->wants.count; k++) {
			const struct lock_want *want = &l->wants.items[k];

			if (str_eq(want->what, LOCK_TOOLS) ||
			    !has_word(want->names, all[i].entry->name) ||
			    (all[i].known && *want->what == '?'))
				continue;
			all[i].want = want->what;
			all[i].known = true;
		}
	}
}

/* One step away from those that are known: the shortest chains come first. */
static bool note_needed(struct reason *all, size_t count)
{
	struct reason *found cleanup_free = xmemdup(all, (count + 1) * sizeof(*all));
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < count && !found[i].known; k++) {
			if (!all[k].known || !has_word(all[k].entry->needs, all[i].entry->name))
				continue;
			found[i].needs_it = &all[k];
			found[i].known = any = true;
		}
	}
	memcpy(all, found, count * sizeof(*all));
	return any;
}

static struct reason *reasons_of(struct arena *arena, const struct debian_lock *l, size_t *ret)
{
	struct reason *all = arena_alloc(arena, (l->entries.count + 1) * sizeof(*all));

	*ret = 0;
	for (size_t i = 0; i < l->entries.count; i++) {
		if (l->entries.items[i].type == LOCK_PACKAGE)
			all[(*ret)++] = (struct reason){.entry = &l->entries.items[i]};
	}
	note_wants(l, all, *ret);
	while (note_needed(all, *ret))
		;
	return all;
}

static void tell_reason(struct owner_walk *w, const struct node *n, const struct reason *reason)
{
	struct str text cleanup_str = STR_INIT;
	const struct reason *top = reason;
	struct strs down = {0};
	struct pos pos = recipe_pos(n->recipe, "packages");

	for (; top->needs_it; top = top->needs_it)
		strs_push(&down, top->entry->name);
	strs_push(&w->o->needs, arena_strdup(w->o->arena, top->entry->name));
	for (size_t i = down.count; i-- > 0;)
		strs_push(&w->o->needs, arena_strdup(w->o->arena, down.items[i]));
	for (size_t i = 0; i < w->o->needs.count; i++)
		str_printf(&text, "%s%s", i ? ", which needs " : "", w->o->needs.items[i]);
	if (top->want && *top->want != '?')
		recipe_place(n->recipe, "packages", top->want, &pos);
	owner_push(w, n, pos, "%spackage %s",
		   top->want && str_eq(top->want, LOCK_ESSENTIAL) ? "essential " : "", text.buf);
	strs_clear(&down);
}

/* 1: no package of the lock owns the path. */
static int begins_in_lock(struct owner_walk *w, const struct owner_at *at, struct err **err)
{
	struct debian_lock lock cleanup_lock = {0};
	const struct recipe *r = at->node->recipe;
	struct reason *all;
	size_t count;
	int rc = debian_lock_read(w->o->arena, r->project, r->name, &lock, err);

	if (rc)
		return rc;
	all = reasons_of(w->o->arena, &lock, &count);
	for (size_t i = 0; i < w->o->packages.count; i++) {
		for (size_t k = 0; k < count; k++) {
			if (!str_eq(all[k].entry->name, w->o->packages.items[i].name) ||
			    !all[k].known)
				continue;
			tell_reason(w, at->node, &all[k]);
			w->o->origin = OWNER_PACKAGE;
			return 0;
		}
	}
	return 1;
}

/* ---- steps ---- */

/* What in the recipe of N makes something. */
static void tell_keys(struct owner_walk *w, const struct node *n)
{
	static const char *const keys[] = {"run",    "debs",  "units",      "users",
					   "groups", "stamp", "bootloader", "clock-epoch"};
	const struct recipe *r = n->recipe;
	struct str all cleanup_str = STR_INIT;
	struct pos pos;

	for (size_t i = 0; i < array_len(keys); i++) {
		if (!recipe_place(r, keys[i], NULL, &pos))
			continue;
		owner_push(w, n, pos, "%s", keys[i]);
		str_printf(&all, "%s%s", all.len ? ", " : "", keys[i]);
	}
	if (!all.len)
		owner_push(w, n, recipe_pos(r, "kind"), "kind %s", r->kind->name);
	w->o->origin = OWNER_STEPS;
	w->o->from = all.len ? arena_strdup(w->o->arena, all.buf) : NULL;
}

/* ---- packages that a tree takes as files ---- */

static bool is_owner(const struct owner_walk *w, const char *name)
{
	for (size_t i = 0; i < w->o->packages.count; i++) {
		if (str_eq(w->o->packages.items[i].name, name))
			return true;
	}
	return false;
}

static int read_deb(struct owner_walk *w, const struct edge *e, const char **ret_name,
		    struct err **err)
{
	const struct record *rec = e->from ? e->from->record : NULL;
	struct deb_set set cleanup_deb_set = {0};

	*ret_name = NULL;
	for (size_t i = 0; rec && i < rec->output_count; i++) {
		char *file cleanup_free =
			cas_path(w->r.store_dir, rec->outputs[i].type, &rec->outputs[i].digest);

		if (e->output && !str_eq(rec->outputs[i].name, e->output))
			continue;
		if (deb_open(&set, file, e->ref_text, err) < 0)
			return -1;
		*ret_name = arena_strdup(w->o->arena, set.items[0]->name);
		return 0;
	}
	return 0;
}

/* 1: none of them is an owner. */
static int begins_in_debs(struct owner_walk *w, const struct owner_at *at, const struct list *debs,
			  struct err **err)
{
	for (size_t i = 0; i < debs->count; i++) {
		const struct ref *ref = LIST_AT(*debs, struct ref *, i);
		const struct edge *e = node_edge(at->node, ref);
		const char *name;

		if (!e || !e->from)
			continue;
		if (read_deb(w, e, &name, err) < 0)
			return -1;
		if (!name || !is_owner(w, name))
			continue;
		owner_push(w, at->node, ref->pos, "debs %s", ref->text);
		tell_keys(w, e->from);
		strs_push(&w->o->needs, name);
		w->o->origin = OWNER_PACKAGE;
		w->o->from = NULL;
		return 0;
	}
	return 1;
}

/* What a step copied out of the tree that its programs are in. */
static int note_copied(struct owner_walk *w, const struct owner_at *at, struct err **err)
{
	struct record one = *at->node->record;

	for (size_t i = 0; i < one.output_count; i++) {
		if (str_eq(one.outputs[i].name, at->output ? at->output : ""))
			one.outputs = &one.outputs[i];
	}
	one.output_count = 1;
	for (size_t i = 0; i < at->node->in.count && !w->o->packages.count; i++) {
		const struct edge *e = &at->node->in.items[i];

		if (e->from && e->type != REF_INSIDE && e->from->record &&
		    e->from->recipe->kind == &kind_debian &&
		    bill_read_copied(&w->r, e->from, &one, &w->o->packages, err) < 0)
			return -1;
	}
	return 0;
}

static int begins_in_steps(struct owner_walk *w, const struct owner_at *at, struct err **err)
{
	tell_keys(w, at->node);
	return at->file && !w->packages_known ? note_copied(w, at, err) : 0;
}

int owner_begins(struct owner_walk *w, const struct owner_at *at, struct err **err)
{
	const struct recipe *r = at->node->recipe;
	const struct fetch_opts *fetch = r->opts;
	const struct debian_opts *debian = r->opts;
	const struct tree_opts *tree = r->opts;
	int rc = 1;

	if (r->kind == &kind_fetch) {
		owner_push(w, at->node, recipe_pos(r, "url"), "url %s", fetch->url);
		w->o->origin = OWNER_FETCHED;
		w->o->from = fetch->url;
		return 0;
	}
	if (r->kind == &kind_debian)
		rc = begins_in_lock(w, at, err);
	if (rc == 1 && r->kind == &kind_debian)
		rc = begins_in_debs(w, at, &debian->debs, err);
	else if (r->kind == &kind_tree)
		rc = begins_in_debs(w, at, &tree->debs, err);
	if (rc != 1)
		return rc;
	if (r->kind != &kind_debian)
		return begins_in_steps(w, at, err);
	owner_push(w, at->node, recipe_pos(r, "packages"), "scripts of packages");
	w->o->origin = OWNER_SCRIPTS;
	return 0;
}
