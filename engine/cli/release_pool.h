/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The pool of a release (kinds/package_pool.h): every package that a lock of it pins, what kind
 * fetch downloaded, and the source packages that somebody's pool has.
 */
#include "cli/session.h"

/* Makes DIR/pool for all that RELEASE is made of. *RET_SOURCES counts sources that no pool has. */
int release_pool_write(struct session *s, const struct node *release, const char *dir,
		       size_t *ret_sources, struct err **err) warn_unused;
