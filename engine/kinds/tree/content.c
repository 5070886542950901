/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/tree/content.h"

#include <sys/stat.h>

#include "base/map.h"
#include "base/path.h"
#include "kinds/tree/input_tree.h"

/* ---- modes and owners ---- */

static void set_attr(struct tree *t, struct tree_inode *inode, const struct content_attr *attr)
{
	if (attr->mode >= 0 && !S_ISLNK(inode->mode))
		tree_inode_chmod(t, inode, (mode_t)attr->mode);
	if (attr->uid >= 0)
		inode->uid = (uint32_t)attr->uid;
	if (attr->gid >= 0)
		inode->gid = (uint32_t)attr->gid;
}

int content_modes(const struct list *modes, struct tree *t, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t m = 0; m < modes->count; m++) {
		const struct pair *p = LIST_AT(*modes, struct pair *, m);
		struct content_attr attr;
		size_t hits = 0;

		if (content_attr_parse(p->value, &attr))
			return err_at(err, E_INVALID_VALUE, p->pos, "'%s' is not a mode", p->value);
		for (size_t i = 0; i < count; i++) {
			if (!tree_glob(p->key, entries[i]->path))
				continue;
			set_attr(t, entries[i]->inode, &attr);
			hits++;
		}
		if (!hits)
			return err_set(err, E_TREE_PATH_MISSING, "modes: nothing matches '%s'",
				       p->key);
	}
	return 0;
}

/* ---- contents ---- */

/* Trees that were read for this node: several contents often come out of one. */
struct sources {
	struct action *a;
	struct tree *t;  /* keeps what was read */
	struct map read; /* path of a tar -> struct tree * */
};

/* The tree that IN is, and where in it. Images are read for each entry: that takes no unpacking. */
static int source(struct sources *s, const struct action_input *in, const struct tree **ret,
		  const char **ret_inside, struct err **err)
{
	bool kept = !input_is_image(in);
	struct tree *src = NULL;

	*ret = kept ? map_get(&s->read, in->path) : NULL;
	*ret_inside = in->inside ? in->inside : "/";
	if (*ret)
		return 0;
	if (input_tree(s->a, in, &src, ret_inside, err) < 0)
		return -1;
	*ret = src;
	tree_keep(s->t, src);
	if (kept)
		map_set(&s->read, in->path, src);
	return 0;
}

/* Where a copied file lands: "to: /x/" is the directory it goes into. */
static const char *file_target(struct sources *s, const char *to, const char *name)
{
	return str_ends(to, "/") ? arena_printf(s->a->arena, "%s%s", to, name) : to;
}

static int apply_attr(struct sources *s, const struct content *c, const char *at, bool directory,
		      struct err **err)
{
	struct content_attr attr = {-1, -1, -1}, owner = {-1, -1, -1};
	struct tree_entry *top = tree_resolve(s->t, at);
	size_t count;
	struct tree_entry *const *entries;

	if ((c->mode && content_attr_parse(c->mode, &attr)) ||
	    (c->owner && content_attr_parse(c->owner, &owner)))
		return err_set(err, E_INVALID_VALUE, "contents: bad mode or owner for '%s'", at);
	if (!top || (!c->mode && !c->owner))
		return 0;
	attr.uid = owner.uid;
	attr.gid = owner.gid;
	if (!directory) {
		set_attr(s->t, top->inode, &attr);
		return 0;
	}
	if (c->mode)
		return err_set(
			err, E_CONFLICTING_KEYS,
			"contents: 'mode' is for a file, but '%s' is a directory: use 'modes'", at);
	entries = tree_entries(s->t, &count);
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(top->path);

		if (strncmp(entries[i]->path, top->path, n) == 0 &&
		    (!n || !entries[i]->path[n] || entries[i]->path[n] == '/'))
			set_attr(s->t, entries[i]->inode, &attr);
	}
	return 0;
}

static int copy_inside(struct sources *s, const struct content *c, const struct action_input *in,
		       struct err **err)
{
	const struct tree *src;
	struct tree_entry *e;
	const char *to = c->to, *inside;
	bool directory;

	if (source(s, in, &src, &inside, err) < 0)
		return -1;
	e = tree_resolve(src, inside);
	if (!e)
		return err_set(err, E_TREE_PATH_MISSING, "there is no '%s' in the %s of '%s'",
			       in->inside, input_is_image(in) ? "image" : "tree", in->node);
	directory = S_ISDIR(e->inode->mode);
	if (!directory)
		to = file_target(s, to, path_base(in->inside));
	if (tree_copy_tree(s->t, to, src, inside, TREE_FOLLOW | TREE_REPLACE, err) < 0)
		return -1;
	return apply_attr(s, c, to, directory, err);
}

static int copy(struct sources *s, const struct content *c, struct err **err)
{
	const struct ref *ref = c->copy ? c->copy : c->template;
	const struct action_input *in = action_input(s->a, ref);
	const char *to = c->to, *name = ref->template ? ref->template : in->ref;

	if (in->type == INPUT_INSIDE)
		return copy_inside(s, c, in, err);
	if (in->type == INPUT_FILE)
		to = file_target(s, to, in->output ? in->output : path_base(name));
	if (tree_copy_path(s->t, to, in->path, c->keep_git ? 0 : TREE_SKIP_GIT, err) < 0)
		return -1;
	return apply_attr(s, c, to, in->type == INPUT_FOLDER, err);
}

static int unpack(struct sources *s, const struct content *c, struct err **err)
{
	const struct action_input *in = action_input(s->a, c->unpack);
	const struct tree *src;
	const char *to = c->to ? c->to : "/", *inside;

	if (in->type == INPUT_FOLDER)
		return err_set(err, E_WRONG_INPUT,
			       "'unpack' takes an archive or an image, not a directory of the "
			       "project: write 'copy'");
	if (source(s, in, &src, &inside, err) < 0 ||
	    tree_copy_tree(s->t, to, src, inside, TREE_FOLLOW | TREE_REPLACE, err) < 0)
		return -1;
	return apply_attr(s, c, to, true, err);
}

int content_lay(struct action *a, const struct list *contents, struct tree *t, struct err **err)
{
	struct sources s = {.a = a, .t = t};
	int rc = 0;

	for (size_t i = 0; !rc && i < contents->count; i++) {
		const struct content *c = LIST_AT((*contents), struct content *, i);
		const struct ref *ref = c->unpack ? c->unpack : c->copy ? c->copy : c->template;

		rc = c->unpack ? unpack(&s, c, err) : copy(&s, c, err);
		if (rc)
			err_wrap(err, "%s: contents: '%s'", action_place(a, c->pos), ref->text);
	}
	map_clear(&s.read);
	return rc;
}

int content_remove(struct action *a, const struct list *globs, struct tree *t, struct err **err)
{
	for (size_t i = 0; i < globs->count; i++) {
		const char *glob = LIST_AT(*globs, const char *, i);
		size_t removed;

		if (tree_remove(t, glob, &removed, err) < 0)
			return -1;
		action_log(a, "remove %s: %zu entries", glob, removed);
	}
	return 0;
}

void content_say_left_out(struct action *a, const struct tree *t)
{
	const struct strv *left_out = tree_left_out(t);

	for (size_t i = 0; i < left_out->count; i++)
		action_log(a, "'/%s' is left out: a socket, and its program has ended",
			   left_out->items[i]);
}
