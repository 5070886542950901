/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/utf8.h"

#define LINES_MAX 512

/*
 * What the region shows: the columns of each of its lines. The handlers read it, so that it changes
 * with them blocked.
 */
static struct {
	volatile sig_atomic_t count;
	volatile unsigned short width[LINES_MAX];
	bool open;
	struct sigaction stop, go_on; /* as they were */
} region;

struct terminal_size terminal_size(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
		return (struct terminal_size){80, 24};
	return (struct terminal_size){w.ws_col, w.ws_row};
}

bool terminal_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < array_len(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

bool terminal_is_ours(void)
{
	pid_t front = tcgetpgrp(STDERR_FILENO);

	return front < 0 || front == getpgrp();
}

/* All of it, whatever the terminal is at; async-signal-safe. */
static void put(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n < 0 && errno != EINTR)
			return;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/* The rows that the region takes now. */
static unsigned region_rows(void)
{
	unsigned columns = terminal_size().columns, rows = 0;

	for (int i = 0; i < region.count; i++)
		rows += region.width[i] ? (region.width[i] + columns - 1) / columns : 1;
	return rows;
}

/* Writes what moves up ROWS and removes all below to TO; returns its length. Async-signal-safe. */
static size_t erase_text(unsigned rows, char to[16])
{
	char digits[10];
	size_t n = 0, len = 0;

	if (!rows)
		return 0;
	for (; rows; rows /= 10)
		digits[n++] = (char)('0' + rows % 10);
	to[len++] = '\r';
	to[len++] = '\033';
	to[len++] = '[';
	while (n)
		to[len++] = digits[--n];
	memcpy(to + len, "A\033[J", 4);
	return len + 4;
}

static void on_stop(int signal)
{
	struct sigaction again;
	char text[16];
	int saved = errno;

	put(text, erase_text(terminal_is_ours() ? region_rows() : 0, text));
	region.count = 0;
	raise(signal); /* by default now: SA_RESETHAND; here it stops */
	again = (struct sigaction){.sa_handler = on_stop,
				   .sa_flags = SA_RESETHAND | SA_NODEFER | SA_RESTART};
	sigaction(signal, &again, NULL);
	errno = saved;
}

/* Others have used the terminal meanwhile. */
static void on_go_on(int signal)
{
	(void)signal;
	region.count = 0;
}

/* Keeps both handlers away from what is being written; returns what was. */
static sigset_t hold_handlers(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, &old);
	return old;
}

void terminal_open(void)
{
	struct sigaction stop = {.sa_handler = on_stop,
				 .sa_flags = SA_RESETHAND | SA_NODEFER | SA_RESTART};
	struct sigaction go_on = {.sa_handler = on_go_on, .sa_flags = SA_RESTART};

	if (region.open)
		return;
	region.open = true;
	region.count = 0;
	sigaction(SIGTSTP, NULL, &region.stop);
	if (region.stop.sa_handler == SIG_DFL)
		sigaction(SIGTSTP, &stop, NULL);
	sigaction(SIGCONT, &go_on, &region.go_on);
}

static void note_lines(const char *text)
{
	region.count = 0;
	while (*text && region.count < LINES_MAX) {
		const char *nl = strchrnul(text, '\n');
		struct utf8 u = utf8_start(text, (size_t)(nl - text));
		unsigned width = 0;
		bool escape = false; /* within what colours it */

		while (utf8_next(&u)) {
			escape = escape || u.code == '\033';
			width += escape ? 0 : utf8_width(u.code);
			escape = escape && u.code != 'm';
		}
		region.width[region.count] = (unsigned short)width;
		region.count++;
		text = *nl ? nl + 1 : nl;
	}
}

/* One write for all, so that nobody sees half of it. */
static void replace(const char *text, bool keep)
{
	struct str all cleanup_str = STR_INIT;
	char erase[16];
	sigset_t old = hold_handlers();

	str_append_len(&all, erase, erase_text(region_rows(), erase));
	str_append(&all, text);
	region.count = 0;
	put(all.buf, all.len);
	if (keep)
		note_lines(text);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void terminal_draw(const struct str *lines)
{
	if (region.open && terminal_is_ours())
		replace(lines->buf, true);
}

void terminal_print(const char *text)
{
	replace(text, false);
}

void terminal_close(void)
{
	if (!region.open)
		return;
	if (terminal_is_ours())
		replace("", false);
	region.open = false;
	if (region.stop.sa_handler == SIG_DFL)
		sigaction(SIGTSTP, &region.stop, NULL);
	sigaction(SIGCONT, &region.go_on, NULL);
}
