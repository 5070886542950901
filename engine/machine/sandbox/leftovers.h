/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Directories that a library makes in places of its own choice, and that nobody removes when this
 * process is killed. They are written down in a file that is locked while its process lives;
 * whoever opens the same notes next and finds a file without a lock removes what stands in it.
 */
#include "base/err.h"

struct leftovers;

/*
 * Clears up after dead processes and starts a file of this process in DIR,
 * which is made if missing.
 */
int leftovers_open(const char *dir, struct leftovers **ret, struct err **err) warn_unused;
/* Directory PATH (absolute) will have to be removed. The same path again is no new note. */
void leftovers_note(struct leftovers *l, const char *path);
/* Removes what was noted, and the file; NULL is fine. */
void leftovers_close(struct leftovers *l);
