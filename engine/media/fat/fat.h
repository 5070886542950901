/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * FAT file systems from trees and back. FAT32 from 33 MiB on, FAT16 below. Equal trees and options
 * give equal bytes: entries lie in the order of the sorted paths, every file in one piece, times
 * are those of the tree in UTC, the identity comes from the caller. Names that are not plain 8.3 in
 * capitals have a long name too (VFAT, UTF-16).
 *
 * FAT has no owners, modes, links or devices: the first two are dropped, hard links become copies,
 * a symbolic link or a special file in the tree is an error that names it.
 */
#include "media/tree/tree.h"

struct fat_opts {
	uint64_t size;     /* bytes */
	uint32_t volume;   /* volume id */
	const char *label; /* or NULL */
};

/* What fat_write() refuses whatever the tree is: a label (NULL: none), a size in bytes. */
int fat_check_label(const char *label, const char *name, struct err **err) warn_unused;
int fat_check_size(uint64_t size, const char *name, struct err **err) warn_unused;

/*
 * Writes a new file system with the content of T to [offset, offset + size) of the file PATH, which
 * must exist, reach that far and read as zeros there. A tree that does not fit is ERR_USER and
 * names both sizes; NAME is what the message calls the file system ("partition 'boot'").
 */
int fat_write(struct tree *t, const char *path, uint64_t offset, const char *name,
	      const struct fat_opts *opts, struct err **err) warn_unused;

/*
 * Lays the content of the FAT12, FAT16 or FAT32 file system in [OFFSET, OFFSET + SIZE) of image
 * PATH over tree T, as Linux shows it: owner 0:0, mode 0755 (0555 of a file that is read only),
 * times as UTC, long names where they are valid. The data stays in the image, which must not change
 * while the tree lives. What is damaged in what is read is refused, E_FILESYSTEM_DAMAGED: a chain
 * of clusters that ends early, has a loop or is another file's, too, two entries of one name.
 */
int fat_read_tree(struct tree *t, const char *path, uint64_t offset, uint64_t size,
		  struct err **err) warn_unused;

/*
 * Calls FN for each run of clusters that a file or directory has, in bytes of the file system
 * there; NAME is its path, "/config.txt", "" the root. In one that is damaged,
 * E_FILESYSTEM_DAMAGED, not all have been told, and a cluster is told once. 1: there is none, and
 * nothing was told.
 */
typedef void fat_owner_fn(void *arg, uint64_t at, uint64_t size, const char *name);
int fat_each_owner(const char *path, uint64_t offset, uint64_t size, fat_owner_fn *fn, void *arg,
		   struct err **err) warn_unused;
/* The same for what the table says is free. */
typedef void fat_free_fn(void *arg, uint64_t at, uint64_t size);
int fat_each_free(const char *path, uint64_t offset, uint64_t size, fat_free_fn *fn, void *arg,
		  struct err **err) warn_unused;
/*
 * How the file system at OFFSET was left: "clean", or what is wrong, a constant. NULL: there is no
 * FAT, which nobody else decides. Only its first bytes are read, so that the rest may be damaged.
 */
const char *fat_state(int fd, uint64_t offset);
