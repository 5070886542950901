/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What those who write a FAT file system and those who read one know alike. */
#include "media/fat/fat_name.h"

#define FAT_ATTR_READ_ONLY 0x01
#define FAT_ATTR_LABEL 0x08
#define FAT_ATTR_DIR 0x10
#define FAT_ATTR_FILE 0x20
#define FAT_DIR_SLOTS_MAX 65536u /* 2 MiB: "Microsoft FAT Specification" (2005), 6 */
