/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/ui.h"

#include "cli/paint.h"

static void tee_event(struct sink *self, const struct event *ev)
{
	struct tee *t = (struct tee *)self;

	for (size_t i = 0; i < t->count; i++)
		t->to[i]->event(t->to[i], ev);
}

void tee_init(struct tee *t)
{
	*t = (struct tee){.sink.event = tee_event};
}

void tee_add(struct tee *t, struct sink *to)
{
	if (t->count == TEE_MAX)
		abort();
	t->to[t->count++] = to;
}

static void keep_error(struct outcome *o, const struct err *e)
{
	if (!e)
		return;
	o->error = err_string(e);
	o->code = e->code->name;
	o->text = xstrdup(e->text);
	o->file = e->file ? xstrdup(e->file) : NULL;
	o->line = e->line;
	o->col = e->col;
}

static void tally_event(struct sink *self, const struct event *ev)
{
	struct tally *t = (struct tally *)self;
	struct outcome *o;

	if (!ev->node) /* it is of the run as a whole */
		return;
	o = &t->nodes[ev->node->index];
	switch (ev->type) {
	case EVENT_NODE_HIT:
		if (!o->status) /* else this run has built it, and looked it up again */
			o->status = "cached";
		o->shared = ev->shared;
		break;
	case EVENT_TRANSFER:
		if (ev->done && !ev->up)
			o->fetched += ev->bytes;
		break;
	case EVENT_NODE_BUILT:
		o->status = "built";
		o->log = ev->log;
		o->seconds = ev->seconds;
		break;
	case EVENT_NODE_FAILED:
		o->status = "failed";
		o->log = ev->log;
		o->seconds = ev->seconds;
		keep_error(o, ev->err);
		o->log_path = ev->log_path ? xstrdup(ev->log_path) : NULL;
		t->failed[t->failed_count++] = ev->node->index;
		break;
	case EVENT_NODE_SKIPPED:
		o->status = "skipped";
		o->error = ev->text ? xstrdup(ev->text) : NULL;
		break;
	default:
		break;
	}
}

void tally_init(struct tally *t, const struct graph *g)
{
	*t = (struct tally){.sink.event = tally_event, .count = g->nodes.count};
	t->nodes = xcalloc(t->count, sizeof(*t->nodes));
	t->failed = xcalloc(t->count, sizeof(*t->failed));
}

void tally_release(struct tally *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->nodes[i].error);
		free(t->nodes[i].text);
		free(t->nodes[i].file);
		free(t->nodes[i].log_path);
	}
	free(t->nodes);
	free(t->failed);
}

enum progress ui_mode(const struct cli *c)
{
	if (c->progress == PROGRESS_AUTO)
		/* The terminal of a CI is a log that somebody reads later. */
		return paint_is_terminal(stderr) && ui_ci() == CI_NONE ? PROGRESS_TTY
								       : PROGRESS_PLAIN;
	if (c->progress == PROGRESS_TTY && !paint_is_terminal(stderr))
		return PROGRESS_PLAIN;
	return (enum progress)c->progress;
}
