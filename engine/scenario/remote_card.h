/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The card of a remote board (machine/board/remote_board.h), which is either here, to be looked at
 * and changed, or in the board. Two ways lead there and back:
 *
 *	card-to-host, card-to-board: stage.card is where this machine finds the card itself,
 *		behind a multiplexer; without these commands it is a file that an emulator works
 *		on, and always here
 *	write, read: stage.card is a file of ours; what is changed in it is written before the
 *		power is on, and read again when a step looks at the card
 */
#include "scenario/stage.h"

/* Makes a card of the image stage.start. The power is off. */
int remote_card_make(struct stage *s, struct err **err) warn_unused;
/* Has it here. CHANGE: for a step that writes to it. */
int remote_card_take(struct stage *s, bool change, struct err **err) warn_unused;
/* Has it in the board. */
int remote_card_give(struct stage *s, struct err **err) warn_unused;
/* Whether it can be looked at as things are. Of an emulated board always. */
bool remote_card_is_seen(const struct stage *s);
