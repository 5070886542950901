/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tars of any compression. The first byte says with which flags; with its highest bit, headers get
 * the checksums that they need.
 */
#include "fuzz_tree.h"

static void repair(char *data, size_t len)
{
	for (size_t block = 0; block + 512 <= len; block += 512) {
		char digits[8];
		unsigned sum = 0;

		if (memcmp(data + block + 257, "ustar", 5) != 0)
			continue;
		memset(data + block + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += (unsigned char)data[block + i];
		snprintf(digits, sizeof(digits), "%06o", sum);
		memcpy(data + block + 148, digits, 7);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree *t cleanup_tree = tree_new(FUZZ_EPOCH, "/dev/shm");
	char *copy cleanup_free = NULL;
	struct err *err cleanup_err = NULL;

	if (!size)
		return 0;
	copy = xmemdup(data + 1, size - 1);
	if (data[0] & 0x80)
		repair(copy, size - 1);
	if (tree_read_tar_data(t, "/", "x.tar", copy, size - 1,
			       data[0] & (TREE_FOLLOW | TREE_REPLACE), &err) < 0)
		assert(*err->text);
	fuzz_look(t);
	return 0;
}
