/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A node of kind `board` as those see it who start the board: what it described, and with what.
 */
#include "machine/board.h"
#include "run/action.h"

#define BOARD_JSON "board.json"
#define BOARD_FIRMWARE "firmware.bin"
#define BOARD_TREE "board.dtb"

struct board_files {
	const char *firmware;
	const char *device_tree; /* NULL: none */
};

/* REF names the node. ERR_USER when that is no board. */
int board_node_open(struct action *a, const struct ref *ref, struct board *ret_board,
		    struct board_files *ret_files, struct err **err) warn_unused;
