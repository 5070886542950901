/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The partition table of PCs, in the first sector of a disk: four entries, and a chain of records
 * for logical partitions. Of a hybrid table it is what boot ROMs see that know no GPT. It is 66
 * bytes for which libfdisk wants a disk of its own; what it wrote of a GPT stays as it is.
 */
#include "media/disk/layout.h"

/*
 * Writes the table of a placed layout, LAYOUT_MBR or LAYOUT_HYBRID (after gpt_write()), into PATH,
 * which must be a file of the layout's size. DISK is the identity of which the signature is made.
 */
int mbr_write(const char *path, const struct layout *l, const unsigned char disk[16],
	      struct err **err) warn_unused;
/* The signature of a disk with identity DISK, by which Linux makes a PARTUUID. */
uint32_t mbr_signature(const unsigned char disk[16]);
/* Makes of DISK the identity of a disk with that SIGNATURE, which is not 0. */
void mbr_identity(uint32_t signature, unsigned char disk[16]);
