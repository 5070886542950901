/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"
#include "cli/live.h"
#include "cli/ui.h"

#define HEARTBEAT_MS 30000

struct ui_plain {
	struct sink sink;
	const struct paint *paint;
	enum ci ci;
	struct live live;
	uint64_t heard_ms; /* when something was printed last */
};

static void print(struct ui_plain *ui, const struct str *line)
{
	if (!line->len)
		return;
	fprintf(stderr, "%s\n", line->buf);
	ui->heard_ms = clock_ms();
}

static void tell_running(struct ui_plain *ui, const struct live_node *n)
{
	struct str text cleanup_str = STR_INIT, line cleanup_str = STR_INIT;
	char *age cleanup_free = str_seconds(live_seconds(n));

	str_append(&text, age);
	if (n->percent >= 0)
		str_printf(&text, ", %d %%", n->percent);
	if (n->text)
		str_printf(&text, ": %s", n->text);
	live_line(&ui->live, ui->paint, ui->paint->dim, "running", n->node, text.buf, &line);
	print(ui, &line);
}

static void heartbeat(struct ui_plain *ui)
{
	if (clock_ms() - ui->heard_ms < HEARTBEAT_MS)
		return;
	for (size_t i = 0; i < ui->live.running.count; i++)
		tell_running(ui, ui->live.running.items[i]);
}

static void plain_event(struct sink *self, const struct event *ev)
{
	struct ui_plain *ui = (struct ui_plain *)self;
	struct str line cleanup_str = STR_INIT;

	live_event(&ui->live, ev);
	if (ev->type == EVENT_NODE_BUILT) /* those of failed ones come last: ui_failures() */
		ui_block(ui->ci, ev);
	live_tell(&ui->live, ui->paint, ev, &line);
	print(ui, &line);
	heartbeat(ui);
}

struct ui_plain *ui_plain_new(const struct cli *c, const struct graph *g)
{
	struct ui_plain *ui = xcalloc(1, sizeof(*ui));

	ui->sink.event = plain_event;
	ui->paint = paint_for(c, stderr);
	ui->ci = ui_ci();
	ui->heard_ms = clock_ms();
	live_init(&ui->live, g);
	return ui;
}

struct sink *ui_plain_sink(struct ui_plain *ui)
{
	return &ui->sink;
}

void ui_plain_free(struct ui_plain *ui)
{
	if (!ui)
		return;
	live_release(&ui->live);
	free(ui);
}
