/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Trees that programs run in, unpacked below the store's roots/ directory and shared by all nodes
 * that name the same tree. A root is called <digest>.<boot>: it is made without waiting for the
 * disk, so one from before the last boot of the machine is not trusted but made again, and removed.
 *
 * <digest>.<boot>.seal says how it was made (base/dirseal.h). The first node of a run that uses a
 * root looks at it: what stat(2) tells of each of its files must be as before (60,000 of them: 0.3
 * s), and a root of less than 64 MiB, or one that was not hashed for a day, is hashed. One that has
 * changed is unpacked again, and the results that used it since it was last hashed are dropped. A
 * run in which nothing has to be done looks at none. The seal's time is that of the last use.
 */
#include "media/tree/tree.h"
#include "run/action.h"

struct rootdir {
	const char *path; /* absolute; to be read, never written */
	const char *arch; /* Debian's name for the programs in it; NULL: it has none that tell */
};
/* Everything lives in the action's arena. */
int rootdir_get(struct action *a, const struct action_input *tree, struct rootdir *ret,
		struct err **err) warn_unused;
/* Debian's name of the architecture of the programs in T; NULL: it has none that tell. */
const char *rootdir_tree_arch(const struct tree *t);
/* Debian's name of the architecture of ELF file HEAD (20 bytes), or NULL. */
const char *elf_arch(const unsigned char head[20]);
/*
 * qemu-user for programs of ARCH: of TREE (NULL: this machine's). *RET: its path; NULL when none is
 * needed, or when this machine has none but may still have a registration. ERR_USER when TREE has
 * none, ERR_ENV when there is none for ARCH.
 */
int rootdir_emulator(struct action *a, const struct ref *tree, const char *arch, const char **ret,
		     struct err **err) warn_unused;
