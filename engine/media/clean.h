/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a system leaves behind by being installed or run, and what must not get into an image: its
 * identity (machine id, random seed, ssh host keys), backups of edited files, logs, caches,
 * temporary files, what is mounted over. Folders stay. The day of the last change of each password
 * becomes the tree's epoch. /etc/machine-id becomes empty, not missing, so that the first boot is
 * not taken for a new installation (machine-id(5)).
 */
#include "media/tree.h"

int tree_clean(struct tree *t, struct err **err) warn_unused;
