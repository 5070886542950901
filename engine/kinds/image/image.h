/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What an image is before a writer has written it: a file of a size, perhaps a partition table, and
 * file systems with their trees. image_run.c fills a plan from recipe options; both writers take it
 * and make the same files, owners, modes and identities of it. The direct writer (image_direct.c)
 * needs no appliance. Both give equal bytes for equal plans, as long as the file
 * systems are ext4 and FAT and, for libguestfs, the kernel is the same.
 */
#include "media/disk/gpt.h"
#include "media/tree/tree.h"
#include "recipe/yaml.h"
#include "run/action.h"

/* Words of the option 'filesystem', in this order in image_fs_words. */
enum image_fs_type {
	IMAGE_FS_NONE,
	IMAGE_FS_EXT4,
	IMAGE_FS_VFAT,
	IMAGE_FS_XFS,
	IMAGE_FS_BTRFS,
	IMAGE_FS_SQUASHFS,
	IMAGE_FS_EROFS
};
/* Made whole by a program, and read only from then on. */
static inline bool image_is_packed(int type)
{
	return type == IMAGE_FS_SQUASHFS || type == IMAGE_FS_EROFS;
}
#define IMAGE_BLOCK 4096
extern const char *const image_fs_words[];

/* The program that makes file system TYPE, "mkfs.xfs"; NULL: orch does itself, or there is none. */
const char *image_fs_program(int type);

/* The help of option 'type': every word of layout_type_words. */
#define PARTITION_TYPE_HELP                                                               \
	"Partition type: esp, xbootldr, root-arm64, root-arm, root-x86-64, root-x86, "    \
	"root-riscv64, usr-arm64, usr-x86-64, home, srv, var, tmp, swap, linux-generic, " \
	"basic-data, bios-boot or a GUID."
/* The same for types of an MBR, layout_mbr_words; it ends a sentence. */
#define MBR_TYPE_HELP                                                                       \
	"linux, swap, fat12, fat16, fat16-lba, fat32, fat32-lba, ntfs, lvm, raid, esp, da " \
	"or a number like 0x83."

/*
 * Reports a label (or NULL) and a size (0: not known) that a file system cannot have, at the keys
 * 'label' and 'size' of MAP. NAME is what the messages call it.
 */
void image_fs_check(int type, const char *label, uint64_t size, const char *name,
		    const struct yaml *map, struct err_list *errors);

struct image_fs {
	const char *name; /* for messages: "partition 'root'" or the node's name */
	size_t part;      /* index into the layout's parts; 0 for a whole-image file system */
	enum image_fs_type type;
	uint64_t start, size;   /* bytes within the image */
	const char *label;      /* or NULL */
	unsigned char uuid[16]; /* of the file system; FAT: its volume id is the first four bytes */
	unsigned char seed[16]; /* hash seed of ext4 */
	unsigned reserved_percent; /* ext4: blocks kept for root */
	const char *packed;        /* image_pack(): the file system as it was made */
	uint64_t packed_size;      /* bytes, whole blocks */
	struct tree *tree;         /* its content; owned by the plan, never NULL */
};
DEFINE_VEC(image_fs_list, struct image_fs)

struct image_plan {
	const char *path;       /* the image: does not exist yet */
	uint64_t size;          /* bytes */
	bool table;             /* whether there are partitions; else one file system fills it */
	struct layout layout;   /* placed */
	unsigned char disk[16]; /* GUID of the disk */
	/* GUIDs of the partitions, in the layout's order; arena. */
	const unsigned char (*part_ids)[16];
	struct image_fs_list fs;
	const char *lock; /* a layout lock of the one file system, or NULL; arena */
	/* The tree whose mkfs makes what libguestfs fills; NULL: that of the appliance. */
	const struct ref *tools;
};
void image_plan_clear(struct image_plan *p);
#define cleanup_image_plan __attribute__((cleanup(image_plan_clear)))

/*
 * The identities of partition or file system NAME ("" for a whole image) of this node: they depend
 * on project, node and name alone.
 */
void image_partition_id(const struct action *a, const char *name, unsigned char ret[16]);
void image_fs_ids(const struct action *a, const char *name, struct image_fs *fs);

/* Makes the file of the plan: sparse, of its size, with its table. */
int image_create(const struct image_plan *p, struct err **err) warn_unused;
/* One FAT file system of the plan, into the file that image_create() made. */
int image_write_fat(const struct image_plan *p, const struct image_fs *fs,
		    struct err **err) warn_unused;
/* image_pack.c: packs those that are packed; puts one into the file that image_create() made. */
int image_pack(struct action *a, struct image_plan *p, struct err **err) warn_unused;
int image_put_packed(const struct image_plan *p, const struct image_fs *fs,
		     struct err **err) warn_unused;
/* image_mkfs.c: the file systems that programs of p->tools make, without content yet. */
int image_mkfs(struct action *a, const struct image_plan *p, struct err **err) warn_unused;
/* The writers: image_create() and all file systems. */
int image_write_direct(struct action *a, const struct image_plan *p, struct err **err) warn_unused;
int image_write_guestfs(struct action *a, const struct image_plan *p, struct err **err) warn_unused;
