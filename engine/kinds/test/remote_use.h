/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A scenario on a remote board (machine/board/remote_board.h): the user's configuration is read
 * when it runs. Nothing of it is in a key, so that who moves a board to another power switch runs
 * no scenario again.
 */
#include "kinds/test/test_run.h"

/* Fills in r->remote, for the board of R. ERR_USER: the configuration has no such board. */
int remote_use_open(struct test_run *r, struct err **err) warn_unused;
/*
 * Whether step S can be on the board: 0 yes, 1 what it looks at cannot be seen, and the
 * board's recipe says that it is then left out. ERR_USER: neither.
 */
int remote_use_check(const struct test_run *r, const struct formed *s,
		     struct err **err) warn_unused;
