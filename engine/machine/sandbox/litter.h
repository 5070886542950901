/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Directories that a library makes in places of its own choice, and that nobody removes when this
 * process is killed. They are written down in a file that is locked while its process lives;
 * whoever opens the same notes next and finds a file without a lock removes what stands in it.
 */
#include "base/err.h"

struct litter;

/*
 * Clears up after dead processes and starts a file of this process in DIR,
 * which is made if missing.
 */
int litter_open(const char *dir, struct litter **ret, struct err **err) warn_unused;
/* Directory PATH (absolute) will have to be removed. The same path again is no new note. */
void litter_note(struct litter *l, const char *path);
/* Removes what was noted, and the file; NULL is fine. */
void litter_close(struct litter *l);
