/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A node of kind `board` as those see it who start the board: what it described, and with what.
 */
#include "machine/board/board.h"
#include "run/action.h"

#define BOARD_JSON "board.json"
#define BOARD_FIRMWARE "firmware.bin"
#define BOARD_VARIABLES "variables.bin"
#define BOARD_DEVICE_TREE "board.dtb"
#define BOARD_EMULATOR "emulator.tar"
#define BOARD_INITRAMFS "initramfs.bin"

struct board_files {
	const char *firmware;    /* of a RAUC_BOARD the kernel */
	const char *initramfs;   /* of a RAUC_BOARD; else NULL */
	const char *variables;   /* what its variable store begins as; NULL: it has none */
	const char *device_tree; /* NULL: none */
	const struct strv *qemu; /* how its QEMU is started; NULL: this machine's. Arena. */
};

/* REF names the node. ERR_USER when that is not a board. */
int board_use_open(struct action *a, const struct ref *ref, struct board *ret_board,
		   struct board_files *ret_files, struct err **err) warn_unused;
/* How the QEMU in a tree is started; the tree is unpacked for it. Arena. */
int board_use_emulator(struct action *a, const struct action_input *tree, const char *arch,
		       const struct strv **ret, struct err **err) warn_unused;
