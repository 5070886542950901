/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A tree as files of this machine, for programs that must look into it or run in it. An ordinary
 * user can do it: owners, devices, capabilities and setuid bits stay behind, what the owner may not
 * read becomes readable, and directories become his to enter. Everything else is as in the tree:
 * hard links, symbolic links, holes, executable bits, times.
 */
#include "media/tree/tree.h"

/*
 * Writes T below DIR, an empty directory. Nothing is followed and nothing synced: a directory that
 * must survive a power cut is not to be made this way.
 */
int tree_export(struct tree *t, const char *dir, struct err **err) warn_unused;
