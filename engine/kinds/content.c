/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/content.h"

#include <sys/stat.h>

#include "base/map.h"
#include "base/path.h"

/* ---- modes and owners ---- */

int content_attr_parse(const char *text, struct content_attr *ret)
{
	const char *colon = strchr(text, ':'), *blank = strchr(text, ' ');
	char *mode cleanup_free =
		colon && !blank ? xstrdup("") : xstrndup(text, strcspn(text, " "));
	const char *owner = colon ? (blank ? blank + 1 : text) : "";
	char *uid cleanup_free = xstrndup(owner, strcspn(owner, ":"));
	uint64_t u = 0, g = 0;

	*ret = (struct content_attr){-1, -1, -1};
	if (*mode) {
		size_t n = strlen(mode);

		if (strspn(mode, "01234567") != n || n < 3 || n > 5)
			return 1;
		ret->mode = strtol(mode, NULL, 8);
		if (ret->mode > 07777)
			return 1;
	}
	if (!colon)
		return !*mode || blank;
	if (str_u64(uid, &u) || str_u64(colon + 1, &g) || u > UINT32_MAX || g > UINT32_MAX)
		return 1;
	ret->uid = (int64_t)u;
	ret->gid = (int64_t)g;
	return 0;
}

static void set_attr(struct tree_inode *inode, const struct content_attr *attr)
{
	if (attr->mode >= 0 && !S_ISLNK(inode->mode))
		inode->mode = (inode->mode & S_IFMT) | (mode_t)attr->mode;
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
			return err_at(err, p->pos, "'%s' is not a mode", p->value);
		for (size_t i = 0; i < count; i++) {
			if (!tree_glob(p->key, entries[i]->path))
				continue;
			set_attr(entries[i]->inode, &attr);
			hits++;
		}
		if (!hits)
			return err_set(err, ERR_USER, "modes: nothing matches '%s'", p->key);
	}
	return 0;
}

/* ---- tables and checks ---- */

static const struct option content_options[] = {
	{"unpack", OPT_REF, offsetof(struct content, unpack), .accept = ACCEPT_TREE | ACCEPT_INSIDE,
	 .help = "A tree that a node made, or a folder inside one.", .example = "base"},
	{"copy", OPT_REF, offsetof(struct content, copy),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "A file or folder of the project, an output of a node, or a place inside a tree.",
	 .example = "rootfs/"},
	{"to", OPT_STRING, offsetof(struct content, to), OPT_ABSPATH,
	 .help = "Where it goes; with a '/' at the end a file goes into that folder."},
	{"mode", OPT_STRING, offsetof(struct content, mode),
	 .help = "Permissions of a copied file, octal.", .example = "\"0640\""},
	{"owner", OPT_STRING, offsetof(struct content, owner),
	 .help = "Owner and group by number of what is copied.", .example = "\"0:42\""},
	{"keep-git", OPT_BOOL, offsetof(struct content, keep_git), .def = "false",
	 .help = "Copy `.git` and what is in it, too, which differs between clones of one commit."},
};
static void check_content(void *data, const struct yaml *map, struct err_list *errors);
const struct schema content_schema =
	SCHEMA(struct content, content_options, .check = check_content);

static struct pos pos_of(const struct yaml *map, const char *key)
{
	const struct yaml *value = yaml_get(map, key);

	return value ? value->pos : map->pos;
}

/* Whether a path of the project has .git in it; an output of a node has not. */
static bool is_in_git(const char *path)
{
	for (const char *p = path; *p && !strchr(path, ':'); p += *p == '/') {
		size_t len = strcspn(p, "/");
		char *part cleanup_free = xstrndup(p, len);

		if (path_is_git(part))
			return true;
		p += len;
	}
	return false;
}

static void check_content(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct content *c = data;
	struct content_attr attr;

	if (!c->unpack == !c->copy)
		err_list_at(errors, map->pos, "an entry of contents has either 'unpack' or 'copy'");
	if (c->copy && !c->to)
		err_list_at(errors, map->pos, "'copy' needs 'to'");
	if (c->keep_git && c->unpack)
		err_list_at(errors, pos_of(map, "keep-git"), "'keep-git' goes with 'copy'");
	if (c->copy && !c->keep_git && is_in_git(c->copy->text))
		err_list_at(errors, c->copy->pos,
			    "'%s' is git's own, and differs between clones of one commit: add "
			    "'keep-git: true' if that is meant",
			    c->copy->text);
	if (c->copy)
		c->copy->keep_git = c->keep_git;
	if (c->mode && c->unpack)
		err_list_at(errors, pos_of(map, "mode"),
			    "'mode' goes with 'copy': use 'modes' for a tree");
	if (c->mode && (content_attr_parse(c->mode, &attr) || attr.mode < 0 || attr.uid >= 0))
		err_list_at(errors, pos_of(map, "mode"),
			    "'%s' is not a mode: write it like \"0644\"", c->mode);
	if (c->owner && (content_attr_parse(c->owner, &attr) || attr.mode >= 0 || attr.uid < 0))
		err_list_at(errors, pos_of(map, "owner"),
			    "'%s' is not an owner: write it like \"0:42\"", c->owner);
}

void content_check_globs(const struct list *globs, struct pos pos, struct err_list *errors)
{
	for (size_t i = 0; i < globs->count; i++) {
		const char *glob = LIST_AT(*globs, const char *, i);

		if (glob[0] != '/' || !glob[1])
			err_list_at(errors, pos, "'%s' must be an absolute pattern below '/'",
				    glob);
	}
}

