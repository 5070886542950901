/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a new tree has before its dpkg can run in it, as debootstrap and mmdebstrap make it: the
 * content of the packages that dpkg and maintainer scripts take for granted, and an empty database.
 * dpkg then unpacks the same packages again over it, with their scripts.
 *
 * /bin, /sbin and /lib are links into /usr; another directory of / that such a system has as a link
 * (lib64) becomes one with the first file below it.
 */
#include "media/deb/deb.h"

/* DEBS are laid into T, an empty tree, in their order. */
int deb_seed(const struct deb_set *debs, struct tree *t, struct err **err) warn_unused;
/*
 * Adds to T the directories that host directory OVERLAY has, DEBS ship and T lacks, as the first of
 * DEBS has them: dpkg leaves one that is there as it is, and an overlay knows no owners and modes.
 */
int deb_seed_dirs(const struct deb_set *debs, const char *overlay, struct tree *t,
		  struct err **err) warn_unused;
