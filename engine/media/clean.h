/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a system leaves behind by being installed or run, and what must not get into an image: its
 * identity (machine id, random seed, ssh host keys), backups of edited files, logs, caches,
 * temporary files. Folders stay; /etc/machine-id becomes empty, which lets systemd make a new one.
 */
#include "media/tree.h"

/* *ret_count (may be NULL): how many entries went. */
int tree_clean(struct tree *t, size_t *ret_count, struct err **err) warn_unused;
