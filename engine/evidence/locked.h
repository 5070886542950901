/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the locks of a project, as they are today, pin of source packages: whether the next release
 * has a fix. Tools do not count: they do not ship.
 */
#include "base/err.h"
#include "base/map.h"

struct locked {
	struct arena *arena;
	struct map sources; /* "SUITE SOURCE" -> const char *, the oldest version that a lock has */
};

/* Every lock below recipes/ of the project in DIR. */
int locked_read(struct locked *l, const char *dir, struct err **err) warn_unused;
/*
 * The oldest version of source package SOURCE that is locked from release DISTRO of its
 * distribution, "trixie"; NULL: none is. DISTRO NULL: from whichever.
 */
const char *locked_version(const struct locked *l, const char *distro, const char *source);
void locked_release(struct locked *l);
#define cleanup_locked __attribute__((cleanup(locked_release)))
