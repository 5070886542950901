/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Disks of this machine as sysfs and proc tell of them, without opening any: what flash.h may write
 * to. DIR is a disk's directory in sysfs with all links followed, NAME its name; ROOT stands before
 * /proc and /sys, and is "" but for tests.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

#define FLASH_READ_ONLY "read-only: look for a switch on the card"

/* ERR_USER: the disk or one of its partitions is mounted, swap, or part of another device. */
int flash_disk_used(const char *root, const char *dir, const char *name,
		    struct err **err) warn_unused;
/* Whether it is a card, a stick or a loop device, and no larger than cards are. SIZE: bytes. */
bool flash_disk_is_card(const char *dir, const char *name, uint64_t size);
/* "" when it does not say; caller frees. */
char *flash_disk_model(const char *dir);
/* A disk, and why flash would not write to it. */
struct flash_disk {
	char *name; /* "sdb" */
	char *model, *serial;
	uint64_t size;       /* bytes */
	unsigned partitions; /* that the kernel sees */
	char *why;           /* "mounted at '/'"; NULL: it could be written */
	bool ours;           /* by this user, without root */
};
DEFINE_VEC(flash_disks, struct flash_disk)

/*
 * The disks of this machine that have a medium, by name; loop devices and the like only when they
 * have one. What is written has NEED bytes; 0: not known. RET is released by flash_disks_release().
 */
int flash_disks_list(const char *root, uint64_t need, struct flash_disks *ret,
		     struct err **err) warn_unused;
void flash_disks_release(struct flash_disks *disks);
