/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The direct writer: file systems made in this process, byte for byte the same every time. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "kinds/image/image.h"
#include "kinds/image/image_ids.h"
#include "media/disk/mbr.h"
#include "media/ext4/ext4.h"
#include "media/fat/fat.h"

void image_plan_clear(struct image_plan *p)
{
	for (size_t i = 0; i < p->fs.count; i++)
		tree_free(p->fs.items[i].tree);
	image_fs_list_clear(&p->fs);
	layout_clear(&p->layout);
}

void image_partition_id(const struct action *a, const char *name, unsigned char ret[16])
{
	image_partition_uuid(a->project, a->identity, name, ret);
}

void image_fs_ids(const struct action *a, const char *name, struct image_fs *fs)
{
	image_filesystem_uuid(a->project, a->identity, name, fs->uuid);
	image_hash_seed(a->project, a->identity, name, fs->seed);
}

static int write_table(const struct image_plan *p, struct err **err)
{
	const struct layout *l = &p->layout;

	if (layout_has_gpt(l->table) && gpt_write(p->path, l, p->disk, p->part_ids, err) < 0)
		return -1;
	return l->table == LAYOUT_MBR || l->table == LAYOUT_HYBRID
		       ? mbr_write(p->path, l, p->disk, err)
		       : 0;
}

int image_create(const struct image_plan *p, struct err **err)
{
	int fd cleanup_fd = open(p->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot create '%s'", p->path);
	if (ftruncate(fd, (off_t)p->size) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot make '%s' %llu bytes long",
				 p->path, (unsigned long long)p->size);
	return p->table ? write_table(p, err) : 0;
}

static uint32_t volume_id(const unsigned char uuid[16])
{
	return (uint32_t)uuid[0] << 24 | (uint32_t)uuid[1] << 16 | (uint32_t)uuid[2] << 8 | uuid[3];
}

int image_write_fat(const struct image_plan *p, const struct image_fs *fs, struct err **err)
{
	struct fat_opts fat = {.size = fs->size, .volume = volume_id(fs->uuid), .label = fs->label};

	return fat_write(fs->tree, p->path, fs->start, fs->name, &fat, err);
}

#define LAYOUT_MAX (256u << 20)

/* One that cannot be used is a note: its image is right without it. */
static int read_lock(struct action *a, const struct image_plan *p, struct ext4_lock **ret,
		     struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	const char *why;

	if (!p->lock)
		return 0;
	if (file_read(p->lock, LAYOUT_MAX, &text, err) < 0)
		return -1;
	if (ext4_lock_parse(text.buf, text.len, ret, &why))
		action_log(a,
			   "the layout lock is not used, for %s: write it again with 'orch lock "
			   "--layout %s'",
			   why, a->node);
	return 0;
}

static void tell_lock(struct action *a, const struct image_fs *fs, const struct ext4_layout *told)
{
	if (!told->known)
		action_log(a,
			   "%s: the layout lock is of a file system of another size or with "
			   "fewer inodes, and is not used",
			   fs->name);
	else
		action_log(a,
			   "%s: of %llu files and directories that the layout lock has, %llu "
			   "moved",
			   fs->name, (unsigned long long)told->known,
			   (unsigned long long)told->moved);
}

static int write_ext4(struct action *a, const struct image_plan *p, const struct image_fs *fs,
		      struct err **err)
{
	static const char *const orders[] = {
		[EXT4_BY_NAME_WITH_ROOM] = "each where its path says, with room to grow",
		[EXT4_BY_NAME] = "each where its path says",
		[EXT4_IN_ORDER] = "one after the other, because it is too full for places of "
				  "their own: an update will write most of it again"};
	struct ext4_lock *lock cleanup_ext4_lock = NULL;
	struct ext4_layout told;
	struct ext4_opts ext4 = {.size = fs->size,
				 .uuid = fs->uuid,
				 .seed = fs->seed,
				 .label = fs->label,
				 .reserved_percent = fs->reserved_percent,
				 .told = &told};

	if (read_lock(a, p, &lock, err) < 0)
		return -1;
	ext4.lock = lock;
	if (ext4_write(fs->tree, p->path, fs->start, fs->name, &ext4, err) < 0)
		return -1;
	if (lock)
		tell_lock(a, fs, &told);
	action_log(a, "%s: %llu files and directories in %llu pieces, %s", fs->name,
		   (unsigned long long)told.files, (unsigned long long)told.pieces,
		   orders[told.order]);
	return 0;
}

static int write_fs(struct action *a, const struct image_plan *p, const struct image_fs *fs,
		    struct err **err)
{
	switch (fs->type) {
	case IMAGE_FS_EXT4:
		return write_ext4(a, p, fs, err);
	case IMAGE_FS_VFAT:
		return image_write_fat(p, fs, err);
	case IMAGE_FS_SQUASHFS:
	case IMAGE_FS_EROFS:
		return image_put_packed(p, fs, err);
	default:
		return err_set(err, E_WRITER_GUESTFS,
			       "%s: the direct writer makes ext4 and vfat: say 'writer: guestfs'",
			       fs->name);
	}
}

int image_write_direct(struct action *a, const struct image_plan *p, struct err **err)
{
	if (image_create(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->fs.count; i++) {
		action_progress(a, (int)(i * 100 / p->fs.count), "writing %s", p->fs.items[i].name);
		if (write_fs(a, p, &p->fs.items[i], err) < 0)
			return -1;
	}
	return 0;
}
