/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The identity of an image: the digest of its chunk map. The file is cut into chunks of 1 MiB;
 * holes and chunks of zeros are left out; the map is the text
 *
 *	orch-chunks 1\nsize <bytes>\n<index> <sha256 of the chunk>\n...
 *
 * with indexes in decimal, ascending, and its SHA-256 is the image's digest. The last chunk may be
 * short. So hashing costs what the data costs, wherever the holes are.
 */
#include "base/digest.h"

#define CHUNK_SIZE (1024 * 1024)

struct chunk_info {
	struct digest digest;
	uint64_t size;      /* of the file, bytes */
	uint64_t allocated; /* bytes in blocks of 4 KiB that are not all zero */
};
/* MAP (may be NULL) gets the text. */
int chunks_digest(int fd, const char *name, struct str *map, struct chunk_info *ret,
		  struct err **err) warn_unused;
