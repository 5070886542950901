/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>

#include "base/utf8.h"

char str_empty[1];

char *str_reserve(struct str *s, size_t extra)
{
	size_t need = s->len + extra + 1;

	if (need > s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;

		if (cap < need)
			cap = need;
		s->buf = xrealloc(s->cap ? s->buf : NULL, cap);
		s->cap = cap;
		s->buf[s->len] = 0;
	}
	return s->buf + s->len;
}

void str_append_len(struct str *s, const void *data, size_t len)
{
	char *to = str_reserve(s, len);

	if (len)
		memcpy(to, data, len);
	s->len += len;
	s->buf[s->len] = 0;
}

void str_append(struct str *s, const char *text)
{
	str_append_len(s, text, strlen(text));
}

void str_append_char(struct str *s, char c)
{
	str_append_len(s, &c, 1);
}

void str_printf(struct str *s, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		out_of_memory(0);
	vsnprintf(str_reserve(s, (size_t)n), (size_t)n + 1, fmt, again);
	s->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

static void escape_byte(struct str *s, unsigned char c)
{
	if (c == '\n')
		str_append(s, "\\n");
	else if (c == '\t')
		str_append(s, "\\t");
	else if (c == '\\')
		str_append(s, "\\\\");
	else if (c < 0x20 || c == 0x7f)
		str_printf(s, "\\x%02x", c);
	else
		str_append_char(s, (char)c);
}

void str_quote(struct str *s, const char *text)
{
	str_append_char(s, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"')
			str_append(s, "\\\"");
		else
			escape_byte(s, (unsigned char)*p);
	}
	str_append_char(s, '"');
}

/*
 * What no reader sees and what makes him read something else: C1 controls, which steer terminals as
 * ESC does, marks that turn the direction of text around (UAX #9), ends of lines to some, and what
 * has no width but joins nothing (U+200B, U+2060 to U+2064, U+FEFF).
 */
static bool is_hidden(uint32_t code)
{
	return (code >= 0x80 && code < 0xa0) || code == 0x061c || code == 0x200b ||
	       code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x2069) || code == 0xfeff;
}

