/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a system leaves behind by being installed or run, and what must not get into an image: its
 * identity (machine id, random seed, ssh host keys), backups of edited files, logs, caches,
 * temporary files, what is mounted over. Directories stay. The day of the last change of each
 * password becomes the tree's epoch. /etc/machine-id becomes empty, not missing, so that the first
 * boot is not taken for a new installation (machine-id(5)).
 */
#include "media/tree/tree.h"

int tree_clean(struct tree *t, struct err **err) warn_unused;
/*
 * The same for what programs have made of BEFORE, which T keeps from now on: what BEFORE has of all
 * this is content that was meant, and is as it was unless the programs removed it. Two things that
 * they may mean stay: the machine id "uninitialized", and a password that must be changed (day 0).
 */
int tree_clean_after(struct tree *t, struct tree *before, struct err **err) warn_unused;
