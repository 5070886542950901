/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A region at the bottom of the terminal that stderr is, below what scrolls away. There is one in a
 * process.
 *
 * Nothing is ever set that has to be set back: the cursor stays visible and at the start of the
 * line below the region, no mode of the terminal changes. So whatever ends the process leaves a
 * terminal to go on with, and the region as it was last.
 *
 * In the background nothing is drawn. Ctrl-Z removes the region before the process stops; after it
 * goes on, the region is drawn again where the cursor is then. Of what was drawn before a resize as
 * many rows are removed as it takes in a terminal that fills its lines again.
 */
#include <stdbool.h>

#include "base/str.h"

struct terminal_size {
	unsigned columns, rows;
};
/* Of stderr; 80 x 24 when it does not say. */
struct terminal_size terminal_size(void);
/* Whether characters beyond ASCII are shown: what LC_ALL, LC_CTYPE and LANG say. */
bool terminal_utf8(void);
/* Whether this process may draw: it is not in the background. */
bool terminal_is_ours(void);

/* From here on there is a region, which is empty. */
void terminal_open(void);
/* Replaces the region by LINES, each ended by a newline and none wider than the terminal. */
void terminal_draw(const struct str *lines);
/* Prints TEXT, ended by a newline, in place of the region, which is empty then. */
void terminal_print(const char *text);
/* Removes the region; nothing is drawn any more. May be called again. */
void terminal_close(void);
