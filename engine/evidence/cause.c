/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/cause.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/vec.h"

#define DAY 86400
#define OLDEST INT64_C(946684800) /* 2000 */

size_t cause_place(const struct cause_side *a, const struct cause_side *b)
{
	size_t i = 0;

	while (i < a->len && i < b->len && a->data[i] == b->data[i])
		i++;
	return i;
}

static bool has_path(const struct cause_side *s)
{
	return s->path && memmem(s->data, s->len, s->path, strlen(s->path));
}

/* ---- order ---- */

/* From FROM on. */
static bool same_bytes(const struct cause_side *a, const struct cause_side *b, size_t from)
{
	size_t count[256] = {0};

	for (size_t i = from; i < a->len; i++)
		count[(unsigned char)a->data[i]]++;
	for (size_t i = from; i < b->len; i++)
		count[(unsigned char)b->data[i]]--;
	for (size_t i = 0; i < array_len(count); i++) {
		if (count[i])
			return false;
	}
	return true;
}

/* How many bytes there are from PLACE to the last that differs. */
static size_t differing(const struct cause_side *a, const struct cause_side *b, size_t place)
{
	size_t end = a->len < b->len ? a->len : b->len;

	while (end > place && a->data[end - 1] == b->data[end - 1])
		end--;
	return end - place;
}

static void split(const struct cause_side *s, struct strv *lines)
{
	char *text cleanup_free = xstrndup(s->data, s->len), *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n")))
		strv_push(lines, line);
	strv_sort(lines);
}

static bool same_lines(const struct cause_side *a, const struct cause_side *b)
{
	struct strv x cleanup_strv = {0}, y cleanup_strv = {0};
	bool same;

	split(a, &x);
	split(b, &y);
	same = x.count == y.count && x.count > 2;
	for (size_t i = 0; same && i < x.count; i++)
		same = str_eq(x.items[i], y.items[i]);
	return same;
}

/*
 * Equal counts of bytes from PLACE on, where they differ first, say little when these are few: the
 * digits of two numbers may be the same.
 */
static bool is_order(const struct cause_side *a, const struct cause_side *b, size_t place)
{
	return a->len == b->len && place < a->len && same_bytes(a, b, place) &&
	       (differing(a, b, place) >= 256 || same_lines(a, b));
}

/* ---- time ---- */

static bool is_when(const struct cause_side *s, int64_t t)
{
	return s->from ? t >= s->from - DAY && t <= s->until + DAY : t >= OLDEST;
}

static uint32_t word_at(const struct cause_side *s, size_t at, bool big)
{
	const unsigned char *p = (const unsigned char *)s->data + at;

	return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
		   : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Seconds since 1970 in four bytes that take in PLACE: of gzip, python, file systems. */
static bool is_binary_time(const struct cause_side *a, const struct cause_side *b, size_t place)
{
	for (size_t at = place < 3 ? 0 : place - 3; at <= place; at++) {
		for (int big = 0; big < 2 && at + 4 <= a->len && at + 4 <= b->len; big++) {
			if (is_when(a, word_at(a, at, big)) && is_when(b, word_at(b, at, big)) &&
			    b->from)
				return true;
		}
	}
	return false;
}

static bool is_time_sign(char c)
{
	return isdigit((unsigned char)c) || strchr(":-+.,/TZ ", c);
}

/* The text around PLACE that a time may be made of. Heap. */
static char *around(const struct cause_side *s, size_t place)
{
	size_t from = place < s->len ? place : s->len, to = from;

	while (from > 0 && place - from < 32 && s->data[from - 1] &&
	       is_time_sign(s->data[from - 1]))
		from--;
	while (to < s->len && to - place < 32 && s->data[to] && is_time_sign(s->data[to]))
		to++;
	return xstrndup(s->data + from, to - from);
}

/* A number of seconds from the time of the build, "10:20:30", "2026-11-30". */
static bool is_text_time(const struct cause_side *s, size_t place)
{
	char *text cleanup_free = around(s, place);

	for (const char *p = text; *p; p++) {
		int n = 0, a, b, c;

		if (p != text && isdigit((unsigned char)p[-1]))
			continue;
		if ((sscanf(p, "%2d:%2d:%2d%n", &a, &b, &c, &n) == 3 && n == 8) ||
		    (sscanf(p, "%4d-%2d-%2d%n", &a, &b, &c, &n) == 3 && n == 10))
			return true;
		if (strspn(p, "0123456789") >= 10) {
			char *ten cleanup_free = xstrndup(p, 10);

			if (is_when(s, strtoll(ten, NULL, 10)) && s->from)
				return true;
		}
	}
	return false;
}

/* ---- processors ---- */

static bool is_joint(char c)
{
	return c == '.' || c == ':';
}

/*
 * The length of the number at AT if it is the count of processors: no digits of a longer one, nor
 * of "1.5" or "10:20"; else 0.
 */
static size_t processors_at(const struct cause_side *s, size_t at)
{
	char text[16];
	size_t len = (size_t)snprintf(text, sizeof(text), "%u", s->cpus), end = at + len;

	if (end > s->len || memcmp(s->data + at, text, len) != 0)
		return 0;
	if (at && (isdigit((unsigned char)s->data[at - 1]) || is_joint(s->data[at - 1])))
		return 0;
	if (end < s->len && isdigit((unsigned char)s->data[end]))
		return 0;
	if (end + 1 < s->len && is_joint(s->data[end]) && isdigit((unsigned char)s->data[end + 1]))
		return 0;
	return len;
}

static bool ends_line(const struct cause_side *s, size_t at)
{
	return at >= s->len || s->data[at] == '\n';
}

/* Whether the line that differs first is the same but for how many processors there were. */
static bool is_processors(const struct cause_side *a, const struct cause_side *b, size_t place)
{
	size_t i = place, k;
	bool found = false;

	if (!a->cpus || !b->cpus || a->cpus == b->cpus)
		return false;
	while (i > 0 && i <= a->len && isdigit((unsigned char)a->data[i - 1]))
		i--;
	for (k = i; !ends_line(a, i) || !ends_line(b, k);) {
		size_t x = processors_at(a, i), y = processors_at(b, k);
		bool are_counts = x && y;

		if (!are_counts && (ends_line(a, i) || ends_line(b, k) || a->data[i] != b->data[k]))
			return false;
		found |= are_counts;
		i += are_counts ? x : 1;
		k += are_counts ? y : 1;
	}
	return found;
}

enum cause cause_guess(const struct cause_side *a, const struct cause_side *b)
{
	size_t place = cause_place(a, b);

	if (has_path(a) || has_path(b))
		return CAUSE_PATH;
	if (is_order(a, b, place))
		return CAUSE_ORDER;
	if (is_processors(a, b, place))
		return CAUSE_PROCESSORS;
	if ((is_text_time(a, place) && is_text_time(b, place)) || is_binary_time(a, b, place))
		return CAUSE_TIME;
	return CAUSE_UNKNOWN;
}

const char *cause_word(enum cause c)
{
	switch (c) {
	case CAUSE_PATH:
		return "path";
	case CAUSE_ORDER:
		return "order";
	case CAUSE_TIME:
		return "time";
	case CAUSE_PROCESSORS:
		return "number of processors";
	case CAUSE_UNKNOWN:
		break;
	}
	return "randomness?";
}
