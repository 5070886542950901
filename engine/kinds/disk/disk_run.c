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
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"
#include "kinds/makers.h"

/* The size of a partition: its own, else that of the image, which must fit. */
static int part_size(struct action *a, const struct disk_part *p, uint64_t *ret, struct err **err)
{
	struct stat st;

	*ret = p->size;
	if (!p->from)
		return 0;
	if (stat(action_input(a, p->from)->path, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read the image '%s'",
				 p->from->text);
	if (!p->size)
		*ret = (uint64_t)st.st_size;
	if ((uint64_t)st.st_size > *ret) {
		char *has cleanup_free = str_bytes((uint64_t)st.st_size),
			  *room cleanup_free = str_bytes(*ret);

		return err_set(err, E_IMAGE_TOO_LARGE,
			       "image '%s' has %s (%lld bytes), more than its partition '%s', "
			       "which has %s (%llu)",
			       p->from->text, has, (long long)st.st_size, p->name, room,
			       (unsigned long long)*ret);
	}
	return 0;
}

static int plan_disk(struct action *a, struct image_plan *p, struct err **err)
{
	const struct disk_opts *o = a->opts;
	uint64_t *sizes = arena_alloc(a->arena, o->partitions.count * sizeof(*sizes));
	unsigned char(*ids)[16] = arena_alloc(a->arena, o->partitions.count * sizeof(*ids));

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *part = LIST_AT(o->partitions, struct disk_part *, i);

		if (part_size(a, part, &sizes[i], err) < 0)
			return -1;
		image_partition_id(a, part->name, ids[i]);
	}
	p->table = true;
	p->part_ids = (const unsigned char(*)[16])ids;
	uuid_derive(p->disk, a->project, a->identity, "disk", NULL);
	disk_layout(o, sizes, &p->layout);
	if (layout_place(&p->layout, err) < 0)
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
	}
	return 0;
}

static int copy_image(struct action *a, int disk, const struct disk_part *p, uint64_t start,
		      struct err **err)
{
	const char *path = action_input(a, p->from)->path;
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open the image '%s'",
				 p->from->text);
	if (fd_copy_sparse(fd, 0, disk, start, (uint64_t)st.st_size, err) < 0)
		return err_wrap(err, "partition '%s'", p->name);
	return 0;
}

static int disk_run(struct action *a, struct err **err)
{
	const struct disk_opts *o = a->opts;
	struct image_plan p cleanup_image_plan = {
		.path = action_output(a, arena_printf(a->arena, "%s.img", path_base(a->node)))};
	int fd cleanup_fd = -1;

	if (plan_disk(a, &p, err) < 0 || image_write_direct(a, &p, err) < 0)
		return -1;
	fd = open(p.path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", p.path);
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *part = LIST_AT(o->partitions, struct disk_part *, i);

		if (!part->from)
			continue;
		action_progress(a, (int)(i * 100 / o->partitions.count), "copying partition '%s'",
				part->name);
		if (copy_image(a, fd, part, p.layout.parts.items[i].start, err) < 0)
			return -1;
	}
	return 0;
}

const struct maker maker_disk = {
	.kind = &kind_disk,
	.run = disk_run,
};
