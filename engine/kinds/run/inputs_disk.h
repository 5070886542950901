/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Inputs of a node as a disk that a guest can mount: an ext4 file system of what staging.h lays
 * out. Everything is root's and read-only; all times are the action's epoch.
 */
#include "run/action.h"

/* Writes the image of INPUTS (struct ref *) to PATH, which must not exist. */
int inputs_disk_write(struct action *a, const struct list *inputs, const char *path,
		      struct err **err) warn_unused;
