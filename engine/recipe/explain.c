/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "base/utf8.h"
#include "recipe/recipe.h"

/* Columns of the line that are shown at most. */
#define EXPLAIN_WIDTH 100

/* A line of text, and where its column COL begins. */
struct excerpt {
	struct str shown, caret;
	unsigned first; /* column of the first character shown */
};

/* Appends the character that U stands on; what could steer a terminal becomes '?'. */
static void show(struct excerpt *x, const struct utf8 *u, unsigned col)
{
	bool control = utf8_is_control(u->code) || u->code == 0x85 || u->bad;
	unsigned width = control ? 1 : utf8_width(u->code);

	if (u->code == '\t')
		str_append_char(&x->shown, ' ');
	else if (control)
		str_append_char(&x->shown, '?');
	else
		str_append_len(&x->shown, u->at, (size_t)(u->next - u->at));
	for (unsigned i = 0; u->col < col && i < width; i++)
		str_append_char(&x->caret, ' ');
}

/* Line LINE of TEXT, cut to a window around COL. 0, or 1 when there is no such line. */
static int excerpt_make(struct excerpt *x, const struct str *text, unsigned line, unsigned col)
{
	struct utf8 u = utf8_start(text->buf, text->len);
	unsigned last, found = 0;

	x->first = col > EXPLAIN_WIDTH * 3 / 4 ? col - EXPLAIN_WIDTH / 2 : 1;
	last = x->first + EXPLAIN_WIDTH;
	while (utf8_next(&u) && u.line <= line) {
		if (u.line < line)
			continue;
		found = 1;
		if (u.col >= x->first && u.col < last && u.code != '\n' && u.code != '\r')
			show(x, &u, col);
	}
	return !found;
}

static int read_source(const char *dir, const char *file, struct str *ret)
{
	int dirfd cleanup_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct err *err cleanup_err = NULL;
	int fd cleanup_fd = -1;
	struct stat st;

	if (dirfd >= 0)
		fd = path_open_beneath(dirfd, file, O_RDONLY | O_NONBLOCK, &err);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return 1;
	return fd_read_all(fd, file, YAML_MAX_BYTES, ret, &err) < 0;
}

/* Puts stars for the user and password of a URL: what is printed here ends up in others' logs. */
static void hide_users(char *text)
{
	for (char *at = text; (at = strstr(at, "://"));) {
		size_t len;

		at += 3;
		len = strcspn(at, "/?# \t\n\"'");
		for (char *end = memrchr(at, '@', len); end && at < end; at++)
			*at = '*';
	}
}

void recipe_explain(const char *dir, const struct err *e, struct str *ret)
{
	struct excerpt x = {.shown = STR_INIT, .caret = STR_INIT};
	struct str text cleanup_str = STR_INIT;
	char *head cleanup_free = err_string(e);

	str_escape(ret, head, strlen(head));
	str_append_char(ret, '\n');
	if (e->file && e->line && e->col && read_source(dir, e->file, &text) == 0)
		hide_users(text.buf);
	if (text.len && excerpt_make(&x, &text, e->line, e->col) == 0)
		str_printf(ret, "%6u | %s%s\n       | %s%s^\n", e->line, x.first > 1 ? "..." : "",
			   x.shown.buf, x.first > 1 ? "   " : "", x.caret.buf);
	str_release(&x.shown);
	str_release(&x.caret);
}
