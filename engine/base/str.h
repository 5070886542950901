/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A growable byte buffer that is always NUL-terminated, and small string helpers.
 *
 *	struct str s cleanup_str = STR_INIT;
 *	str_printf(&s, "%d", 3);
 *	use(s.buf, s.len);            // s.buf is never NULL
 *	char *heap = str_steal(&s);   // the caller owns the text
 */
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

struct str {
	char *buf;
	size_t len, cap; /* cap 0: buf is a static "" */
};
extern char str_empty[1];
#define STR_INIT                 \
	{                        \
		.buf = str_empty \
	}

void str_append(struct str *s, const char *text);
void str_append_len(struct str *s, const void *data, size_t len);
void str_append_char(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...) printf_like(2, 3);
/* Makes room for EXTRA more bytes; returns the place to write them (then add to len, set NUL). */
char *str_reserve(struct str *s, size_t extra);
/*
 * Appends TEXT as a quoted string on one line: \" \\ \n \t and \xNN for bytes below 0x20 and 0x7f.
 * UTF-8 stays as it is. Used by manifests and wherever foreign text reaches a terminal or log.
 */
void str_quote(struct str *s, const char *text);
/*
 * One line of foreign text for a terminal, a log, a CI: as str_quote without quotation marks, and
 * " and \ left alone. As \xNN, too: bytes that are not UTF-8, C1 controls, marks of direction and
 * separators of lines (U+061C, U+200E-F, U+2028-E, U+2066-9), and the first byte of what GitHub
 * Actions, Azure Pipelines or TeamCity would obey: "::word" in front, "##[" and "##word[" anywhere.
 * What is escaped already stays as it is.
 */
void str_escape(struct str *s, const char *text, size_t len);
/*
 * TEXT filled to lines of WIDTH columns, each after INDENT spaces. Empty lines part paragraphs;
 * lines that begin with a space stay as they are.
 */
void str_fill(struct str *s, const char *text, size_t indent, size_t width);
/* Reads one str_quote()d string at *P and moves *P after it. 0 or 1 when malformed. */
int str_unquote(const char **p, struct str *ret);
/* Empties, keeps memory. */
void str_clear(struct str *s);
void str_release(struct str *s);
/* Heap text, owned by the caller; S is empty afterwards. */
char *str_steal(struct str *s);
#define cleanup_str __attribute__((cleanup(str_release)))

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}
/* The rest of S after PREFIX, or NULL. */
static inline const char *str_skip(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}
bool str_ends(const char *s, const char *suffix);
/* Damerau-Levenshtein distance, at most CAP + 1; for "did you mean". */
unsigned str_distance(const char *a, const char *b, unsigned cap);
/*
 * The nearest of COUNT words within distance 2, of a word of less than six characters within 1 (and
 * less than the word's length), or NULL.
 */
const char *str_nearest(const char *word, const char *const *words, size_t count);
/* Decimal number without sign or spaces. 0, or 1 when TEXT is not one or overflows. */
int str_u64(const char *text, uint64_t *ret);
/* "1.5 GiB", "12 KiB", "17 B"; caller frees. */
char *str_bytes(uint64_t bytes);
/* "1 h 02 m", "2 m 05 s", "3.2 s"; caller frees. */
char *str_seconds(double seconds);
