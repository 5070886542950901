/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/timing.h"

#include "base/clock.h"
#include "cli/json.h"
#include "cli/remote_sums.h"

/* ---- recording ---- */

static double now(const struct timing *t)
{
	return (double)(clock_ms() - t->start_ms) / 1000;
}

static struct span *open_span(struct timing *t, const char *node)
{
	for (size_t i = t->spans.count; i-- > 0;) {
		if (!t->spans.items[i].status && str_eq(t->spans.items[i].node, node))
			return &t->spans.items[i];
	}
	return NULL;
}

static unsigned free_lane(const struct timing *t)
{
	for (unsigned lane = 0;; lane++) {
		bool used = false;

		for (size_t i = 0; i < t->spans.count; i++)
			used |= !t->spans.items[i].status && t->spans.items[i].lane == lane;
		if (!used)
			return lane;
	}
}

static const char *last_input(const struct timing *t, const struct node *n)
{
	const struct node *last = NULL;

	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (from && t->ended[from->index] > (last ? t->ended[last->index] : 0))
			last = from;
	}
	return last ? last->name : NULL;
}

static void begin(struct timing *t, const struct node *n)
{
	const struct span span = {.node = n->name,
				  .kind = n->recipe->kind->name,
				  .after = last_input(t, n),
				  .began = now(t),
				  .lane = free_lane(t)};

	spans_push(&t->spans, span);
}

static void end(struct timing *t, const struct node *n, const char *status)
{
	struct span *span = open_span(t, n->name);

	if (!span)
		return;
	span->status = status;
	span->ended = t->ended[n->index] = now(t);
}

static void hear(struct sink *self, const struct event *ev)
{
	struct timing *t = (struct timing *)self;

	switch (ev->type) {
	case EVENT_ESTIMATE:
		t->jobs = ev->jobs;
		break;
	case EVENT_NODE_START:
		begin(t, ev->node);
		break;
	case EVENT_NODE_HIT:
		end(t, ev->node, "cached");
		break;
	case EVENT_NODE_BUILT:
		end(t, ev->node, "built");
		break;
	case EVENT_NODE_FAILED:
		end(t, ev->node, "failed");
		break;
	default:
		break;
	}
}

void timing_open(struct timing *t, const struct graph *g, struct arena *arena)
{
	*t = (struct timing){{hear}, arena, g, clock_ms()};
	t->ended = xcalloc(g->nodes.count + 1, sizeof(*t->ended));
}

void timing_close(struct timing *t)
{
	free(t->ended);
	spans_clear(&t->spans);
	spareds_clear(&t->spared);
}

/* ---- keeping ---- */

static char *note_name(int64_t run)
{
	return xasprintf("timings/%lld", (long long)run);
}

static json_t *spans_array(const struct timing *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->spans.count; i++) {
		const struct span *s = &t->spans.items[i];

		json_array_append_new(
			array,
			json_pack("{s:o, s:s, s:s, s:o, s:f, s:f, s:i}", "node", json_text(s->node),
				  "kind", s->kind, "status", s->status ? s->status : "stopped",
				  "after", json_text(s->after), "began", s->began, "ended",
				  s->status ? s->ended : now(t), "lane", (int)s->lane));
	}
	return array;
}

static bool has_run(const struct timing *t, const struct node *n)
{
	for (size_t i = 0; i < t->spans.count; i++) {
		if (str_eq(t->spans.items[i].node, n->name))
			return true;
	}
	return false;
}

static json_t *spared_array(const struct timing *t)
{
	json_t *array = json_array();

	for (size_t i = 0; i < t->graph->nodes.count; i++) {
		const struct node *n = t->graph->nodes.items[i];

		if (n->state == NODE_HIT && n->record && !has_run(t, n))
			json_array_append_new(array, json_pack("{s:o, s:s, s:f}", "node",
							       json_text(n->name), "kind",
							       n->recipe->kind->name, "seconds",
							       n->record->seconds));
	}
	return array;
}

int timing_keep(struct timing *t, struct store *s, int64_t run, struct err **err)
{
	json_t *o = json_pack("{s:i, s:i, s:o, s:o, s:o}", "v", 1, "jobs", (int)t->jobs, "spans",
			      spans_array(t), "cached", spared_array(t), "remote",
			      remote_sums_json(&t->remote));
	char *name cleanup_free = note_name(run), *dump = json_dumps(o, JSON_COMPACT);
	struct str text cleanup_str = STR_INIT;

	str_append(&text, dump ? dump : "");
	free(dump);
	json_decref(o);
	return store_note_put(s, name, &text, err);
}

/* ---- reading ---- */

static void load_span(struct timing *t, json_t *o)
{
	struct span *s = spans_at_end(&t->spans);
	int lane = 0;

	s->after = json_string_value(json_object_get(o, "after"));
	if (json_unpack(o, "{s:s, s:s, s:s, s:f, s:f, s:i}", "node", &s->node, "kind", &s->kind,
			"status", &s->status, "began", &s->began, "ended", &s->ended, "lane",
			&lane) ||
	    lane < 0 || s->ended < s->began)
		t->spans.count--;
	else
		s->lane = (unsigned)lane;
}

static void load_spared(struct timing *t, json_t *o)
{
	struct spared *s = spareds_at_end(&t->spared);

	if (json_unpack(o, "{s:s, s:s, s:f}", "node", &s->node, "kind", &s->kind, "seconds",
			&s->seconds))
		t->spared.count--;
}

static void let_go(void *o)
{
	json_decref(o);
}

int timing_load(struct store *s, int64_t run, struct arena *arena, struct timing *ret,
		struct err **err)
{
	char *name cleanup_free = note_name(run);
	struct str text cleanup_str = STR_INIT;
	int rc = store_note_get(s, name, &text, err), jobs = 0;
	json_t *o, *item;
	size_t i;

	if (rc)
		return rc;
	o = json_loads(text.buf, 0, NULL);
	if (!o)
		return 1;
	arena_defer(arena, let_go, o);
	*ret = (struct timing){.arena = arena};
	(void)!json_unpack(o, "{s:i}", "jobs", &jobs);
	ret->jobs = jobs > 0 ? (unsigned)jobs : 1;
	remote_sums_read(json_object_get(o, "remote"), &ret->remote);
	json_array_foreach(json_object_get(o, "spans"), i, item) load_span(ret, item);
	json_array_foreach(json_object_get(o, "cached"), i, item) load_spared(ret, item);
	return 0;
}
