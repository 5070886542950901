/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The index of an image that RAUC's adaptive method "block-hash-index" goes by: the SHA-256 of each
 * block of 4 KiB, 32 bytes each, one after the other, and nothing else (rauc 1.13,
 * src/hash_index.c: hash_file(), r_hash_index_export_slot()).
 *
 * A device has that of what is in slot NAME in the file
 *
 *	DATA-DIRECTORY/slot.NAME/hash-DIGEST/block-hash-index
 *
 * DIGEST is what its status file has as sha256 of the slot; what is there under another one, RAUC
 * removes as soon as it reads the status (src/slot.c: r_slot_get_checksum_data_directory(),
 * r_slot_clean_data_directory()). So an index without its status is worth nothing. A wrong one does
 * no harm, for RAUC hashes each block that it takes by it.
 */
#include "base/digest.h"

#define BLOCK_INDEX_FILE "block-hash-index"

struct block_index {
	struct str hashes;
	struct digest image; /* SHA-256 of all its bytes */
	uint64_t size;       /* of the image, bytes */
};
#define BLOCK_INDEX_INIT           \
	{                          \
		.hashes = STR_INIT \
	}

/*
 * Reads the image at PATH once, but for its holes. NAME is for messages. E_INVALID_VALUE: it is
 * empty, or not of whole blocks.
 */
int block_index_make(const char *path, const char *name, struct block_index *ret,
		     struct err **err) warn_unused;
void block_index_clear(struct block_index *x);
#define cleanup_block_index __attribute__((cleanup(block_index_clear)))
