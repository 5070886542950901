/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What is in a file that a node made, for people who look: trees (tar, compressed or not, .deb),
 * file systems (ext2 to ext4, FAT, squashfs, of which a bundle is one) and disks with a GPT or an
 * MBR, each within each other. Nothing is mounted. All are read by this process, as in any worker,
 * but squashfs, by a confined unsquashfs (machine/sandbox/confined.h).
 *
 * A path leads through all of them: "root-a/etc/passwd" of a disk is a partition, then a file
 * of its file system; "rootfs.ext4/etc" of a bundle goes into an image that is a file there.
 *
 *	struct look l cleanup_look = {.scratch = dir};
 *	look_into(&l, "card.img", "root-a/etc/", err);
 *	if (l.tree)
 *		... tree_resolve(l.tree, l.rest)
 */
#include "media/disk/gpt.h"
#include "media/tree/tree.h"

struct look {
	const char *scratch; /* a directory for what has to be unpacked, in use as long as this */
	/*
	 * What the path led to. A tree: l.rest, with no '/' around it, is in it. A disk: its
	 * partitions, and no tree. A file that holds nothing orch can look into: neither.
	 */
	struct tree *tree;
	struct gpt_parts parts;
	bool disk;
	bool attributes_left_out; /* its files have some, capabilities it may be: TREE has none */
	const char *format; /* "tar", "deb", "ext4", "vfat", "squashfs", "gpt", "mbr", "file" */
	char *rest;
	/* The bytes of it: SIZE from OFFSET on of FILE. */
	char *file;
	uint64_t offset, size;
	unsigned count; /* private: files in scratch */
};

/*
 * Goes from FILE (absolute) as far as PATH leads. What is in the tree is found, or it is
 * E_TREE_PATH_MISSING; a PATH that ends in '/' also goes into a file. With WHOLE, what is not in
 * the tree is no error but stays in l.rest: a pattern.
 */
int look_into(struct look *l, const char *file, const char *path, bool whole,
	      struct err **err) warn_unused;
/* How a partition is called in a path: its name, or "pN" where that is none. Caller frees. */
char *look_part_name(const struct gpt_parts *parts, size_t i);
void look_release(struct look *l);
#define cleanup_look __attribute__((cleanup(look_release)))

/*
 * Private: lay the file system at OFFSET of FILE over T. DIR does not exist, and stays in use.
 * *RET_LEFT_OUT: files have extended attributes, which unsquashfs does not tell.
 */
int look_squashfs(struct tree *t, const char *file, uint64_t offset, const char *dir,
		  bool *ret_left_out, struct err **err) warn_unused;
