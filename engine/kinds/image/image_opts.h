/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind image, and the steps that make a tree of them. */
#include "kinds/image/image.h"
#include "kinds/tree/content.h"
#include "kinds/tree/units.h"
#include "media/disk/verity.h"
#include "media/tree/tree.h"
#include "recipe/kind.h"

enum image_writer { IMAGE_WRITER_DIRECT, IMAGE_WRITER_GUESTFS };
enum image_table { IMAGE_TABLE_NONE, IMAGE_TABLE_GPT };
enum image_bootloader { IMAGE_BOOT_NONE, IMAGE_BOOT_SYSTEMD };

struct image_part_opts {
	const char *name, *type, *mount, *label;
	uint64_t size, at;
	int filesystem;
	bool grow;
};

struct image_opts {
	int writer, filesystem, table, bootloader;
	uint64_t size; /* SIZE_AUTO: what the content needs */
	int64_t reserved_percent;
	const char *label, *cmdline;
	struct list partitions; /* of struct image_part_opts * */
	struct list contents;   /* of struct content * */
	struct list remove;     /* of const char * */
	struct list modes;      /* of struct pair * */
	struct units *units;
	struct list allow_private_keys; /* of const char * */
	bool clock_epoch;
	struct ref *tools;
	const char *compression; /* or NULL: the file system's default */
	int64_t compression_level;
	uint64_t block_size;
	const char *headroom; /* "10%" or NULL */
	bool verity;
	struct ref *layout;   /* a file of the project, or NULL */
	struct list platform; /* of struct pair * */
};

extern const struct schema image_schema;

/* The programs that make the file systems of O ("mkfs.xfs"), each once. */
void image_programs(const struct image_opts *o, struct strs *ret);
/* The layout that the options ask for, not yet placed. */
void image_layout(const struct image_opts *o, struct layout *ret);

/* The percentage of 'headroom', 0 without it. */
unsigned image_headroom(const struct image_opts *o);

/* image_size.c: the direct writer for an image of 'size: auto', which has one file system. */
int image_write_auto(struct action *a, struct image_plan *p, struct err **err) warn_unused;

/* image_tree.c: the whole content as one tree; units, removals and modes done. */
int image_assemble(struct action *a, struct tree **ret, struct err **err) warn_unused;
/* ERR_USER naming the file when T has a private key that no glob of ALLOW matches. */
int image_refuse_keys(struct tree *t, const struct list *allow, struct err **err) warn_unused;

/* image_boot.c */
struct image_boot {
	const char *esp;   /* where the ESP is mounted, "/boot/efi" */
	const char *token; /* directory and prefix for this system on the ESP */
	const char *cmdline;
	const char *root_partuuid; /* or NULL */
};
/* Puts systemd-boot, kernel, initrd and an entry below the ESP's mount point. */
int image_install_boot(struct tree *t, const struct image_boot *b, struct err **err) warn_unused;

/* image_facts.c: the hooks of struct kind. */
extern const struct fact_help image_fact_help[];
enum fact_result image_fact(struct facts *f, const struct recipe *r, const char *name,
			    struct str *ret);
void image_fact_names(struct facts *f, const struct recipe *r, struct strs *ret);
