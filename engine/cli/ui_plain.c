/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/ui.h"

#include <fcntl.h>
#include "base/clock.h"
#include "base/file.h"
#include "cli/paint.h"

#define HEARTBEAT_S 30
#define TAIL_LINES 40
#define TAIL_BYTES (64 * 1024)

struct running {
	const struct node *node; /* NULL: free */
	double since;
	char *text; /* last progress, or NULL */
	int percent;
};

struct ui_plain {
	struct sink sink;
	const struct paint *paint;
	size_t total, done, width;
	double heard; /* when something was printed last */
	struct running *running;
	size_t running_count;
};

static struct running *find_running(struct ui_plain *ui, const struct node *n)
{
	for (size_t i = 0; i < ui->running_count; i++) {
		if (ui->running[i].node == n)
			return &ui->running[i];
	}
	return NULL;
}

static void line(struct ui_plain *ui, const char *color, const char *word, const struct node *n,
		 const char *text)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "[%*zu/%zu] %s%-7s%s ", ui->total > 99 ? 5 : 2, ui->done, ui->total, color,
		   word, ui->paint->off);
	if (text && *text) {
		str_printf(&s, "%-*s  ", (int)ui->width, n ? n->name : "");
		str_escape(&s, text, strlen(text));
	} else {
		str_append(&s, n ? n->name : "");
	}
	fprintf(stderr, "%s\n", s.buf);
	ui->heard = (double)clock_ms() / 1000;
}

static void start(struct ui_plain *ui, const struct event *ev)
{
	struct running *r = find_running(ui, NULL);

	if (!r) {
		ui->running = xreallocarray(ui->running, ui->running_count + 1, sizeof(*r));
		r = &ui->running[ui->running_count++];
	}
	*r = (struct running){.node = ev->node, .since = (double)clock_ms() / 1000, .percent = -1};
	line(ui, "", "start", ev->node, ev->text);
}

static void stop(struct ui_plain *ui, const struct node *n)
{
	struct running *r = find_running(ui, n);

	ui->done += ui->done < ui->total; /* a node is told of twice when its result was damaged */
	if (r) {
		r->node = NULL;
		free(r->text);
		r->text = NULL;
	}
}

static void heartbeat(struct ui_plain *ui)
{
	double t = (double)clock_ms() / 1000;

	if (t - ui->heard < HEARTBEAT_S)
		return;
	for (size_t i = 0; i < ui->running_count; i++) {
		struct running *r = &ui->running[i];
		struct str s cleanup_str = STR_INIT;
		char *age cleanup_free = str_seconds(t - r->since);

		if (!r->node)
			continue;
		str_append(&s, age);
		if (r->percent >= 0)
			str_printf(&s, ", %d %%", r->percent);
		if (r->text)
			str_printf(&s, ": %s", r->text);
		line(ui, ui->paint->dim, "running", r->node, s.buf);
	}
}

static void progress(struct ui_plain *ui, const struct event *ev)
{
	struct running *r = find_running(ui, ev->node);

	if (!r)
		return;
	r->percent = ev->percent;
	if (ev->text) {
		free(r->text);
		r->text = xstrdup(ev->text);
	}
}

static void failed(struct ui_plain *ui, const struct event *ev)
{
	char *text cleanup_free = ev->err ? err_string(ev->err) : xstrdup("failed");

	stop(ui, ev->node);
	line(ui, ui->paint->red, "failed", ev->node, text);
}

/* What lies ahead, unless it is too little to speak of. */
static void estimate(struct ui_plain *ui, const struct event *ev)
{
	char *time cleanup_free = str_seconds(ev->seconds),
		   *disk cleanup_free = str_bytes(ev->bytes);
	struct str s cleanup_str = STR_INIT;

	if (ev->seconds < 10 && ev->bytes < 64 * 1024 * 1024)
		return;
	str_printf(&s, "%zu node%s at most", ev->total, ev->total == 1 ? "" : "s");
	if (ev->unknown < ev->total)
		str_printf(&s, ", about %s", time);
	if (ev->unknown)
		str_printf(&s, ", %zu never built before", ev->unknown);
	str_printf(&s, ", %s of disk", disk);
	line(ui, ui->paint->dim, "ahead", NULL, s.buf);
}

