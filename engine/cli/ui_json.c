/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/ui.h"

#include "base/clock.h"
#include "cli/json.h"

struct ui_json {
	struct sink sink;
	FILE *to;
	uint64_t start; /* clock_ms() */
};

static const char *const names[] = {
	[EVENT_RUN_START] = "run_start",     [EVENT_ESTIMATE] = "estimate",
	[EVENT_NODE_START] = "node_start",   [EVENT_NODE_PROGRESS] = "node_progress",
	[EVENT_NODE_HIT] = "node_hit",       [EVENT_NODE_BUILT] = "node_built",
	[EVENT_NODE_FAILED] = "node_failed", [EVENT_NODE_SKIPPED] = "node_skipped",
	[EVENT_WARNING] = "warning",         [EVENT_NOTE] = "note",
	[EVENT_STOPPING] = "stopping",       [EVENT_RUN_END] = "run_end",
	[EVENT_TRANSFER] = "transfer",
};

/* Seconds with three decimals, so that lines stay short. */
static json_t *seconds(double s)
{
	return json_real((double)(long long)(s * 1000 + 0.5) / 1000);
}

static void add_transfer(json_t *o, const struct event *ev)
{
	json_object_set_new(o, "direction", json_string(ev->up ? "up" : "down"));
	if (ev->text)
		json_object_set_new(o, "output", json_text(ev->text));
	json_object_set_new(o, "moved_bytes", json_integer((json_int_t)ev->bytes));
	json_object_set_new(o, "data_bytes", json_integer((json_int_t)ev->total_bytes));
	json_object_set_new(o, "seconds", seconds(ev->seconds));
	json_object_set_new(o, "state",
			    json_string(ev->done     ? "done"
					: ev->failed ? "failed"
						     : "running"));
}

static void json_event(struct sink *self, const struct event *ev)
{
	struct ui_json *ui = (struct ui_json *)self;
	json_t *o;

	if (ev->type >= array_len(names) || !names[ev->type])
		return;
	o = json_pack("{s:i, s:o, s:s}", "v", 1, "t",
		      seconds((double)(clock_ms() - ui->start) / 1000), "event", names[ev->type]);
	if (ev->node)
		json_object_set_new(o, "node", json_text(ev->node->name));
	if (ev->type == EVENT_RUN_START)
		json_object_set_new(o, "total", json_integer((json_int_t)ev->total));
	if (ev->type == EVENT_ESTIMATE) {
		json_object_set_new(o, "nodes", json_integer((json_int_t)ev->total));
		json_object_set_new(o, "never_built", json_integer((json_int_t)ev->unknown));
		json_object_set_new(o, "estimate_s", seconds(ev->seconds));
		json_object_set_new(o, "disk_bytes", json_integer((json_int_t)ev->bytes));
	}
	if (ev->type == EVENT_TRANSFER)
		add_transfer(o, ev);
	if (ev->type == EVENT_NODE_HIT && ev->shared)
		json_object_set_new(o, "shared", json_true());
	if (ev->type == EVENT_NODE_PROGRESS && ev->percent >= 0)
		json_object_set_new(o, "percent", json_integer(ev->percent));
	if (ev->type == EVENT_NODE_BUILT || ev->type == EVENT_NODE_FAILED)
		json_object_set_new(o, "seconds", seconds(ev->seconds));
	if (ev->text && ev->type != EVENT_TRANSFER)
		json_object_set_new(o,
				    ev->type == EVENT_NODE_START ? "reason"
				    : ev->type == EVENT_NODE_HIT ? "by"
								 : "text",
				    json_text(ev->text));
	if (ev->err)
		json_object_set_new(o, "error", json_err(ev->err));
	if (ev->log_path)
		json_object_set_new(o, "log", json_text(ev->log_path));
	json_print(ui->to, o, true);
	fflush(ui->to);
}

struct ui_json *ui_json_new(FILE *to)
{
	struct ui_json *ui = xcalloc(1, sizeof(*ui));

	ui->sink.event = json_event;
	ui->to = to;
	ui->start = clock_ms();
	return ui;
}

struct sink *ui_json_sink(struct ui_json *ui)
{
	return &ui->sink;
}

void ui_json_free(struct ui_json *ui)
{
	free(ui);
}
