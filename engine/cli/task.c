/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/task.h"

#include "base/clock.h"
#include "base/str.h"
#include "cli/paint.h"
#include "cli/progress_layout.h"
#include "cli/terminal.h"

#define DRAW_MS 100

void task_open(struct task *t, enum task_lines lines)
{
	*t = (struct task){.terminal = paint_is_terminal(stderr),
			   .lines = lines == TASK_ALWAYS,
			   .utf8 = terminal_utf8()};
}

static void draw(struct task *t)
{
	struct str text cleanup_str = STR_INIT, line cleanup_str = STR_INIT;
	uint64_t now = clock_ms(), total = t->total;
	char *took cleanup_free = text_age((double)(now - t->began_ms) / 1000);

	str_escape(&text, t->text, strlen(t->text));
	if (total) {
		char *done cleanup_free = str_bytes(t->done), *all cleanup_free = str_bytes(total);

		str_printf(&text, " %3d %%  %s of %s", (int)((double)t->done * 100 / (double)total),
			   done, all);
	} else if (t->done) {
		char *done cleanup_free = str_bytes(t->done);

		str_printf(&text, "  %s", done);
	}
	if (now - t->began_ms >= 1000)
		str_printf(&text, "  %s", took);
	text_cut(&line, text.buf, terminal_size().columns - 1, t->utf8);
	str_append_char(&line, '\n');
	terminal_open();
	terminal_draw(&line);
	t->drawn_ms = now;
}

void task_begin(struct task *t, const char *text)
{
	free(t->text);
	t->text = xstrdup(text);
	t->done = t->total = 0;
	t->began_ms = clock_ms();
	if (t->terminal) {
		draw(t);
	} else if (t->lines) {
		print_escaped(stderr, text, strlen(text));
		fputs(" ...\n", stderr);
	}
}

void task_part(struct task *t, uint64_t done, uint64_t total)
{
	t->done = done;
	t->total = total;
	if (t->terminal && t->text && (done == total || clock_ms() - t->drawn_ms >= DRAW_MS))
		draw(t);
}

void task_pause(struct task *t)
{
	if (t->terminal)
		terminal_close();
}

void task_close(struct task *t)
{
	task_pause(t);
	free(t->text);
	t->text = NULL;
}
