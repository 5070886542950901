/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/owner.h"

#include <stdarg.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "evidence/owner_priv.h"
#include "kinds/debian/debian.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/tree/tree_opts.h"

#define PIECE 65536

void owner_push(struct owner_walk *w, const struct node *n, struct pos pos, const char *fmt, ...)
{
	va_list args;
	char *text cleanup_free = NULL;

	va_start(args, fmt);
	text = xvasprintf(fmt, args);
	va_end(args);
	owner_steps_push(&w->o->way, (struct owner_step){n, pos, arena_strdup(w->o->arena, text)});
}

/* ---- paths ---- */

const char *owner_trim(struct owner_walk *w, const char *path)
{
	char *text cleanup_free = path_normal(path);

	return arena_strdup(w->o->arena, str_eq(text, ".") ? "" : text + strspn(text, "/"));
}

/* "usr/x" of "usr" and "x". */
static const char *joined(struct owner_walk *w, const char *a, const char *b)
{
	return arena_printf(w->o->arena, "%s%s%s", a, *a && *b ? "/" : "", b);
}

/* What is below TOP of PATH, "" where it is TOP; or NULL. */
static const char *below(const char *top, const char *path)
{
	const char *rest = str_skip(path, top);

	if (!*top || !rest)
		return rest;
	return !*rest ? rest : *rest == '/' ? rest + 1 : NULL;
}

/* Where TO of a recipe is, links of the tree followed. */
static const char *place(struct owner_walk *w, const struct owner_at *at, const char *to)
{
	const struct tree_entry *e = at->tree && !*at->mount ? tree_resolve(at->tree, to) : NULL;

	return e ? arena_strdup(w->o->arena, e->path) : owner_trim(w, to);
}

/* Where a file called NAME lands that is copied to TO. */
static const char *landing(struct owner_walk *w, const struct owner_at *at, const char *to,
			   const char *name)
{
	char *dir cleanup_free = str_ends(to, "/") ? xstrdup(to) : path_dir(to);

	return joined(w, place(w, at, dir), str_ends(to, "/") ? name : path_base(to));
}

/* AT's path in the whole that the recipe describes. */
static const char *whole_path(struct owner_walk *w, const struct owner_at *at)
{
	return joined(w, at->mount, at->path);
}

/* ---- whether two are the same ---- */

static bool same_bytes(const struct tree_inode *a, const struct tree_inode *b)
{
	char x[PIECE], y[PIECE];

	for (uint64_t at = 0; at < a->size; at += PIECE) {
		size_t n = a->size - at < PIECE ? (size_t)(a->size - at) : PIECE;

		tree_inode_read(a, at, x, n);
		tree_inode_read(b, at, y, n);
		if (memcmp(x, y, n))
			return false;
	}
	return true;
}

/* Of rights and owners recipes say more than what a file is; they do not count here. */
static bool same(const struct tree_entry *a, const struct tree_entry *b)
{
	const struct tree_inode *x, *y;

	if (!a || !b)
		return true;
	x = a->inode;
	y = b->inode;
	if ((x->mode & S_IFMT) != (y->mode & S_IFMT))
		return false;
	if (S_ISLNK(x->mode))
		return str_eq(x->target, y->target);
	return !S_ISREG(x->mode) || (x->size == y->size && same_bytes(x, y));
}

static bool same_as_file(const struct tree_entry *e, const struct digest *d)
{
	return !e || (S_ISREG(e->inode->mode) && bill_same_bytes(e->inode, d));
}

static bool same_as_entry(const struct tree_entry *e, const struct manifest_entry *m)
{
	if (!e)
		return true;
	if (S_ISDIR(m->mode))
		return S_ISDIR(e->inode->mode);
	if (S_ISLNK(m->mode))
		return S_ISLNK(e->inode->mode) && str_eq(e->inode->target, m->target);
	return same_as_file(e, &m->digest);
}

/* ---- what a node takes ---- */

/* 0: it begins in the project. */
static int begins_in_file(struct owner_walk *w, const struct owner_at *at, struct pos pos,
			  const char *how, const char *file)
{
	owner_push(w, at->node, pos, "%s %s", how, file);
	w->o->origin = OWNER_FILE;
	w->o->from = file;
	return 0;
}

static int manifest_of(struct owner_walk *w, const struct node *n, const struct manifest **ret,
		       struct err **err)
{
	*ret = manifest_parse(w->o->arena, n->record->manifest, err);
	return *ret ? 0 : -1;
}

