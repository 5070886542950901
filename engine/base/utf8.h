/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Walks UTF-8 text one character at a time and knows the line and column of each, as editors count
 * them: columns in characters, from 1.
 *
 *	struct utf8 u = utf8_start(text, len);
 *	while (utf8_next(&u))
 *		use(u.code, u.line, u.col);
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct utf8 {
	const char *at; /* first byte of the current character */
	const char *next, *end;
	uint32_t code; /* of the current character; the byte itself when bad */
	bool bad;      /* the byte at .at begins no valid character */
	unsigned line, col;
};

struct utf8 utf8_start(const char *text, size_t len);
/* Moves to the next character; false at the end. */
bool utf8_next(struct utf8 *u);
/*
 * Writes the character CODE, at most 0x10ffff, to RET, without a terminating NUL; returns how many
 * bytes it has, 1 to 4.
 */
size_t utf8_encode(uint32_t code, char ret[4]);
/* C0 and C1 control characters and DEL. */
bool utf8_is_control(uint32_t code);
/*
 * Columns a terminal gives the character: 0, 1 or 2, as the C library knows from Unicode's tables
 * (wcwidth(3)); 1 for what it does not know, and for all where it has no locale C.UTF-8.
 */
unsigned utf8_width(uint32_t code);
