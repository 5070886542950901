/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptions of boards: JSON. */
#include "fuzz.h"
#include "machine/board/board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text cleanup_free = fuzz_text(data, size);
	struct board b cleanup_board = {0}, again cleanup_board = {0};
	struct str first cleanup_str = STR_INIT, second cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	if (board_parse(text, "x", &b, &err) < 0)
		return 0;
	board_print(&b, &first);
	assert(board_parse(first.buf, "x", &again, &err) == 0);
	board_print(&again, &second);
	assert(str_eq(first.buf, second.buf));
	return 0;
}
