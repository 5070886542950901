/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the user's configuration says of remote boards (machine/board/remote_board.h), under
 * `boards`:
 *
 *	boards:
 *	  bench: {power-on: [...], power-off: [...], console: ..., write: [...]}
 */
#include "machine/board/remote_board.h"
#include "recipe/schema.h"

struct board_config {
	struct list commands[REMOTE_CMD_COUNT]; /* of const char * */
	const char *card;
	int64_t baud, timeout;
};
/* The keys of an entry of `boards`. */
extern const struct schema board_config_schema;
