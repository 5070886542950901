/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Writing an image to a removable medium: a whole disk, or a plain file that stands for one. Much
 * is refused before anything is written; afterwards every byte is read back and compared.
 *
 *	struct medium m = {0};
 *	medium_open("/dev/sdb", false, &m, err);
 *	medium_fits(&m, size, err);                       // nothing was written yet
 *	medium_write(&m, image_fd, "install.img", report, arg, err);
 *	medium_verify(&m, image_fd, "install.img", report, arg, err);
 *	medium_close(&m);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct medium {
	int fd;
	char *path;
	char *about;   /* "SanDisk Extreme, 29.7 GiB, /dev/sdb"; for people */
	bool block;    /* a block device */
	uint64_t size; /* bytes */
	uint64_t want; /* bytes of the image, once medium_fits() was told */
};

/*
 * Opens DEVICE for itself alone; from then on the descriptor is all that is used. ERR_USER: not
 * there (it is never made), no whole disk, in use (mounted, swap, held by another device), or,
 * unless FIXED, a disk that is not removable or larger than cards are.
 */
int medium_open(const char *device, bool fixed, struct medium *ret, struct err **err) warn_unused;
/* What is written will have SIZE bytes. ERR_USER: the medium is too small. */
int medium_fits(struct medium *m, uint64_t size, struct err **err) warn_unused;
void medium_close(struct medium *m);
#define cleanup_medium __attribute__((cleanup(medium_close)))

/* Called with bytes done of those to do. */
typedef void medium_progress(void *arg, uint64_t done, uint64_t total);
/* Data of the image is written; where it has holes the medium gets zeros unless it has them. */
int medium_write(struct medium *m, int image, const char *name, medium_progress *fn, void *arg,
		 struct err **err) warn_unused;
/* ERR_INTEGRITY names the first byte that differs. */
int medium_verify(struct medium *m, int image, const char *name, medium_progress *fn, void *arg,
		  struct err **err) warn_unused;
