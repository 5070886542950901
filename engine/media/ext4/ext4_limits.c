/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What ext4 takes at all: apart, because whoever checks a recipe need not have libext2fs. */
#include "media/ext4/ext4_priv.h"

int ext4_check_label(const char *label, const char *name, struct err **err)
{
	if (label && strlen(label) > sizeof(((struct ext2_super_block *)NULL)->s_volume_name))
		return err_set(err, E_INVALID_VALUE,
			       "%s: the label '%s' is longer than ext4's 16 bytes", name, label);
	return 0;
}

int ext4_check_size(uint64_t size, const char *name, struct err **err)
{
	uint64_t blocks = size / EXT4_BLOCK;

	if (blocks < 64 || blocks > UINT32_MAX)
		return err_set(err, E_INVALID_VALUE,
			       "%s: %llu bytes are no size for ext4: it takes 256 KiB to 16 TiB",
			       name, (unsigned long long)size);
	return 0;
}
