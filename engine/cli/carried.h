/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * This orch with all that it needs, in one directory, for machines that have neither its libraries
 * nor those of another version:
 *
 *	orch orch-worker            launchers (launcher.c): what is started
 *	real/orch real/orch-worker  the programs
 *	ld-linux-x86-64.so.2        the loader, which starts them
 *	libc.so.6 ...               every library that they are linked with
 *
 * /proc/self/exe of a carried program is the loader, so that each finds the other's launcher where
 * program.h looks for it: in its own directory.
 */
#include "base/err.h"

/* Into DIR, which is made. Where this orch is a carried one itself, a copy of that. */
int carried_write(const char *dir, struct err **err) warn_unused;
