/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Values: ${NODE:OUTPUT} in a text of a recipe, {{NODE:OUTPUT}} in a template, stand for the text
 * of a small output of a node: one line of UTF-8. Such a text waits for the node, which it needs to
 * be built (graph/values.h); until then the names stand where the values will be.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"

#define VALUE_MAX_BYTES 4096 /* of a value, without its line end */

struct value_ref {
	struct pos pos;
	const char *node, *output;
	size_t at, len; /* bytes of the text that the value takes the place of */
};
DEFINE_VEC(value_refs, struct value_ref)

/* A text that waits for values, in the order of their places. */
struct value_text {
	const char *text;
	const struct value_ref *refs;
	size_t count;
};

/*
 * "NODE:OUTPUT" at the LEN bytes at NAME: 0, or 1 when it is not one. Strings live in ARENA. An
 * output whose name begins with one of -=+? has no value: ${NAME:-WORD} is the shell's.
 */
int value_name(struct arena *arena, const char *name, size_t len, struct value_ref *ret);
/* The text TEXT that waits for REFS, all copied to ARENA; NULL when there are none. */
const struct value_text *value_text_new(struct arena *arena, const char *text,
					const struct value_refs *refs);
/*
 * The LEN bytes at DATA, which is all of an output, as a value: 0 and its length without the line
 * end, or 1 and why it is none: "has more than one line".
 */
int value_check(const char *data, size_t len, size_t *ret_len, const char **ret_why);
/* The value of REF. */
typedef const char *value_fn(void *arg, const struct value_ref *ref);
/* T with the value that FN knows at each place. In ARENA. */
const char *value_fill(struct arena *arena, const struct value_text *t, value_fn *fn, void *arg);