/* A file or directory of the project, laid to TO. 1: that is not where it is from. */
static int take_path(struct owner_walk *w, const struct owner_at *at, const struct edge *e,
		     const struct ref *ref, const char *to, struct pos pos, struct err **err)
{
	const char *own = ref->template ? ref->template : e->path, *path = whole_path(w, at);
	const char *how = ref->template ? "template" : "copy",
		   *rest = below(place(w, at, to), path);
	const struct manifest *m;

	if (manifest_of(w, at->node, &m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->inputs.count; i++) {
		const struct manifest_input *in = &m->inputs.items[i];

		if (!str_eq(in->ref, ref->text))
			continue;
		if (in->type == MANIFEST_FILE)
			return str_eq(path, landing(w, at, to, path_base(own))) &&
					       same_as_file(at->entry, &in->digest)
				       ? begins_in_file(w, at, pos, how, own)
				       : 1;
		for (size_t k = 0; rest && k < in->entries.count; k++) {
			const struct manifest_entry *entry = &in->entries.items[k];

			if (str_eq(entry->path, rest) && same_as_entry(at->entry, entry))
				return begins_in_file(w, at, pos, how,
						      joined(w, owner_trim(w, own), rest));
		}
	}
	return 1;
}

/* What E names in another node, laid to TO; WHOLE: as a tree. */
static int take_result(struct owner_walk *w, const struct owner_at *at, const struct edge *e,
		       const char *to, bool whole, const struct owner_step *step, struct err **err)
{
	const char *path = whole_path(w, at), *rest = below(place(w, at, to), path);
	const char *inside = e->type == REF_INSIDE ? owner_trim(w, e->inside) : "";
	const char *name = *inside ? path_base(inside) : e->output ? e->output : "";
	bool landed = !whole && str_eq(path, landing(w, at, to, name));
	struct owner_at next = {.node = e->from, .output = e->output, .path = name, .mount = ""};
	int rc = 1;

	next.file = !whole && e->type != REF_INSIDE;
	if (next.file)
		return landed ? owner_go(w, next, "", at, step, err) : 1;
	if (landed) {
		next.path = inside;
		rc = owner_go(w, next, "", at, step, err);
	}
	if (rc == 1 && rest) {
		next.path = joined(w, inside, rest);
		rc = owner_go(w, next, "", at, step, err);
	}
	return rc;
}

static int take_content(struct owner_walk *w, const struct owner_at *at, const struct content *c,
			struct err **err)
{
	const struct ref *ref = c->unpack ? c->unpack : c->copy ? c->copy : c->template;
	const char *to = c->to ? c->to : "/";
	const struct edge *e = node_edge(at->node, ref);
	struct owner_step step = {
		at->node, c->pos,
		arena_printf(w->o->arena, "%s %s", c->unpack ? "unpack" : "copy", ref->text)};

	if (!e)
		return 1;
	return e->from ? take_result(w, at, e, to, c->unpack, &step, err)
		       : take_path(w, at, e, ref, to, c->pos, err);
}

/* Of a file the last that has it counts, of a directory the first. */
static int take_contents(struct owner_walk *w, const struct owner_at *at,
			 const struct list *contents, bool first, struct err **err)
{
	int rc = 1;

	for (size_t i = 0; rc == 1 && i < contents->count; i++)
		rc = take_content(
			w, at,
			LIST_AT(*contents, struct content *, first ? i : contents->count - 1 - i),
			err);
	return rc;
}

/* The tree that AT's node was made from. */
static int take_base(struct owner_walk *w, const struct owner_at *at, const struct ref *from,
		     struct err **err)
{
	const struct edge *e = node_edge(at->node, from);
	struct owner_step step;

	if (!e || !e->from)
		return 1;
	step = (struct owner_step){at->node, from->pos,
				   arena_printf(w->o->arena, "from %s", from->text)};
	return owner_go(w, (struct owner_at){.node = e->from, .path = at->path, .mount = ""}, "",
			at, &step, err);
}

static int take_overlay(struct owner_walk *w, const struct owner_at *at, const struct ref *overlay,
			struct err **err)
{
	const struct edge *e = node_edge(at->node, overlay);

	return e && !e->from ? take_path(w, at, e, overlay, "/", overlay->pos, err) : 1;
}

static int take_tree(struct owner_walk *w, const struct owner_at *at, const struct ref *from,
		     const struct list *contents, struct err **err)
{
	bool directory = at->entry && S_ISDIR(at->entry->inode->mode);
	int rc = directory ? take_base(w, at, from, err) : 1;

	if (rc == 1)
		rc = take_contents(w, at, contents, directory, err);
	return rc == 1 && !directory ? take_base(w, at, from, err) : rc;
}

static int take(struct owner_walk *w, const struct owner_at *at, struct err **err)
{
	const struct recipe *r = at->node->recipe;
	const struct tree_opts *tree = r->opts;
	const struct image_opts *image = r->opts;
	const struct debian_opts *debian = r->opts;
	int rc;

	if (r->kind == &kind_tree)
		return take_tree(w, at, tree->from, &tree->contents, err);
	if (r->kind == &kind_image)
		return take_tree(w, at, NULL, &image->contents, err);
	if (r->kind != &kind_debian)
		return 1;
	rc = take_overlay(w, at, debian->overlay, err);
	return rc == 1 ? take_base(w, at, debian->from, err) : rc;
}

/* ---- the way ---- */

static const struct artifact *output_of(const struct node *n, const char *name)
{
	const struct record *rec = n->record;

	for (size_t i = 0; rec && i < rec->output_count; i++) {
		if (!name || str_eq(rec->outputs[i].name, name))
			return &rec->outputs[i];
	}
	return NULL;
}

static const char *type_word(const struct owner_at *at)
{
	mode_t type = at->entry ? at->entry->inode->mode & S_IFMT : S_IFREG;

	return type == S_IFREG   ? "file"
	       : type == S_IFDIR ? "directory"
	       : type == S_IFLNK ? "link"
				 : "special";
}

/* 1: it is not there, or not the same. */
static int find_entry(struct owner_walk *w, struct owner_at *at, const struct owner_at *above)
{
	if (!at->tree)
		return 0;
	at->entry = tree_lookup(at->tree, at->path);
	if (!at->entry || (above && !same(above->entry, at->entry)))
		return 1;
	at->path = arena_strdup(w->o->arena, at->entry->path);
	if (!w->packages_known)
		w->packages_known = bill_owners_of(&w->r, at->tree, at->entry, &w->o->packages);
	return 0;
}

static int go_on(struct owner_walk *w, const struct owner_at *at, const struct owner_step *step,
		 struct err **err)
{
	int rc;

	if (!w->o->path) {
		w->o->path = at->path;
		w->o->type = type_word(at);
	}
	if (step)
		owner_steps_push(&w->o->way, *step);
	rc = at->file ? 1 : take(w, at, err);
	return rc == 1 ? owner_begins(w, at, err) : rc;
}

int owner_go(struct owner_walk *w, struct owner_at at, const char *part,
	     const struct owner_at *above, const struct owner_step *step, struct err **err)
{
	const struct artifact *a = output_of(at.node, at.output);
	struct look l cleanup_look = {0};

	if (!a)
		return err_set(err, E_NO_RESULT,
			       "the store has nothing that node '%s' made; 'orch build %s' makes "
			       "it",
			       at.node->name, at.node->name);
	if (at.file) {
		if (above && a->type == OUTPUT_FILE && !same_as_file(above->entry, &a->digest))
			return 1;
		return go_on(w, &at, step, err);
	}
	if (bill_open(&w->r, at.node, a, part, &l, err) < 0)
		return -1;
	at.tree = l.tree;
	return find_entry(w, &at, above) ? 1 : go_on(w, &at, step, err);
}

int owner_find(struct owner *o, const struct owner_place *place, const struct node *n,
	       const char *path, struct err **err)
{
	struct bill bill = {.arena = o->arena, .project = n->recipe->project};
	struct owner_walk w = {
		.o = o,
		.r = {.bill = &bill, .store_dir = place->store_dir, .scratch = place->scratch}};
	int rc = owner_enter(&w, n, owner_trim(&w, path), err);

	licences_clear(&bill.licences);
	if (rc == 1)
		return err_set(err, E_TREE_PATH_MISSING, "there is no '/%s' in what node '%s' made",
			       owner_trim(&w, path), n->name);
	return rc;
}

const char *owner_origin_word(enum owner_origin origin)
{
	static const char *const words[] = {"file",  "package", "scripts",
					    "steps", "fetched", "empty"};

	return words[origin];
}

void owner_clear(struct owner *o)
{
	bill_packages_clear(&o->packages);
	owner_steps_clear(&o->way);
	strs_clear(&o->needs);
}
