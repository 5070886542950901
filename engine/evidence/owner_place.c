/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which partition of a disk, or which image of a bundle, a path is in. */
#include "base/str.h"
#include "evidence/owner_priv.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"

#define FSTAB_MAX (1u << 20)

/* What follows "NAME/", "" for NAME alone; NULL: PATH is elsewhere. */
static const char *after(const char *name, const char *path)
{
	const char *rest = str_skip(path, name);

	return rest && (!*rest || *rest == '/') ? rest + (*rest == '/') : NULL;
}

/* ---- disks ---- */

/* PATH of the file system in P, which node N has put there. */
static int enter_part(struct owner_walk *w, const struct node *n, const struct disk_part *p,
		      const char *path, struct err **err)
{
	const struct edge *e = node_edge(n, p->from);
	struct owner_step step;

	w->o->part = p->name;
	if (!e || !e->from) {
		w->o->path = path;
		w->o->origin = OWNER_EMPTY;
		owner_push(w, n, p->pos, "partition %s", p->name);
		return 0;
	}
	step = (struct owner_step){
		n, p->pos,
		arena_printf(w->o->arena, "partition %s from %s", p->name, p->from->text)};
	return owner_go(w,
			(struct owner_at){.node = e->from,
					  .output = e->output,
					  .path = owner_trim(w, path),
					  .mount = ""},
			"", NULL, &step, err);
}

/* Whether SOURCE, the first word of a line of fstab(5), is P. */
static bool is_source(const char *source, const struct disk_part *p)
{
	static const char *const names[] = {"PARTLABEL=", "/dev/disk/by-partlabel/"};
	static const char *const labels[] = {"LABEL=", "/dev/disk/by-label/"};
	const char *word, *slash = strrchr(source, '/');

	for (size_t i = 0; i < array_len(names); i++) {
		if ((word = str_skip(source, names[i])))
			return str_eq(word, p->name);
		if ((word = str_skip(source, labels[i])))
			return p->label && str_eq(word, p->label);
	}
	return slash && str_eq(slash + 1, p->name); /* a link that the device's rules make */
}

static const struct disk_part *part_of(const struct disk_opts *o, const char *source)
{
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		if (is_source(source, p))
			return p;
	}
	return NULL;
}

/* The partition that TEXT, an fstab, mounts nearest above PATH; *RET_REST is what is below. */
static const struct disk_part *find_mount(const struct disk_opts *o, char *text, const char *path,
					  const char **ret_rest)
{
	const struct disk_part *best = NULL;
	size_t longest = 0;
	char *line;

	while (text && (line = strsep(&text, "\n"))) {
		char *save = NULL, *source = strtok_r(line, " \t", &save);
		char *target = source && *source != '#' ? strtok_r(NULL, " \t", &save) : NULL;
		const char *rest = target && *target == '/' ? after(target + 1, path) : NULL;
		const struct disk_part *p = rest && target[1] ? part_of(o, source) : NULL;

		if (!p || strlen(target) <= longest)
			continue;
		longest = strlen(target);
		best = p;
		*ret_rest = rest;
	}
	return best;
}

/* The fstab of what is in P, "" where it has none; NULL: it is no root file system. Heap. */
static int read_fstab(struct owner_walk *w, const struct node *n, const struct disk_part *p,
		      char **ret, struct err **err)
{
	const struct edge *e = node_edge(n, p->from);
	struct look l cleanup_look = {0};
	const struct tree_entry *fstab;

	*ret = NULL;
	if (!e || !e->from || !e->from->record || !e->from->record->output_count)
		return 0;
	if (bill_open(&w->r, e->from, &e->from->record->outputs[0], "", &l, err) < 0)
		return -1;
	if (!l.tree || !tree_resolve(l.tree, "usr"))
		return 0;
	fstab = tree_resolve(l.tree, "etc/fstab");
	*ret = fstab ? tree_inode_text(fstab->inode, FSTAB_MAX) : NULL;
	*ret = *ret ? *ret : xstrdup("");
	return 0;
}