/* What a runner of a CI passes over to find a command: all that Unicode calls white space. */
static bool is_space(uint32_t code)
{
	return code == ' ' || (code >= '\t' && code <= '\r') || code == 0x85 || code == 0xa0 ||
	       code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
	       code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

/*
 * Whether what a CI takes for a command begins at P: "::word" before everything else on the
 * line (GitHub), "##[word]" and "##vso[" (GitHub, Azure), "##teamcity[" anywhere.
 */
static bool begins_command(const char *p, const char *end, bool first)
{
	if (end - p < 3 || p[0] != p[1])
		return false;
	if (p[0] == ':')
		return first && isalpha((unsigned char)p[2]);
	if (p[0] != '#')
		return false;
	for (p += 2; p < end && isalpha((unsigned char)*p); p++)
		;
	return p < end && *p == '[';
}

void str_escape(struct str *s, const char *text, size_t len)
{
	struct utf8 u = utf8_start(text, len);
	bool first = true;

	while (utf8_next(&u)) {
		bool raw = u.bad || begins_command(u.at, u.end, first);

		first = first && !u.bad && is_space(u.code);
		for (const char *p = u.at; p < u.next; p++) {
			if (raw || is_hidden(u.code))
				str_printf(s, "\\x%02x", (unsigned char)*p);
			else if (*p == '\\')
				str_append_char(s, '\\');
			else
				escape_byte(s, (unsigned char)*p);
		}
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int str_unquote(const char **p, struct str *ret)
{
	const char *q = *p;

	if (*q++ != '"')
		return 1;
	for (; *q && *q != '"'; q++) {
		int hi, lo;

		if (*q != '\\') {
			str_append_char(ret, *q);
			continue;
		}
		switch (*++q) {
		case 'n':
			str_append_char(ret, '\n');
			break;
		case 't':
			str_append_char(ret, '\t');
			break;
		case '\\':
		case '"':
			str_append_char(ret, *q);
			break;
		case 'x':
			if ((hi = hex_digit(q[1])) < 0 || (lo = hex_digit(q[2])) < 0)
				return 1;
			str_append_char(ret, (char)(hi * 16 + lo));
			q += 2;
			break;
		default:
			return 1;
		}
	}
	if (*q != '"')
		return 1;
	*p = q + 1;
	return 0;
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->cap)
		s->buf[0] = 0;
}

void str_release(struct str *s)
{
	if (s->cap)
		free(s->buf);
	*s = (struct str)STR_INIT;
}

char *str_steal(struct str *s)
{
	char *text = s->cap ? s->buf : xstrdup("");

	*s = (struct str)STR_INIT;
	return text;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && str_eq(s + n - m, suffix);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

unsigned str_distance(const char *a, const char *b, unsigned cap)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned d[3][65];

	if (n > 64 || m > 64 || (n > m ? n - m : m - n) > cap)
		return cap + 1;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = d[i % 3], *up = d[(i + 2) % 3], *upup = d[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned cost = a[i - 1] != b[j - 1];

			row[j] = min3(up[j] + 1, row[j - 1] + 1, up[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    upup[j - 2] + 1 < row[j])
				row[j] = upup[j - 2] + 1;
		}
	}
	return d[n % 3][m] > cap ? cap + 1 : d[n % 3][m];
}

const char *str_nearest(const char *word, const char *const *words, size_t count)
{
	const char *best = NULL;
	unsigned least = strlen(word) < 6 ? 2 : 3;

	for (size_t i = 0; i < count; i++) {
		unsigned d = str_distance(word, words[i], 2);

		if (d < least && d < strlen(word)) {
			least = d;
			best = words[i];
		}
	}
	return best;
}

int str_u64(const char *text, uint64_t *ret)
{
	uint64_t n = 0;

	if (!*text)
		return 1;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text) || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
			return 1;
	}
	*ret = n;
	return 0;
}

char *str_bytes(uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double n = (double)bytes;
	size_t u = 0;

	while (n >= 1024 && u + 1 < array_len(units)) {
		n /= 1024;
		u++;
	}
	if (u == 0 || n >= 100)
		return xasprintf("%.0f %s", n, units[u]);
	return xasprintf("%.1f %s", n, units[u]);
}

char *str_seconds(double seconds)
{
	unsigned long s;

	if (seconds < 0)
		seconds = 0;
	if (seconds < 60)
		return xasprintf("%.1f s", seconds);
	s = (unsigned long)(seconds + 0.5);
	if (s < 3600)
		return xasprintf("%lu m %02lu s", s / 60, s % 60);
	return xasprintf("%lu h %02lu m", s / 3600, s / 60 % 60);
}

/*
 * One word after what is on the line, or on a new one. COL: columns in use,
 * 0 at the start of a line.
 */
static size_t put_word(const char *word, size_t len, size_t indent, size_t col, size_t width,
		       struct str *s)
{
	if (col && col + 1 + len > width) {
		str_append_char(s, '\n');
		col = 0;
	}
	str_printf(s, "%*s%.*s", col ? 1 : (int)indent, "", (int)len, word);
	return (col ? col + 1 : indent) + len;
}

void str_fill(struct str *s, const char *text, size_t indent, size_t width)
{
	size_t col = 0;

	while (*text) {
		size_t line = strcspn(text, "\n"), word = strcspn(text, " \n");

		if (col == 0 || text[-1] == '\n') {
			if (!line || *text == ' ' || *text == '\t') {
				str_printf(s, "%s%*s%.*s\n", col ? "\n" : "",
					   line ? (int)indent : 0, "", (int)line, text);
				text += line + (text[line] == '\n');
				col = 0;
				continue;
			}
		}
		if (word)
			col = put_word(text, word, indent, col, width, s);
		text += word + (text[word] != 0);
	}
	if (col)
		str_append_char(s, '\n');
}
