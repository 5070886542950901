/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Records as rows of the database and back. The outputs are one text, a line each:
 *
 *	"root.img" image <sha256> <size> <allocated> [shared]
 *
 * and a row carries the SHA-256 of everything in it but the manifest (whose SHA-256 is the key), so
 * that a damaged row is a miss and never a wrong hit.
 */
#include "store/state.h"

/* Fills ROW, whose outputs text is put into OUTPUTS. Pointers are into REC and OUTPUTS. */
void record_encode(const struct record *rec, struct str *outputs, struct state_record *row);
/* The sum that belongs into a row. */
void record_sum(const struct state_record *row, struct digest *ret);
/* The record of a row, in ARENA; 1 when the row is damaged. */
int record_decode(const struct state_record *row, struct arena *arena, struct record **ret);
