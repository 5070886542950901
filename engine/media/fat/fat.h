/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * FAT file systems from trees. FAT32 from 33 MiB on, FAT16 below. Equal trees and options give
 * equal bytes: entries lie in the order of the sorted paths, every file in one piece, times are
 * those of the tree in UTC, the identity comes from the caller. Names that are not plain 8.3 in
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
