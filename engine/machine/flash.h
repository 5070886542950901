/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Writing an image to a removable medium: a whole disk, or a plain file that stands for one. Much
 * is refused before anything is written; afterwards every byte is read back and compared.
 *
 *	struct flash m = {0};
 *	flash_open("/dev/sdb", false, &m, err);
 *	flash_fits(&m, size, err);                       // nothing was written yet
 *	flash_write(&m, image_fd, "install.img", report, arg, err);
 *	flash_verify(&m, image_fd, "install.img", report, arg, err);
 *	flash_close(&m);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct flash {
	int fd;
	char *path;
	char *about;   /* "SanDisk Extreme, 29.7 GiB, /dev/sdb"; for people */
	bool block;    /* a block device */
	uint64_t size; /* bytes */
	uint64_t want; /* bytes of the image, once flash_fits() was told */
};

/*
 * Opens DEVICE for itself alone; from then on the descriptor is all that is used. ERR_USER: not
 * there (it is never made), no whole disk, in use (mounted, swap, held by another device), or,
 * unless FIXED, a disk that is not removable or larger than cards are.
 */
int flash_open(const char *device, bool fixed, struct flash *ret, struct err **err) warn_unused;
/* What is written will have SIZE bytes. ERR_USER: the medium is too small. */
int flash_fits(struct flash *m, uint64_t size, struct err **err) warn_unused;
void flash_close(struct flash *m);
#define cleanup_flash __attribute__((cleanup(flash_close)))

/* Called with bytes done of those to do. */
typedef void flash_progress(void *arg, uint64_t done, uint64_t total);
/* Data of the image is written; where it has holes the medium gets zeros unless it has them. */
int flash_write(struct flash *m, int image, const char *name, flash_progress *fn, void *arg,
		struct err **err) warn_unused;
/* ERR_INTEGRITY names the first byte that differs. */
int flash_verify(struct flash *m, int image, const char *name, flash_progress *fn, void *arg,
		 struct err **err) warn_unused;
/*
 * Writes the SIZE bytes of another image to [AT, AT + SIZE) of what was written, and reads them
 * back: a partition that is this medium's own.
 */
int flash_replace(struct flash *m, int image, const char *name, uint64_t at, uint64_t size,
		  struct err **err) warn_unused;