static int enter_disk(struct owner_walk *w, const struct node *n, const char *path,
		      struct err **err)
{
	const struct disk_opts *o = n->recipe->opts;
	const char *rest = NULL;
	int rc;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		rest = after(p->name, path);
		rc = rest ? enter_part(w, n, p, rest, err) : 1;
		if (rc != 1)
			return rc;
	}
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i), *mounted;
		char *fstab cleanup_free = NULL;

		if (read_fstab(w, n, p, &fstab, err) < 0)
			return -1;
		if (!fstab)
			continue;
		mounted = find_mount(o, fstab, path, &rest);
		return enter_part(w, n, mounted ? mounted : p, mounted ? rest : path, err);
	}
	return 1;
}

/* ---- images with partitions ---- */

static int enter_table(struct owner_walk *w, const struct node *n, const char *path,
		       struct err **err)
{
	const struct image_opts *o = n->recipe->opts;
	const struct image_part_opts *best = NULL;
	struct owner_at at = {.node = n, .mount = ""};

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);
		const char *mount = p->mount ? owner_trim(w, p->mount) : NULL;
		const char *rest = !mount ? NULL : *mount ? after(mount, path) : path;

		if (after(p->name, path)) {
			best = p;
			at.path = after(p->name, path);
			at.mount = mount ? mount : "";
			break;
		}
		if (rest && (!best || strlen(mount) > strlen(at.mount))) {
			best = p;
			at.path = rest;
			at.mount = mount;
		}
	}
	if (!best)
		return 1;
	w->o->part = best->name;
	return owner_go(w, at, arena_printf(w->o->arena, "%s/", best->name), NULL, NULL, err);
}

/* ---- bundles ---- */

static int enter_image(struct owner_walk *w, const struct node *n, const struct named_ref *image,
		       const char *path, struct err **err)
{
	const struct edge *e = node_edge(n, image->ref);
	struct owner_step step = {
		n, image->ref->pos,
		arena_printf(w->o->arena, "image %s from %s", image->key, image->ref->text)};

	w->o->part = image->key;
	if (!e || !e->from)
		return 1;
	return owner_go(
		w,
		(struct owner_at){.node = e->from, .output = e->output, .path = path, .mount = ""},
		"", NULL, &step, err);
}

/* By the class of the slot, else in the first image that has it. */
static int enter_bundle(struct owner_walk *w, const struct node *n, const char *path,
			struct err **err)
{
	const struct bundle_opts *o = n->recipe->opts;
	int rc = 1;

	for (size_t i = 0; i < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);
		const char *rest = after(image->key, path);

		if (rest)
			return enter_image(w, n, image, rest, err);
	}
	for (size_t i = 0; rc == 1 && i < o->images.count; i++)
		rc = enter_image(w, n, LIST_AT(o->images, struct named_ref *, i), path, err);
	return rc;
}

/* ---- */

/* An output of a step, by its name; what is in it is of no node's contents. */
static int enter_outputs(struct owner_walk *w, const struct node *n, const char *path,
			 struct err **err)
{
	struct str all cleanup_str = STR_INIT;

	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const char *name = n->record->outputs[i].name;
		struct owner_at at = {.node = n, .output = name, .mount = ""};

		str_printf(&all, "%s'/%s'", i ? ", " : "", name);
		if (!after(name, path))
			continue;
		at.path = *after(name, path) ? after(name, path) : path;
		at.file = at.path == path;
		return owner_go(w, at, "", NULL, NULL, err);
	}
	if (!all.len)
		return 1;
	return err_set(err, E_TREE_PATH_MISSING, "what node '%s' made is %s", n->name, all.buf);
}

int owner_enter(struct owner_walk *w, const struct node *n, const char *path, struct err **err)
{
	const struct kind *k = n->recipe->kind;
	const struct image_opts *image = n->recipe->opts;

	if (k == &kind_disk)
		return enter_disk(w, n, path, err);
	if (k == &kind_bundle)
		return enter_bundle(w, n, path, err);
	if (k == &kind_image && image->partitions.count)
		return enter_table(w, n, path, err);
	if (k == &kind_image || k == &kind_tree || k == &kind_debian)
		return owner_go(w, (struct owner_at){.node = n, .path = path, .mount = ""}, "",
				NULL, NULL, err);
	return enter_outputs(w, n, path, err);
}
