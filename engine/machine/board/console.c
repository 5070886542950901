/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/console.h"

#include <stdlib.h>

enum { ESC_NONE, ESC_START, ESC_CSI, ESC_STRING, ESC_CHARSET };

/* Whether the kernel says on this line that it gave up. */
static bool is_panic(const char *line)
{
	return strstr(line, "Kernel panic - not syncing") != NULL;
}

/* Reads "ORCH-token WORD [N [N]];" inside LINE. */
static bool read_marker(struct console *c, const char *line)
{
	char *prefix cleanup_free = xasprintf("ORCH-%s ", c->token);
	const char *at = strstr(line, prefix), *end;
	char *text cleanup_free = NULL, *p, *word;
	long a = 0, b = 0;

	if (!at)
		return false;
	at += strlen(prefix);
	end = strchr(at, ';');
	if (!end)
		return false;
	p = text = xstrndup(at, (size_t)(end - at));
	word = strsep(&p, " ");
	if (p)
		a = strtol(p, &p, 10);
	if (p)
		b = strtol(p, &p, 10);
	c->fn(c->arg, CONSOLE_MARKER, word, a, b);
	return true;
}

static void end_line(struct console *c)
{
	const char *line = c->line.buf;
	bool blank = c->blank;

	/* A marker begins with a newline of its own, which is no line of the log. */
	c->blank = c->line.len == 0;
	if (!c->blank && (!c->token || !read_marker(c, line))) {
		if (blank)
			c->fn(c->arg, CONSOLE_LINE, "", 0, 0);
		c->fn(c->arg, CONSOLE_LINE, line, 0, 0);
		if (!c->panicked && is_panic(line)) {
			c->panicked = true;
			c->fn(c->arg, CONSOLE_PANIC, line, 0, 0);
		}
	}
	str_clear(&c->line);
}

/* One byte inside an escape sequence: ESC [ ... final, ESC ] ... BEL or ESC \, ESC ( X, ESC X. */
static void escape_byte(struct console *c, unsigned char b)
{
	switch (c->escape) {
	case ESC_START:
		if (b == '[')
			c->escape = ESC_CSI;
		else if (b == ']' || b == 'P' || b == '_' || b == '^')
			c->escape = ESC_STRING;
		else if (b == '(' || b == ')')
			c->escape = ESC_CHARSET;
		else
			c->escape = ESC_NONE;
		break;
	case ESC_CSI:
		if (b >= 0x40 && b <= 0x7e)
			c->escape = ESC_NONE;
		break;
	case ESC_STRING:
		if (b == 0x07)
			c->escape = ESC_NONE;
		else if (b == 0x1b)
			c->escape = ESC_START;
		break;
	default:
		c->escape = ESC_NONE;
	}
}

void console_feed(struct console *c, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		unsigned char b = p[i];

		if (b ==
		    '\n') { /* also ends a broken escape sequence: no guest can silence itself */
			c->escape = ESC_NONE;
			end_line(c);
		} else if (c->escape != ESC_NONE) {
			escape_byte(c, b);
		} else if (b == 0x1b) {
			c->escape = ESC_START;
		} else if (b == '\t' || (b >= 0x20 && b != 0x7f)) {
			str_append_char(&c->line, (char)b);
			if (c->line.len >= CONSOLE_LINE_MAX)
				end_line(c);
		}
	}
}

void console_end(struct console *c)
{
	if (c->line.len > 0)
		end_line(c);
}

void console_release(struct console *c)
{
	str_release(&c->line);
}