static void plain_event(struct sink *self, const struct event *ev)
{
	struct ui_plain *ui = (struct ui_plain *)self;
	char *took cleanup_free = NULL;

	switch (ev->type) {
	case EVENT_RUN_START:
		ui->total = ev->total;
		break;
	case EVENT_ESTIMATE:
		estimate(ui, ev);
		break;
	case EVENT_NODE_START:
		start(ui, ev);
		break;
	case EVENT_NODE_PROGRESS:
		progress(ui, ev);
		break;
	case EVENT_NODE_HIT:
		stop(ui, ev->node);
		break;
	case EVENT_NODE_BUILT:
		took = str_seconds(ev->seconds);
		stop(ui, ev->node);
		line(ui, ui->paint->green, "built", ev->node, took);
		break;
	case EVENT_NODE_FAILED:
		failed(ui, ev);
		break;
	case EVENT_NODE_SKIPPED:
		stop(ui, ev->node);
		line(ui, ui->paint->yellow, "skipped", ev->node, ev->text);
		break;
	case EVENT_WARNING:
		line(ui, ui->paint->yellow, "warning", ev->node, ev->text);
		break;
	case EVENT_NOTE:
		line(ui, ui->paint->dim, "store", ev->node, ev->text);
		break;
	default:
		break;
	}
	heartbeat(ui);
}

struct ui_plain *ui_plain_new(const struct cli *c, const struct graph *g)
{
	struct ui_plain *ui = xcalloc(1, sizeof(*ui));

	ui->sink.event = plain_event;
	ui->paint = paint_for(c, stderr);
	ui->heard = (double)clock_ms() / 1000;
	for (size_t i = 0; i < g->nodes.count; i++) {
		size_t len = strlen(g->nodes.items[i]->name);

		if (g->nodes.items[i]->wanted && len > ui->width && len <= 24)
			ui->width = len;
	}
	return ui;
}

struct sink *ui_plain_sink(struct ui_plain *ui)
{
	return &ui->sink;
}

/* Reads the end of a log: at most TAIL_BYTES, then TAIL_LINES. The result points into S. */
static const char *tail(const char *path, struct str *s)
{
	struct err *err cleanup_err = NULL;
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	const char *p;
	size_t lines = 0;

	if (size < 0 || lseek(fd, size > TAIL_BYTES ? size - TAIL_BYTES : 0, SEEK_SET) < 0)
		return NULL;
	if (fd_read_all(fd, path, 2 * TAIL_BYTES, s, &err))
		return NULL;
	for (p = s->buf + s->len; p > s->buf; p--) {
		if (p[-1] == '\n' && p < s->buf + s->len && ++lines == TAIL_LINES)
			break;
	}
	return p;
}

static void failure(struct ui_plain *ui, const struct node *n, const struct outcome *o)
{
	struct str text cleanup_str = STR_INIT;
	const char *end = o->log_path ? tail(o->log_path, &text) : NULL;
	struct foreign told;

	fprintf(stderr, "\n%s--- %s failed ---%s\n", ui->paint->red, n->name, ui->paint->off);
	told = foreign_begin(stderr);
	if (end)
		print_lines(stderr, "  ", end, (size_t)(text.buf + text.len - end));
	if (o->error)
		print_lines(stderr, "", o->error, strlen(o->error));
	foreign_end(&told);
	if (end)
		fprintf(stderr, "whole log: orch log %s\n", n->name);
}

void ui_plain_failures(struct ui_plain *ui, const struct graph *g, const struct tally *tally)
{
	for (size_t i = 0; i < tally->failed_count; i++)
		failure(ui, g->nodes.items[tally->failed[i]], &tally->nodes[tally->failed[i]]);
}

void ui_plain_free(struct ui_plain *ui)
{
	if (!ui)
		return;
	for (size_t i = 0; i < ui->running_count; i++)
		free(ui->running[i].text);
	free(ui->running);
	free(ui);
}
