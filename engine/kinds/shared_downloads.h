/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Shared caches are asked for what a node downloads, before an archive is. What is stored with a
 * node's result (share_push()) is what its manifest pins.
 */
#include "run/action.h"

/*
 * Brings those of the N digests that are not in a->cache_dir there, as far as a cache of the user's
 * configuration has them; trouble is a line of the log.
 */
void shared_downloads_get(struct action *a, const struct digest *all, size_t n);
