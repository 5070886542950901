/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making an image. The content is put together as one tree, whatever the partitions are; each file
 * system then gets what lies below its mount point.
 */
#include "base/file.h"
#include "base/path.h"
#include "kinds/image/image_opts.h"
#include "kinds/makers.h"

/* Moves what lies below MOUNT out of T. */
static int split(struct action *a, struct tree *t, const char *mount, struct tree **ret,
		 struct err **err)
{
	struct tree *part cleanup_tree = tree_new(a->epoch, a->workdir);
	struct tree_entry *there = tree_resolve(t, mount);
	char *below cleanup_free = NULL;
	size_t removed;

	if (!there) {
		if (tree_add_dir(t, mount, 0755, err) < 0)
			return -1;
		there = tree_resolve(t, mount);
	}
	if (tree_copy_tree(part, "/", t, mount, 0, err) < 0)
		return -1;
	below = xasprintf("/%s/**", there->path);
	if (tree_remove(t, below, &removed, err) < 0)
		return -1;
	*ret = steal_ptr(part);
	return 0;
}

static struct image_fs *add_fs(struct action *a, struct image_plan *p, const char *name, int type,
			       const char *label)
{
	const struct image_opts *o = a->opts;
	struct image_fs *fs = image_fs_list_at_end(&p->fs);

	fs->type = (enum image_fs_type)type;
	fs->label = label;
	fs->reserved_percent = (unsigned)o->reserved_percent;
	fs->name = *name ? arena_printf(a->arena, "partition '%s'", name) : a->node;
	image_fs_ids(a, name, fs);
	return fs;
}

/* The partition with the longest mount point that has no tree yet, or NULL. "/" comes last. */
static const struct image_part_opts *longest_mount(const struct image_opts *o,
						   const struct image_plan *p, size_t *ret_index)
{
	const struct image_part_opts *best = NULL;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *part =
			LIST_AT(o->partitions, struct image_part_opts *, i);
		bool done = part->filesystem == IMAGE_FS_NONE;

		for (size_t k = 0; k < p->fs.count; k++)
			done = done || p->fs.items[k].part == i;
		if (done || (best && strlen(part->mount ? part->mount : "") <=
					     strlen(best->mount ? best->mount : "")))
			continue;
		best = part;
		*ret_index = i;
	}
	return best;
}

static int refuse_leftovers(struct tree *t, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 1; i < count; i++)
		if (!S_ISDIR(entries[i]->inode->mode))
			return err_set(err, E_IMAGE_NO_PLACE,
				       "no partition takes '/%s': give one 'mount: /', or copy it "
				       "below the mount point of another",
				       entries[i]->path);
	return 0;
}

/* Gives each file system of a partitioned image its tree. Takes T. */
static int distribute(struct action *a, struct image_plan *p, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct tree *all cleanup_tree = t;
	const struct image_part_opts *part;
	size_t index = 0;

	while ((part = longest_mount(o, p, &index))) {
		struct image_fs *fs = add_fs(a, p, part->name, part->filesystem, part->label);

		fs->part = index;
		fs->start = p->layout.parts.items[index].start;
		fs->size = p->layout.parts.items[index].size;
		if (!part->mount)
			fs->tree = tree_new(a->epoch, a->workdir);
		else if (str_eq(part->mount, "/"))
			fs->tree = steal_ptr(all);
		else if (split(a, all, part->mount, &fs->tree, err) < 0)
			return -1;
	}
	if (!all)
		return 0;
	if (refuse_leftovers(all, err) < 0)
		return -1;
	tree_keep(p->fs.items[0].tree, steal_ptr(all)); /* the others refer to its data */
	return 0;
}

static int plan_partitions(struct action *a, struct image_plan *p, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;
	unsigned char(*ids)[16] = arena_alloc(a->arena, o->partitions.count * sizeof(*ids));

	p->table = true;
	image_layout(o, &p->layout);
	uuid_derive(p->disk, a->project, a->identity, "disk", NULL);
	for (size_t i = 0; i < o->partitions.count; i++)
		image_partition_id(a, LIST_AT(o->partitions, struct image_part_opts *, i)->name,
				   ids[i]);
	p->part_ids = (const unsigned char(*)[16])ids;
	if (layout_place(&p->layout, err) < 0) {
		tree_free(t);
		return -1;
	}
	return distribute(a, p, t, err);
}

static int write_text(struct action *a, const char *ending, const char *text, struct err **err)
{
	const char *path =
		action_output(a, arena_printf(a->arena, "%s.%s", path_base(a->node), ending));
	char *line cleanup_free = xasprintf("%s\n", text);

	return file_write(path, line, strlen(line), 0644, false, err);
}

/* Behind the data of the image its hash tree, and beside it what the kernel must be told. */
static int seal(struct action *a, const struct image_plan *p, struct err **err)
{
	uint64_t data = p->fs.items[0].size;
	char hex[DIGEST_HEX + 1], *table cleanup_free = NULL;
	struct verity v;

	uuid_derive(v.uuid, a->project, a->identity, "verity", NULL);
	uuid_derive(v.salt, a->project, a->identity, "verity-salt", "1", NULL);
	uuid_derive(v.salt + 16, a->project, a->identity, "verity-salt", "2", NULL);
	action_progress(a, -1, "hashing");
	if (verity_write(p->path, data, &v, err) < 0)
		return -1;
	table = verity_table(&v, data, "DEVICE");
	return write_text(a, "roothash", digest_hex(&v.root, hex), err) < 0 ||
			       write_text(a, "verity", table, err) < 0
		       ? -1
		       : 0;
}

static int write_sealed(struct action *a, struct image_plan *p, struct err **err)
{
	const struct image_opts *o = a->opts;
	int rc = o->size == SIZE_AUTO ? image_write_auto(a, p, err) : image_write_direct(a, p, err);

	return rc < 0 || !o->verity ? rc : seal(a, p, err);
}

/* The image of what is in T. */
static int write_image(struct action *a, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct image_plan p cleanup_image_plan = {
		.path = action_output(a, arena_printf(a->arena, "%s.img", path_base(a->node))),
		.size = o->size,
		.lock = o->layout ? action_input(a, o->layout)->path : NULL,
		.tools = o->tools};

	if (o->table == IMAGE_TABLE_GPT) {
		if (plan_partitions(a, &p, t, err) < 0)
			return -1;
	} else {
		struct image_fs *fs = add_fs(a, &p, "", o->filesystem, o->label);

		fs->size = o->verity ? verity_data_size(o->size) : o->size;
		fs->tree = t;
	}
	if (image_pack(a, &p, err) < 0)
		return -1;
	if (o->size == SIZE_AUTO || o->verity)
		return write_sealed(a, &p, err);
	if (o->writer == IMAGE_WRITER_GUESTFS)
		return image_write_guestfs(a, &p, err);
	return image_write_direct(a, &p, err);
}

static int image_run(struct action *a, struct err **err)
{
	struct tree *t = NULL;

	action_progress(a, -1, "putting the content together");
	if (image_assemble(a, &t, err) < 0)
		return -1;
	if (write_image(a, t, err) < 0)
		return err_wrap(err, "%s", action_place(a, (struct pos){0}));
	return 0;
}

const struct maker maker_image = {
	.kind = &kind_image,
	.run = image_run,
};
