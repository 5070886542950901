/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A card that came back from the field, damaged or not: what is on it, and which of the images that
 * were shipped each partition has. A partition is compared block by block with the images that
 * samples find in it; it is the one of which all is there, and near the one of which most is. Files
 * that differ are those that own blocks which do; of blocks of inodes it is told whose differ, and
 * in what.
 */
#include "media/disk/blocks.h"
#include "media/disk/table.h"
#include "scenario/chooser.h"

/* An image that was shipped. */
struct inspect_image {
	const char *name; /* "1.2.0/bundle.raucb/rootfs.ext4" */
	struct block_place place;
};
DEFINE_VEC(inspect_images, struct inspect_image)

struct inspect_certificate {
	const char *subject;
	int64_t not_before, not_after; /* seconds since 1970 */
};
DEFINE_VEC(inspect_certificates, struct inspect_certificate)

struct inspect_file {
	const char *path; /* "/etc/passwd"; "(free)", "(file system)" are not files */
	uint64_t bytes;   /* of its blocks that differ */
};
DEFINE_VEC(inspect_files, struct inspect_file)

struct inspect_inode { /* of ext2 to ext4 */
	const char *path;
	const char *change; /* "mode 0755 -> 4755", "only on the card" */
};
DEFINE_VEC(inspect_inodes, struct inspect_inode)

struct inspect_part {
	const struct gpt_part *part;
	const char *name, *bootname; /* the latter of a slot, else NULL */
	const char *format;          /* as in kinds/image/look.h; "empty" */
	const char *state;   /* of the file system: "clean", or what is wrong; NULL: unknown */
	const char *unread;  /* why orch could not look into it; NULL: it could */
	const char *version; /* that os-release tells; NULL: none */
	const char *release; /* images that it is, joined by ", "; NULL: none that is known */
	const char *near;    /* those that it may have been: most of it is the same; or NULL */
	uint64_t changed;    /* blocks that differ from these */
	struct inspect_files files;   /* whose they are */
	struct inspect_inodes inodes; /* that differ, in what "(file system)" has of FILES */
	struct inspect_certificates certificates;
	bool keyring_unread; /* not all are there: one cannot be read */
	bool is_state;       /* of the device */
	bool cut;            /* the disk ends before it does */
};
DEFINE_VEC(inspect_parts, struct inspect_part)

struct inspect {
	struct arena *arena;
	const char *file;    /* the card */
	const char *scratch; /* an empty directory */
	struct inspect_images images;
	const struct target *target; /* NULL: the device is not known */
	const char *state_partition; /* or NULL */

	struct table table;
	struct boot_vars vars;
	struct boot_state state;
	bool has_environment;       /* VARS was read */
	bool blank[TARGET_AREAS];   /* that area was never saved to */
	const char *no_environment; /* why it was not; NULL: the device is not known */
	struct inspect_parts parts;
};

/* Fills what comes after the empty line from what stands before it. */
int inspect_card(struct inspect *c, struct err **err) warn_unused;
/* Whether it is as it was made, as far as that can be told. */
bool inspect_is_well(const struct inspect *c);
void inspect_clear(struct inspect *c);
#define cleanup_inspect __attribute__((cleanup(inspect_clear)))
