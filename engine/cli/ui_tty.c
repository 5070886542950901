/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/live.h"
#include "cli/log_text.h"
#include "cli/progress_layout.h"
#include "cli/terminal.h"
#include "cli/ui.h"

/* What is looked at less often than the region is drawn. */
#define LEFT_MS 500
#define RATE_MS 2000
#define RATE_FIRST_MS 300 /* while none is known */

/* The log of a running node, read from its end as far as it has grown. */
struct log_view {
	int fd;
	off_t size; /* when LAST was read */
	struct str last;
};

struct ui_tty {
	struct sink sink;
	const struct paint *paint;
	struct live live;
	bool utf8;
	uint64_t drawn_ms, left_ms, rate_ms; /* clock_ms() when that was done last */
	double left;                         /* seconds, at LEFT_MS */
	bool guessed;
	uint64_t rate, rate_from; /* bytes per second; bytes at RATE_MS */
};

static void free_log(void *own)
{
	struct log_view *log = own;

	fd_closep(&log->fd);
	str_release(&log->last);
	free(log);
}

/* The last line of the node's log, or NULL. */
static const char *last_line(struct live_node *n)
{
	struct log_view *log = n->own;
	struct str line cleanup_str = STR_INIT;
	struct stat st;

	if (!n->log_path)
		return NULL;
	if (!log) {
		log = n->own = xcalloc(1, sizeof(*log));
		log->last = (struct str)STR_INIT;
		log->fd = open(n->log_path, O_RDONLY | O_CLOEXEC);
	}
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return NULL;
	if (st.st_size != log->size && log_last_line(log->fd, &line)) {
		str_clear(&log->last);
		str_append(&log->last, line.buf);
	}
	log->size = st.st_size;
	return log->last.buf;
}

/* What the node says it is at, and what it printed last, unless that is the same. */
static char *node_text(struct live_node *n)
{
	const char *line = last_line(n);
	struct str text cleanup_str = STR_INIT;

	if (n->text)
		str_escape(&text, n->text, strlen(n->text));
	if (line && *line && !str_eq(line, text.buf))
		str_printf(&text, "%s%s", text.len ? ": " : "", line);
	return str_steal(&text);
}

static void look_ahead(struct ui_tty *ui, uint64_t now)
{
	if (now - ui->left_ms < LEFT_MS && ui->left_ms)
		return;
	ui->left_ms = now;
	ui->left = live_left(&ui->live, &ui->guessed);
}

static uint64_t loaded(struct ui_tty *ui, uint64_t now)
{
	uint64_t bytes = ui->live.loaded;

	for (size_t i = 0; i < ui->live.running.count; i++)
		bytes += ui->live.running.items[i]->loaded;
	if (now - ui->rate_ms >= (ui->rate ? RATE_MS : RATE_FIRST_MS)) {
		ui->rate = (bytes - ui->rate_from) * 1000 / (now - ui->rate_ms);
		ui->rate_from = bytes;
		ui->rate_ms = now;
	}
	return bytes;
}

static void draw(struct ui_tty *ui)
{
	const struct live *l = &ui->live;
	struct view_node *nodes cleanup_free = xcalloc(l->running.count + 1, sizeof(*nodes));
	struct terminal_size size = terminal_size();
	struct screen screen = {size.columns, size.rows, ui->utf8, ui->paint};
	struct str lines cleanup_str = STR_INIT;
	uint64_t now = clock_ms();
	struct view v = {.done = l->done,
			 .total = l->total,
			 .failed = l->failed,
			 .stopping = l->stopping,
			 .elapsed = (double)(now - l->began_ms) / 1000,
			 .nodes = nodes,
			 .node_count = l->running.count};

	look_ahead(ui, now);
	v.left = ui->left;
	v.guessed = ui->guessed;
	v.loaded = loaded(ui, now);
	v.rate = ui->rate;
	for (size_t i = 0; i < l->running.count; i++) {
		struct live_node *n = l->running.items[i];

		nodes[i] = (struct view_node){.name = n->node->name,
					      .seconds = live_seconds(n),
					      .percent = n->percent,
					      .text = node_text(n)};
		nodes[i].usual = live_usual(l, n->node, &nodes[i].guessed);
	}
	progress_layout(&v, &screen, &lines);
	for (size_t i = 0; i < l->running.count; i++)
		free((char *)nodes[i].text);
	terminal_draw(&lines);
	ui->drawn_ms = now;
}

/* Whether a line about the event scrolls away; that a node runs is seen in the region. */
static bool is_told(const struct event *ev)
{
	return ev->type != EVENT_NODE_START && ev->type != EVENT_ESTIMATE;
}

static void tty_event(struct sink *self, const struct event *ev)
{
	struct ui_tty *ui = (struct ui_tty *)self;
	struct str line cleanup_str = STR_INIT;

	live_event(&ui->live, ev);
	if (ev->type == EVENT_RUN_START)
		terminal_open();
	if (is_told(ev))
		live_tell(&ui->live, ui->paint, ev, &line);
	if (line.len) {
		str_append_char(&line, '\n');
		terminal_print(line.buf);
	}
	if (ev->type == EVENT_RUN_END)
		terminal_close();
	else if (line.len || clock_ms() - ui->drawn_ms >= UI_TTY_MS)
		draw(ui);
}

struct ui_tty *ui_tty_new(const struct cli *c, const struct graph *g)
{
	struct ui_tty *ui = xcalloc(1, sizeof(*ui));

	ui->sink.event = tty_event;
	ui->paint = paint_for(c, stderr);
	ui->utf8 = terminal_utf8();
	ui->rate_ms = ui->drawn_ms = clock_ms(); /* a run that is over at once shows none */
	live_init(&ui->live, g);
	ui->live.free_own = free_log;
	return ui;
}

struct sink *ui_tty_sink(struct ui_tty *ui)
{
	return &ui->sink;
}

void ui_tty_free(struct ui_tty *ui)
{
	if (!ui)
		return;
	terminal_close();
	live_release(&ui->live);
	free(ui);
}