void content_check_modes(const struct list *modes, struct err_list *errors)
{
	struct content_attr attr;

	for (size_t i = 0; i < modes->count; i++) {
		const struct pair *p = LIST_AT(*modes, struct pair *, i);

		if (p->key[0] != '/')
			err_list_at(errors, p->pos, "'%s' must be an absolute pattern", p->key);
		if (content_attr_parse(p->value, &attr))
			err_list_at(errors, p->pos,
				    "'%s' is not a mode: write \"0640\", \"0:42\" or \"0640 0:42\"",
				    p->value);
	}
}

/* ---- contents ---- */

/* Trees that were read for this node: several contents often come out of one. */
struct sources {
	struct action *a;
	struct tree *t;  /* keeps what was read */
	struct map read; /* path -> struct tree * */
};

static int source(struct sources *s, const char *path, const struct tree **ret, struct err **err)
{
	struct tree *src cleanup_tree = NULL;

	*ret = map_get(&s->read, path);
	if (*ret)
		return 0;
	src = tree_new(s->a->epoch, s->a->workdir);
	if (tree_read_tar(src, "/", path, 0, err) < 0)
		return -1;
	*ret = src;
	tree_keep(s->t, src);
	map_set(&s->read, path, steal_ptr(src));
	return 0;
}

/* Where a copied file lands: "to: /x/" is the folder it goes into. */
static const char *file_target(struct sources *s, const char *to, const char *name)
{
	return str_ends(to, "/") ? arena_printf(s->a->arena, "%s%s", to, name) : to;
}

static int apply_attr(struct sources *s, const struct content *c, const char *at, bool folder,
		      struct err **err)
{
	struct content_attr attr = {-1, -1, -1}, owner = {-1, -1, -1};
	struct tree_entry *top = tree_resolve(s->t, at);
	size_t count;
	struct tree_entry *const *entries;

	if ((c->mode && content_attr_parse(c->mode, &attr)) ||
	    (c->owner && content_attr_parse(c->owner, &owner)))
		return err_set(err, ERR_USER, "contents: bad mode or owner for '%s'", at);
	if (!top || (!c->mode && !c->owner))
		return 0;
	attr.uid = owner.uid;
	attr.gid = owner.gid;
	if (!folder) {
		set_attr(top->inode, &attr);
		return 0;
	}
	if (c->mode)
		return err_set(err, ERR_USER,
			       "contents: 'mode' is for a file, but '%s' is a folder: use 'modes'",
			       at);
	entries = tree_entries(s->t, &count);
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(top->path);

		if (strncmp(entries[i]->path, top->path, n) == 0 &&
		    (!n || !entries[i]->path[n] || entries[i]->path[n] == '/'))
			set_attr(entries[i]->inode, &attr);
	}
	return 0;
}

static int copy_inside(struct sources *s, const struct content *c, const struct action_input *in,
		       struct err **err)
{
	const struct tree *src;
	struct tree_entry *e;
	const char *to = c->to;
	bool folder;

	if (source(s, in->path, &src, err) < 0)
		return -1;
	e = tree_resolve(src, in->inside);
	if (!e)
		return err_set(err, ERR_USER, "there is no '%s' in the tree of '%s'", in->inside,
			       in->node);
	folder = S_ISDIR(e->inode->mode);
	if (!folder)
		to = file_target(s, to, path_base(in->inside));
	if (tree_copy_tree(s->t, to, src, in->inside, TREE_FOLLOW | TREE_REPLACE, err) < 0)
		return -1;
	return apply_attr(s, c, to, folder, err);
}

static int copy(struct sources *s, const struct content *c, struct err **err)
{
	const struct action_input *in = action_input(s->a, c->copy);
	const char *to = c->to;

	if (in->type == INPUT_INSIDE)
		return copy_inside(s, c, in, err);
	if (in->type == INPUT_FILE)
		to = file_target(s, to, in->output ? in->output : path_base(in->ref));
	if (tree_copy_path(s->t, to, in->path, c->keep_git ? 0 : TREE_SKIP_GIT, err) < 0)
		return -1;
	return apply_attr(s, c, to, in->type == INPUT_FOLDER, err);
}

static int unpack(struct sources *s, const struct content *c, struct err **err)
{
	const struct action_input *in = action_input(s->a, c->unpack);
	const struct tree *src;
	const char *to = c->to ? c->to : "/";

	if (source(s, in->path, &src, err) < 0)
		return -1;
	if (tree_copy_tree(s->t, to, src, in->type == INPUT_INSIDE ? in->inside : "/",
			   TREE_FOLLOW | TREE_REPLACE, err) < 0)
		return -1;
	return apply_attr(s, c, to, true, err);
}

int content_lay(struct action *a, const struct list *contents, struct tree *t, struct err **err)
{
	struct sources s = {.a = a, .t = t};
	int rc = 0;

	for (size_t i = 0; !rc && i < contents->count; i++) {
		const struct content *c = LIST_AT((*contents), struct content *, i);
		const struct ref *ref = c->unpack ? c->unpack : c->copy;

		rc = c->unpack ? unpack(&s, c, err) : copy(&s, c, err);
		if (rc)
			err_wrap(err, "contents: '%s'", ref->text);
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
