/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What FAT takes at all: apart, because whoever checks a recipe need not write file systems. */
#include "media/fat/fat.h"

#include <ctype.h>
#include <string.h>

#include "media/fat/fat_name.h"

#define SECTOR 512u
#define FAT16_MIN_CLUSTERS 4085

int fat_check_size(uint64_t size, const char *name, struct err **err)
{
	uint64_t sectors = size / SECTOR;

	if (sectors < 2 * FAT16_MIN_CLUSTERS || sectors > UINT32_MAX)
		return err_set(err, E_INVALID_VALUE,
			       "%s: %llu bytes are no size for FAT: it takes 4 MiB to 2 TiB", name,
			       (unsigned long long)size);
	return 0;
}

int fat_check_label(const char *label, const char *name, struct err **err)
{
	if (!label)
		return 0;
	if (!*label || strlen(label) > FAT_SHORT)
		return err_set(err, E_INVALID_VALUE,
			       "%s: the label '%s' must have 1 to 11 characters", name, label);
	for (const char *p = label; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr(" -_!#$%&'()@^`{}~", *p))
			return err_set(err, E_INVALID_VALUE,
				       "%s: FAT takes no '%c' in the label '%s'", name, *p, label);
	return 0;
}
