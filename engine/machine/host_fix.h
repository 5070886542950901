/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What mends a machine, by what its files say. ROOT stands before their paths, "" but for tests. */
#include "base/alloc.h"

/* What lets this user make user namespaces, which was tried and failed. In ARENA or constant. */
const char *host_userns_fix(struct arena *arena, const char *root);
