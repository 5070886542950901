/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The boot loader's part of a board that does not boot (machine/board/rauc_board.h): what it keeps
 * on the card is read, the slot chosen as RAUC counts (choice_rule.h), and one try less written
 * back, with the order where there was none, before the board is started with that slot. So every
 * power-on costs a try, as on a device, and what `slot`, `environment` and `same` see is the
 * card's.
 */
#include "scenario/stage.h"

/* Adds to P what starts the slot that is chosen. ERR_BUILD: the order names no slot. */
int bench_choose(struct stage *s, struct board_power *p, struct err **err) warn_unused;
/* Off, and on again as it was started last: another choice. SECONDS: for switching off. */
int bench_restart(struct stage *s, unsigned seconds, struct err **err) warn_unused;
