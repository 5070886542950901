/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The units of a product that a factory writes cards for, in a directory of its own:
 *
 *	units.csv       the first line names the columns, one of them 'serial'; then a unit a line.
 *	                No value is empty or has a comma or quotes; empty lines and those that
 *	                begin with '#' are none
 *	units.jsonl     a JSON object for each unit that was written, as `orch flash` prints it:
 *	                a unit that has one here is done
 *	.taken/SERIAL   an empty file, locked while the card of that unit is written
 *
 * A unit that was interrupted has no line, and is the next one again.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"

struct unit {
	const char *serial;
	struct map values; /* column -> const char * */
	bool done;
};
DEFINE_VEC(fleet_units, struct unit *)

struct fleet {
	const char *dir;
	struct arena *arena;
	struct fleet_units all; /* in the order of the file */
};

/* All mistakes of units.csv go to ERRORS. Everything lives in ARENA until fleet_clear(). */
int fleet_read(struct arena *arena, const char *dir, struct fleet *ret,
	       struct err_list *errors) warn_unused;
void fleet_clear(struct fleet *u);
/* How many are not done. */
size_t fleet_left(const struct fleet *u);

/* A unit that is nobody else's until fleet_release(). */
struct taken {
	struct unit *unit;
	int fd;
};
/*
 * The unit SERIAL, done or not; with NULL the first one that is neither done nor taken. An error
 * where there is none, or another process has it.
 */
int fleet_take(struct fleet *u, const char *serial, struct taken *ret,
	       struct err **err) warn_unused;
void fleet_release(struct taken *t);
/* Adds the line OBJECT of a unit that was written, and brings it to the disk. */
int fleet_done(struct fleet *u, struct unit *unit, const json_t *object,
	       struct err **err) warn_unused;
