/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * JSON text read in one pass and without a copy, for large documents of which little is wanted.
 * After each key and before each item the caller reads one value: an object or array to its end, a
 * text, or json_skip(). A value of another sort than asked for is skipped.
 *
 *	struct json_scan s = json_scan(text, len);
 *	if (json_enter(&s, '{')) {
 *		while (json_key(&s, &key)) {
 *			if (json_is(key, "name"))
 *				json_text_of(&s, &name);
 *			else
 *				json_skip(&s);
 *		}
 *	}
 *	if (!json_end(&s))
 *		...                     // not JSON, in line json_line(&s)
 *
 * Every JSON text is read right (RFC 8259). In what is skipped, only strings and brackets are
 * looked at: mistakes there may go unseen.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

/* A string as it stands between its quotes, or, of json_value(), a whole value. */
struct json_slice {
	const char *at;
	size_t len;
};
struct json_scan {
	const char *at, *end, *begin;
	unsigned depth;
	bool fresh; /* just entered: no comma before what follows */
	bool bad;   /* not JSON; every call is false from then on */
};

struct json_scan json_scan(const char *text, size_t len);
/* Enters an object ('{') or array ('['); else skips the value and is false. */
bool json_enter(struct json_scan *s, char bracket);
/* The next key of the object that was entered; false where it ends, which leaves it. */
bool json_key(struct json_scan *s, struct json_slice *ret);
/* Whether the array that was entered has one more item; false where it ends, which leaves it. */
bool json_item(struct json_scan *s);
/* A string; of another value false, and *RET has AT NULL. */
bool json_text_of(struct json_scan *s, struct json_slice *ret);
void json_skip(struct json_scan *s);
/* Skips a value, too, and says where it stands: to be scanned, or parsed, later. */
struct json_slice json_value(struct json_scan *s);
/* Which sort of value is next: one of {["tfn, '0' for numbers, or 0 at the end. */
char json_next(struct json_scan *s);
/* Whether the text was one JSON value, and nothing more. */
bool json_end(struct json_scan *s);
unsigned json_line(const struct json_scan *s);

/* The same of one that is not written as TEXT is. */
bool json_escaped_is(struct json_slice string, const char *text);
/* Whether a string is TEXT. */
static inline bool json_is(struct json_slice string, const char *text)
{
	size_t len = strlen(text);

	if (!string.at || string.len < len)
		return false;
	if (string.len == len)
		return memcmp(string.at, text, len) == 0;
	return memchr(string.at, '\\', string.len) && json_escaped_is(string, text);
}

/* A string decoded, in ARENA; NULL for one that is none, or has an escape that is wrong. */
char *json_decoded(struct arena *arena, struct json_slice string);
