/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A tree as a disk that a guest mounts: an ext4 file system of its own image. Images are sparse, so
 * room costs nothing until it is used.
 */
#include <sys/types.h>

#include "media/tree/tree.h"

struct guest_disk {
	const char *name;   /* for messages: "the guest's root" */
	uint64_t room;      /* bytes beside the content */
	size_t more_inodes; /* beside those of the tree */
	bool owned;         /* everything becomes OWNER's, user and group; else as in the tree */
	unsigned owner;
	unsigned char id[16]; /* of the file system */
};

/*
 * Writes T to PATH, which must not exist. The owners in T are changed as D says. ERR_RESOURCE when
 * the image cannot be created, else as ext4_write().
 */
int guest_disk_write(struct tree *t, const char *path, const struct guest_disk *d,
		     struct err **err) warn_unused;
