/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * U-Boot's mkimage, which signs: this machine's, confined (machine/sandbox/confined.h), or that of
 * a tree, in the sandbox. It sees the key, the certificate, and one directory, which it may change.
 * It may put links there that lead anywhere: what comes out is read by file_read_foreign(), and
 * nothing else is done in that directory afterwards.
 *
 *	struct mkimage m = {.a = a, .key = key, .cert = cert};
 *	mkimage_open(&m, o->tools, "boot", err);
 *	mkimage_sign(&m, dir, "slot.itb", "u-boot.dtb", true, err);
 */
#include "kinds/run/toolbox.h"

struct mkimage {
	struct action *a;
	const char *key, *cert; /* absolute */
	/* filled by mkimage_open() */
	const char *keys;     /* a directory with links to both, as mkimage wants them */
	struct toolbox tools; /* without a root: this machine's programs */
};

/* TOOLS: the tree, or NULL. HINT: what images call the key. */
int mkimage_open(struct mkimage *m, const struct ref *tools, const char *hint,
		 struct err **err) warn_unused;
/*
 * Signs IMAGE in directory DIR, in its place; TREE (NULL: none) beside it gets the public key as
 * required. EXTERNAL: data go behind the image's tree, at multiples of 8.
 */
int mkimage_sign(const struct mkimage *m, const char *dir, const char *image, const char *tree,
		 bool external, struct err **err) warn_unused;
