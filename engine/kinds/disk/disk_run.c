/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a disk. Holes stay holes, so that it is as sparse as its parts; nothing in it depends on
 * when or where it was made.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/disk/disk_formats.h"
#include "kinds/image/image.h"
#include "kinds/makers.h"

/* The size of what REF names, bytes. */
static int size_of(struct action *a, const struct ref *ref, uint64_t *ret, struct err **err)
{
	const struct action_input *in = action_input(a, ref);
	struct stat st;

	if (stat(in->path, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", ref->text);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_INPUT_UNREADABLE,
			       "'%s' is a directory: name a file of it, to be copied to the disk",
			       ref->text);
	*ret = (uint64_t)st.st_size;
	return 0;
}

/* How much room there is: SIZE, else what it takes. What it takes must fit. */
static int room_of(struct action *a, const struct ref *from, uint64_t size, const char *of,
		   uint64_t *ret, struct err **err)
{
	uint64_t has = 0;

	*ret = size;
	if (!from)
		return 0;
	if (size_of(a, from, &has, err) < 0)
		return -1;
	if (!size)
		*ret = has;
	if (has > *ret) {
		char *is cleanup_free = str_bytes(has), *room cleanup_free = str_bytes(*ret);

		return err_set(err, E_IMAGE_TOO_LARGE,
			       "image '%s' has %s (%llu bytes), more than its %s, "
			       "which has %s (%llu)",
			       from->text, is, (unsigned long long)has, of, room,
			       (unsigned long long)*ret);
	}
	return 0;
}

static int part_size(struct action *a, const struct disk_part *p, uint64_t *ret, struct err **err)
{
	const char *of = arena_printf(a->arena, "partition '%s'", p->name);

	if (room_of(a, p->from, p->size, of, ret, err) < 0)
		return -1;
	return *ret ? 0
		    : err_set(err, E_DISK_LAYOUT, "image '%s' of partition '%s' is empty",
			      p->from->text, p->name);
}

static int area_size(struct action *a, const struct disk_area *r, uint64_t *ret, struct err **err)
{
	const char *of = arena_printf(a->arena, "reserved area '%s'", r->name);

	return room_of(a, r->from, r->size, of, ret, err);
}

/* Says where in the recipe *ERR is about; -1. */
static int at(struct action *a, struct pos pos, struct err **err)
{
	return err_wrap(err, "%s", action_place(a, pos));
}

/* The layout with the sizes that the images have, placed. */
static int plan_layout(struct action *a, struct layout *ret, struct err **err)
{
	const struct disk_opts *o = a->opts;
	uint64_t *sizes = arena_alloc(a->arena, (o->partitions.count + 1) * sizeof(*sizes));
	uint64_t *areas = arena_alloc(a->arena, (o->reserved.count + 1) * sizeof(*areas));

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		if (part_size(a, p, &sizes[i], err) < 0)
			return at(a, p->pos, err);
	}
	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *r = LIST_AT(o->reserved, struct disk_area *, i);

		if (area_size(a, r, &areas[i], err) < 0)
			return at(a, r->pos, err);
	}
	disk_layout(o, sizes, areas, ret);
	if (layout_place(ret, err) == 0)
		return 0;
	return ret->bad_area || ret->bad_part ? at(a, disk_bad_place(o, ret), err) : -1;
}

static int plan_disk(struct action *a, struct image_plan *p, struct err **err)
{
	const struct disk_opts *o = a->opts;
	unsigned char(*ids)[16] = arena_alloc(a->arena, o->partitions.count * sizeof(*ids));

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *part = LIST_AT(o->partitions, struct disk_part *, i);

		disk_part_identity(part->name, part->uuid, a->project, a->identity, ids[i]);
	}
	p->table = true;
	p->part_ids = (const unsigned char(*)[16])ids;
	disk_identity((enum layout_table)o->table, o->uuid, a->project, a->identity, p->disk);
	if (plan_layout(a, &p->layout, err) < 0)
		return -1;
	p->size = p->layout.size;
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *part = LIST_AT(o->partitions, struct disk_part *, i);
		struct image_fs *fs;

		if (part->filesystem == IMAGE_FS_NONE)
			continue;
		fs = image_fs_list_at_end(&p->fs);
		*fs = (struct image_fs){
			.name = arena_printf(a->arena, "partition '%s'", part->name),
			.part = i,
			.type = (enum image_fs_type)part->filesystem,
			.start = p->layout.parts.items[i].start,
			.size = p->layout.parts.items[i].size,
			.label = part->label,
			.tree = tree_new(a->epoch, a->workdir)};
		image_fs_ids(a, part->name, fs);
		if (part->installed && disk_add_installed(a, part, fs->tree, err) < 0)
			return at(a, part->pos, err);
	}
	return 0;
}

/* Up to LIMIT bytes of what REF names, to START of the disk. */
static int copy_image(struct action *a, int disk, const struct ref *ref, uint64_t start,
		      uint64_t limit, struct err **err)
{
	const char *path = action_input(a, ref)->path;
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open the image '%s'",
				 ref->text);
	if ((uint64_t)st.st_size < limit)
		limit = (uint64_t)st.st_size;
	return fd_copy_sparse(fd, 0, disk, start, limit, err);
}

static int fill_areas(struct action *a, int disk, const struct layout *l, struct err **err)
{
	const struct disk_opts *o = a->opts;

	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *r = LIST_AT(o->reserved, struct disk_area *, i);
		bool code = !r->at && l->table != LAYOUT_NONE;

		if (r->from &&
		    copy_image(a, disk, r->from, r->at,
			       code ? LAYOUT_BOOT_CODE : l->areas.items[i].size, err) < 0)
			return err_wrap(err, "reserved area '%s'", r->name);
	}
	return 0;
}

static int fill_partitions(struct action *a, int disk, const struct layout *l, struct err **err)
{
	const struct disk_opts *o = a->opts;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *part = LIST_AT(o->partitions, struct disk_part *, i);
		const struct layout_part *to = &l->parts.items[i];

		if (!part->from)
			continue;
		action_progress(a, (int)(i * 100 / o->partitions.count), "copying partition '%s'",
				part->name);
		if (copy_image(a, disk, part->from, to->start, to->size, err) < 0)
			return err_wrap(err, "partition '%s'", part->name);
	}
	return 0;
}

static int disk_run(struct action *a, struct err **err)
{
	struct image_plan p cleanup_image_plan = {
		.path = action_output(a, arena_printf(a->arena, "%s.img", path_base(a->node)))};
	int fd cleanup_fd = -1;

	if (plan_disk(a, &p, err) < 0 || image_write_direct(a, &p, err) < 0)
		return -1;
	fd = open(p.path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", p.path);
	if (fill_areas(a, fd, &p.layout, err) < 0 || fill_partitions(a, fd, &p.layout, err) < 0)
		return -1;
	return disk_make_formats(a, p.path, &p.layout, err);
}

const struct maker maker_disk = {
	.kind = &kind_disk,
	.run = disk_run,
};
