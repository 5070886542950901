/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define DEPTH_MAX 2048 /* as jansson has it */
#define EACH_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

struct json_scan json_scan(const char *text, size_t len)
{
	if (!len)
		text = ""; /* it may be NULL */
	return (struct json_scan){.at = text, .begin = text, .end = text + len};
}

static bool fail(struct json_scan *s)
{
	s->bad = true;
	return false;
}

/* ---- bytes ---- */

static uint64_t eight(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Indentation is much of a document that people read: eight spaces at once. */
static const char *past_spaces(const char *at, const char *end)
{
	while (at < end && *at <= ' ' && is_space(*at)) {
		at++;
		while (end - at >= 8 && eight(at) == EACH_BYTE(' '))
			at += 8;
	}
	return at;
}

/* Whether the quote at AT, in a string that begins at FROM, is part of the string. */
static bool is_escaped(const char *from, const char *at)
{
	bool odd = false;

	while (at > from && *--at == '\\')
		odd = !odd;
	return odd;
}

/* From behind a quote to the one that ends the string, or the end. */
static const char *string_end(const char *from, const char *end)
{
	const char *at = from;

	while ((at = memchr(at, '"', (size_t)(end - at))) && is_escaped(from, at))
		at++;
	return at ? at : end;
}

/* ---- values ---- */

char json_next(struct json_scan *s)
{
	if (s->bad)
		return 0;
	s->at = past_spaces(s->at, s->end);
	if (s->at == s->end)
		return 0;
	return *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? '0' : *s->at;
}

static bool take_string(struct json_scan *s, struct json_slice *ret)
{
	const char *from = s->at + 1, *to = string_end(from, s->end);

	if (to == s->end)
		return fail(s);
	*ret = (struct json_slice){from, (size_t)(to - from)};
	s->at = to + 1;
	return true;
}

/* A number, true, false or null. */
static void skip_word(struct json_scan *s)
{
	const char *from = s->at;

	while (s->at < s->end && (*s->at == '-' || *s->at == '+' || *s->at == '.' ||
				  (*s->at >= '0' && *s->at <= '9') ||
				  (*s->at >= 'a' && *s->at <= 'z') || *s->at == 'E'))
		s->at++;
	if (s->at == from)
		fail(s);
}

/* From a bracket to behind the one that closes it. */
static void skip_nested(struct json_scan *s)
{
	const char *at = s->at;
	unsigned depth = 0;

	while ((at = past_spaces(at, s->end)) < s->end) {
		char c = *at++;

		if (c == '"') {
			at = string_end(at, s->end);
			at += at < s->end;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			s->at = at;
			return;
		}
	}
	s->at = at;
	fail(s);
}

void json_skip(struct json_scan *s)
{
	struct json_slice ignored;
	char next = json_next(s);

	if (next == '{' || next == '[')
		skip_nested(s);
	else if (next == '"')
		take_string(s, &ignored);
	else if (!s->bad)
		skip_word(s);
}

struct json_slice json_value(struct json_scan *s)
{
	const char *from;

	json_next(s);
	from = s->at;
	json_skip(s);
	return (struct json_slice){from, (size_t)(s->at - from)};
}

bool json_text_of(struct json_scan *s, struct json_slice *ret)
{
	*ret = (struct json_slice){0};
	if (json_next(s) == '"')
		return take_string(s, ret);
	json_skip(s);
	return false;
}

bool json_enter(struct json_scan *s, char bracket)
{
	if (json_next(s) != bracket) {
		json_skip(s);
		return false;
	}
	if (++s->depth > DEPTH_MAX)
		return fail(s);
	s->at++;
	s->fresh = true;
	return true;
}

/* Whether something follows before CLOSE. */
static bool go_on(struct json_scan *s, char close)
{
	char next = json_next(s);
	bool fresh = s->fresh;

	s->fresh = false;
	if (next == close) {
		s->at++;
		s->depth--;
		return false;
	}
	if (fresh)
		return next || fail(s);
	if (next != ',')
		return fail(s);
	s->at++;
	return true;
}

bool json_item(struct json_scan *s)
{
	return !s->bad && go_on(s, ']');
}

bool json_key(struct json_scan *s, struct json_slice *ret)
{
	if (s->bad || !go_on(s, '}'))
		return false;
	if (json_next(s) != '"' || !take_string(s, ret) || json_next(s) != ':')
		return fail(s);
	s->at++;
	return true;
}

bool json_end(struct json_scan *s)
{
	return !json_next(s) && !s->bad && !s->depth;
}

unsigned json_line(const struct json_scan *s)
{
	unsigned line = 1;

	for (const char *at = s->begin; at < s->at; at++)
		line += *at == '\n';
	return line;
}

/* ---- strings ---- */

/* Four hexadecimal digits; -1 where there are others. */
static long hex4(const char *at, const char *end)
{
	long code = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef",
			   *d = at[i] ? strchr(digits, at[i] | 0x20) : NULL;

		if (!d)
			return -1;
		code = code * 16 + (d - digits);
	}
	return code;
}

static void append_utf8(struct str *s, long code)
{
	char bytes[4];

	str_append_len(s, bytes, utf8_encode((uint32_t)code, bytes));
}

/* What stands behind "\u", which may be two halves of one character. NULL: wrong. */
static const char *append_code(struct str *s, const char *at, const char *end)
{
	long code = hex4(at, end), low;

	at += 4;
	if (code <= 0 || (code >= 0xdc00 && code < 0xe000))
		return NULL;
	if (code >= 0xd800 && code < 0xdc00) {
		if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
			return NULL;
		low = hex4(at + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		code = 0x10000 + (code - 0xd800) * 0x400 + (low - 0xdc00);
		at += 6;
	}
	append_utf8(s, code);
	return at;
}

/* False for an escape that is wrong. */
static bool decode(struct str *s, struct json_slice string)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = string.at, *end = string.at + string.len, *one;

	while (at && at < end) {
		if (*at != '\\') {
			str_append_char(s, *at++);
		} else if (at[1] == 'u') {
			at = append_code(s, at + 2, end);
		} else {
			one = at[1] ? strchr(from, at[1]) : NULL;
			if (!one)
				return false;
			str_append_char(s, to[one - from]);
			at += 2;
		}
	}
	return at;
}

bool json_escaped_is(struct json_slice string, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	return decode(&s, string) && str_eq(s.buf, text);
}

char *json_decoded(struct arena *arena, struct json_slice string)
{
	struct str s cleanup_str = STR_INIT;

	if (!string.at)
		return NULL;
	if (!memchr(string.at, '\\', string.len))
		return arena_strndup(arena, string.at, string.len);
	return decode(&s, string) ? arena_strdup(arena, s.buf) : NULL;
}
