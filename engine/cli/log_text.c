/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/log_text.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"

#define LAST_BYTES 4096
#define TAB 8

/*
 * Length of the escape sequence at P, as ECMA-48 builds them: ESC [ parameters final, ESC ] text
 * ended by BEL or ESC \, ESC intermediates final. 0 when it is none, or not complete.
 */
static size_t sequence(const char *p, const char *end)
{
	const char *q = p + 2;

	if (end - p < 2 || *p != '\033')
		return 0;
	if (p[1] == ']') {
		while (q < end && *q != '\a' && *q != '\033')
			q++;
		if (q < end && *q == '\a')
			return (size_t)(q + 1 - p);
		return end - q >= 2 && q[1] == '\\' ? (size_t)(q + 2 - p) : 0;
	}
	if (p[1] == '[')
		while (q < end && *q >= 0x20 && *q < 0x40)
			q++;
	else
		for (q = p + 1; q < end && *q >= 0x20 && *q < 0x30; q++)
			;
	return q < end && *q >= 0x30 && *q < 0x7f ? (size_t)(q + 1 - p) : 0;
}

/* Serial consoles end lines with CR LF; progress bars overwrite what they wrote with bare CR. */
static void last_written(const char **text, size_t *len)
{
	const char *cr;

	while (*len && (*text)[*len - 1] == '\r')
		--*len;
	cr = memrchr(*text, '\r', *len);
	if (cr) {
		*len -= (size_t)(cr + 1 - *text);
		*text = cr + 1;
	}
}

void log_line(struct str *to, const char *text, size_t len)
{
	struct str plain cleanup_str = STR_INIT;
	struct utf8 u;
	size_t column = 0, skip;

	last_written(&text, &len);
	u = utf8_start(text, len);
	while (utf8_next(&u)) {
		skip = u.bad ? 0 : sequence(u.at, u.end);
		if (skip) {
			u.next = u.at + skip;
		} else if (u.code == '\t' && !u.bad) {
			str_printf(&plain, "%*s", (int)(TAB - column % TAB), "");
			column += TAB - column % TAB;
		} else {
			str_append_len(&plain, u.at, (size_t)(u.next - u.at));
			column += u.bad ? 1 : utf8_width(u.code);
		}
	}
	str_escape(to, plain.buf, plain.len);
}

void log_print(FILE *to, const char *prefix, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		struct str s cleanup_str = STR_INIT;

		str_append(&s, prefix);
		log_line(&s, text, (size_t)((nl ? nl : end) - text));
		str_append_char(&s, '\n');
		fwrite(s.buf, 1, s.len, to);
		text = nl ? nl + 1 : end;
	}
}

bool log_tail_read(struct log_tail *t, const char *path, size_t max_lines, size_t max_bytes)
{
	struct err *ignored cleanup_err = NULL;
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	off_t from = size > (off_t)max_bytes ? size - (off_t)max_bytes : 0;
	const char *p, *end;
	size_t lines = 0;

	if (size < 0 || lseek(fd, from, SEEK_SET) < 0 ||
	    fd_read_all(fd, path, 2 * max_bytes, &t->buf, &ignored))
		return false;
	end = t->buf.buf + t->buf.len;
	for (p = end; p > t->buf.buf; p--)
		if (p[-1] == '\n' && p < end && ++lines == max_lines)
			break;
	t->text = p;
	t->len = (size_t)(end - p);
	t->whole = from == 0 && p == t->buf.buf;
	return true;
}

void log_tail_release(struct log_tail *t)
{
	str_release(&t->buf);
}

bool log_last_line(int fd, struct str *ret)
{
	char buf[LAST_BYTES];
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t n = pread(fd, buf, sizeof(buf), size > LAST_BYTES ? size - LAST_BYTES : 0);

	while (n > 0) {
		const char *nl = memrchr(buf, '\n', (size_t)n);
		const char *line = nl ? nl + 1 : buf;

		str_clear(ret);
		log_line(ret, line, (size_t)(buf + n - line));
		if (ret->buf[strspn(ret->buf, " ")])
			return true;
		n = nl ? nl - buf : 0;
	}
	return false;
}
