/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of an image as one tree: contents laid over each other, then units, removals, modes.
 */
#include <ctype.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/path.h"
#include "kinds/image_opts.h"

#define MAX_KEY (64 * 1024) /* larger files are no PEM keys */
#define PEM_BEGIN "-----BEGIN "
#define PEM_KEY "PRIVATE KEY-----"

int image_attr_parse(const char *text, struct image_attr *ret)
{
	const char *colon = strchr(text, ':'), *blank = strchr(text, ' ');
	char *mode cleanup_free =
		colon && !blank ? xstrdup("") : xstrndup(text, strcspn(text, " "));
	const char *owner = colon ? (blank ? blank + 1 : text) : "";
	char *uid cleanup_free = xstrndup(owner, strcspn(owner, ":"));
	uint64_t u = 0, g = 0;

	*ret = (struct image_attr){-1, -1, -1};
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

static void set_attr(struct tree_inode *inode, const struct image_attr *attr)
{
	if (attr->mode >= 0 && !S_ISLNK(inode->mode))
		inode->mode = (inode->mode & S_IFMT) | (mode_t)attr->mode;
	if (attr->uid >= 0)
		inode->uid = (uint32_t)attr->uid;
	if (attr->gid >= 0)
		inode->gid = (uint32_t)attr->gid;
}

int image_modes(struct tree *t, const struct list *modes, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t m = 0; m < modes->count; m++) {
		const struct pair *p = LIST_AT(*modes, struct pair *, m);
		struct image_attr attr;
		size_t hits = 0;

		if (image_attr_parse(p->value, &attr))
			return err_at(err, p->pos, "'%s' is no mode", p->value);
		for (size_t i = 0; i < count; i++) {
			if (!tree_glob(p->key, entries[i]->path))
				continue;
			set_attr(entries[i]->inode, &attr);
			hits++;
		}
		if (!hits)
			return err_set(err, ERR_USER, "modes: nothing in the image matches '%s'",
				       p->key);
	}
	return 0;
}

/* ---- private keys ---- */

/* A PEM block "-----BEGIN ... PRIVATE KEY-----" at the start of a line, with something in it. */
static bool has_key(const char *text)
{
	const char *p = text;

	while ((p = strstr(p, PEM_BEGIN))) {
		const char *end = p + strcspn(p, "\r\n");
		bool starts = p == text || p[-1] == '\n';
		size_t len = (size_t)(end - p);

		if (starts && len >= strlen(PEM_KEY) &&
		    memcmp(end - strlen(PEM_KEY), PEM_KEY, strlen(PEM_KEY)) == 0 && *end &&
		    isalnum((unsigned char)end[strspn(end, "\r\n")]))
			return true;
		p = end;
	}
	return false;
}

static bool allowed(const char *path, const struct list *allow)
{
	for (size_t i = 0; i < allow->count; i++)
		if (tree_glob(LIST_AT(*allow, const char *, i), path))
			return true;
	return false;
}

int image_refuse_keys(struct tree *t, const struct list *allow, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		char *text cleanup_free = tree_inode_text(entries[i]->inode, MAX_KEY);

		if (text && has_key(text) && !allowed(entries[i]->path, allow))
			return err_set(
				err, ERR_USER,
				"'/%s' holds a private key, which every copy of the image would "
				"share: name it under 'remove', or under 'allow-private-keys' if "
				"that is meant",
				entries[i]->path);
	}
	return 0;
}

/* ---- contents ---- */

/* Trees that were read for this image: several contents often come out of one. */
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

static int apply_attr(struct sources *s, const struct image_content *c, const char *at, bool folder,
		      struct err **err)
{
	struct image_attr attr = {-1, -1, -1}, owner = {-1, -1, -1};
	struct tree_entry *top = tree_resolve(s->t, at);
	size_t count;
	struct tree_entry *const *entries;

	if ((c->mode && image_attr_parse(c->mode, &attr)) ||
	    (c->owner && image_attr_parse(c->owner, &owner)))
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

static int copy_inside(struct sources *s, const struct image_content *c,
		       const struct action_input *in, struct err **err)
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

static int copy(struct sources *s, const struct image_content *c, struct err **err)
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

static int unpack(struct sources *s, const struct image_content *c, struct err **err)
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

static int lay_contents(struct action *a, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct sources s = {.a = a, .t = t};
	int rc = 0;

	for (size_t i = 0; !rc && i < o->contents.count; i++) {
		const struct image_content *c = LIST_AT(o->contents, struct image_content *, i);
		const struct ref *ref = c->unpack ? c->unpack : c->copy;

		rc = c->unpack ? unpack(&s, c, err) : copy(&s, c, err);
		if (rc)
			err_wrap(err, "contents: '%s'", ref->text);
	}
	map_clear(&s.read);
	return rc;
}

static int remove_all(struct action *a, struct tree *t, const struct list *globs, struct err **err)
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

static const char *mount_of_type(const struct image_opts *o, const char *type)
{
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);

		if (p->mount && str_eq(p->type, type))
			return p->mount;
	}
	return NULL;
}

static int install_boot(struct action *a, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct image_boot b = {
		.esp = mount_of_type(o, "esp"), .token = a->project, .cmdline = o->cmdline};
	unsigned char id[16];
	char text[37];

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);

		if (!p->mount || !str_eq(p->mount, "/"))
			continue;
		image_partition_id(a, p->name, id);
		b.root_partuuid = uuid_format(id, text);
	}
	return image_install_boot(t, &b, err);
}

/* systemd(1), /usr/lib/clock-epoch: its time counts. */
static int add_clock_epoch(struct action *a, struct tree *t, struct err **err)
{
	static const char path[] = "/usr/lib/clock-epoch";
	struct tree_entry *e;

	if (!a->lock_date)
		return err_set(
			err, ERR_USER,
			"'clock-epoch' is the date of a lock, and nothing in this image comes "
			"from a node that has one");
	if (tree_add_file(t, path, 0644, "", 0, err) < 0)
		return -1;
	e = tree_lookup(t, path);
	e->inode->mtime = (int64_t)a->lock_date;
	return 0;
}

int image_assemble(struct action *a, struct tree **ret, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);

	if (lay_contents(a, t, err) < 0)
		return -1;
	if (o->units && image_apply_units(t, o->units, err) < 0)
		return err_wrap(err, "units");
	if (o->bootloader == IMAGE_BOOT_SYSTEMD && install_boot(a, t, err) < 0)
		return -1;
	if (o->clock_epoch && add_clock_epoch(a, t, err) < 0)
		return -1;
	if (remove_all(a, t, &o->remove, err) < 0 || image_modes(t, &o->modes, err) < 0 ||
	    image_refuse_keys(t, &o->allow_private_keys, err) < 0)
		return -1;
	*ret = steal_ptr(t);
	return 0;
}
