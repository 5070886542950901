/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/live.h"

#include <stdio.h>

#include "base/clock.h"
#include "graph/plan.h"

/* So many seconds of guesses have to be off before what was seen outweighs them. */
#define GUESS_WEIGHT_S 5.0
#define NAME_WIDTH_MAX 24

void live_init(struct live *l, const struct graph *g)
{
	*l = (struct live){.graph = g, .began_ms = clock_ms()};
	for (size_t i = 0; i < g->nodes.count; i++) {
		size_t len = strlen(g->nodes.items[i]->name);

		if (g->nodes.items[i]->wanted && len > l->width && len <= NAME_WIDTH_MAX)
			l->width = len;
	}
}

struct live_node *live_find(const struct live *l, const struct node *n)
{
	for (size_t i = 0; i < l->running.count; i++) {
		if (l->running.items[i]->node == n)
			return l->running.items[i];
	}
	return NULL;
}

static void free_node(const struct live *l, struct live_node *n)
{
	if (l->free_own && n->own)
		l->free_own(n->own);
	free(n->text);
	free(n->log_path);
	free(n);
}

/* Its place in the list stays in order. */
static void remove_node(struct live *l, const struct node *node)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->running.count; i++) {
		struct live_node *n = l->running.items[i];

		if (n->node != node) {
			l->running.items[kept++] = n;
			continue;
		}
		l->loaded += n->loaded;
		free_node(l, n);
	}
	l->running.count = kept;
}

static void start(struct live *l, const struct event *ev)
{
	struct live_node *n = xcalloc(1, sizeof(*n));

	remove_node(l, ev->node); /* it runs once more */
	n->node = ev->node;
	n->since_ms = clock_ms();
	n->percent = -1;
	n->log_path = ev->log_path ? xstrdup(ev->log_path) : NULL;
	live_nodes_push(&l->running, n);
}

static void stop(struct live *l, const struct event *ev)
{
	if (ev->type == EVENT_NODE_BUILT && ev->node->guessed) {
		l->guessed += ev->node->estimate;
		l->measured += ev->seconds;
	}
	l->failed += ev->type == EVENT_NODE_FAILED;
	l->done += l->done < l->total; /* a node is told of twice when its result was damaged */
	remove_node(l, ev->node);
}

static void progress(struct live *l, const struct event *ev)
{
	struct live_node *n = live_find(l, ev->node);

	if (!n)
		return;
	n->percent = ev->percent;
	n->loaded = ev->bytes > n->loaded ? ev->bytes : n->loaded;
	if (ev->text) {
		free(n->text);
		n->text = xstrdup(ev->text);
	}
}

/* What comes or goes is shown as what runs is. */
static void transfer(struct live *l, const struct event *ev)
{
	struct event shown = {.node = ev->node, .percent = -1};
	char *moved cleanup_free = str_bytes(ev->bytes);
	char *text cleanup_free = xasprintf("%s%s%s, %s", ev->up ? "storing" : "fetching",
					    ev->up ? "" : " ", ev->up ? "" : ev->text, moved);

	if (ev->done || ev->failed) {
		remove_node(l, ev->node);
		return;
	}
	if (!live_find(l, ev->node))
		start(l, &shown);
	shown.text = text;
	progress(l, &shown);
}

void live_event(struct live *l, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_RUN_START:
		l->total = ev->total;
		l->done = l->failed = 0;
		l->stopping = false;
		break;
	case EVENT_ESTIMATE:
		l->jobs = ev->jobs;
		break;
	case EVENT_STOPPING:
		l->stopping = true;
		break;
	case EVENT_NODE_START:
		start(l, ev);
		break;
	case EVENT_NODE_PROGRESS:
		progress(l, ev);
		break;
	case EVENT_NODE_HIT:
	case EVENT_NODE_BUILT:
	case EVENT_NODE_FAILED:
	case EVENT_NODE_SKIPPED:
		stop(l, ev);
		break;
	case EVENT_TRANSFER:
		transfer(l, ev);
		break;
	default:
		break;
	}
}

double live_seconds(const struct live_node *n)
{
	return (double)(clock_ms() - n->since_ms) / 1000;
}

double live_usual(const struct live *l, const struct node *n, bool *ret_guessed)
{
	*ret_guessed = n->guessed;
	if (!n->guessed)
		return n->estimate;
	return n->estimate * (GUESS_WEIGHT_S + l->measured) / (GUESS_WEIGHT_S + l->guessed);
}

/* What running node N may take still: the later it is, the less is known. */
static double rest_of(const struct live_node *n, double usual)
{
	double spent = live_seconds(n);

	return spent < 0.9 * usual ? usual - spent : spent / 9;
}

double live_left(const struct live *l, bool *ret_guessed)
{
	double *rest cleanup_free = xcalloc(l->graph->nodes.count + 1, sizeof(*rest));

	*ret_guessed = false;
	if (!l->jobs)
		return -1;
	for (size_t i = 0; i < l->graph->nodes.count; i++) {
		const struct node *n = l->graph->nodes.items[i];
		const struct live_node *running = NULL;
		bool guessed;
		double usual;

		if (!n->wanted || (n->state != NODE_RUNNING && n->state > NODE_READY))
			continue;
		usual = live_usual(l, n, &guessed);
		*ret_guessed = *ret_guessed || guessed;
		running = n->state == NODE_RUNNING ? live_find(l, n) : NULL;
		rest[i] = running ? rest_of(running, usual) : usual;
	}
	return plan_left(l->graph, l->jobs, rest);
}

void live_release(struct live *l)
{
	for (size_t i = 0; i < l->running.count; i++)
		free_node(l, l->running.items[i]);
	live_nodes_clear(&l->running);
}

/* ---- lines ---- */

void live_line(const struct live *l, const struct paint *paint, const char *color, const char *word,
	       const struct node *n, const char *text, struct str *ret)
{
	str_printf(ret, "[%*zu/%zu] %s%-7s%s ", l->total > 99 ? 5 : 2, l->done, l->total, color,
		   word, paint->off);
	if (text && *text) {
		str_printf(ret, "%-*s  ", (int)l->width, n ? n->name : "");
		str_escape(ret, text, strlen(text));
	} else {
		str_append(ret, n ? n->name : "");
	}
}

/* What lies ahead, unless it is too little to speak of. */
static void tell_estimate(const struct live *l, const struct paint *paint, const struct event *ev,
			  struct str *ret)
{
	char *time cleanup_free = str_seconds(ev->seconds),
		   *disk cleanup_free = str_bytes(ev->bytes);
	struct str s cleanup_str = STR_INIT;

	if (ev->seconds < 10 && ev->bytes < 64 * 1024 * 1024)
		return;
	str_printf(&s, "%zu node%s at most, %s%s", ev->total, ev->total == 1 ? "" : "s",
		   ev->unknown ? "~" : "about ", time);
	if (ev->unknown)
		str_printf(&s, ", %zu never built before", ev->unknown);
	if (ev->bytes)
		str_printf(&s, ", %s of disk", disk);
	live_line(l, paint, paint->dim, "ahead", NULL, s.buf, ret);
}

static void tell_transfer(const struct live *l, const struct paint *paint, const struct event *ev,
			  struct str *ret)
{
	char *size cleanup_free = str_bytes(ev->bytes), *time cleanup_free = NULL;
	char *text cleanup_free = NULL;

	if (!ev->done)
		return;
	time = str_seconds(ev->seconds);
	text = xasprintf("%s%s%s in %s", ev->up ? "" : ev->text, ev->up ? "" : ", ", size, time);
	live_line(l, paint, paint->dim, ev->up ? "stored" : "fetched", ev->node, text, ret);
}

void live_tell(const struct live *l, const struct paint *paint, const struct event *ev,
	       struct str *ret)
{
	char *text cleanup_free = NULL;

	switch (ev->type) {
	case EVENT_ESTIMATE:
		tell_estimate(l, paint, ev, ret);
		break;
	case EVENT_NODE_START:
		live_line(l, paint, "", "start", ev->node, ev->text, ret);
		break;
	case EVENT_NODE_BUILT:
		text = str_seconds(ev->seconds);
		live_line(l, paint, paint->green, "built", ev->node, text, ret);
		break;
	case EVENT_NODE_FAILED:
		text = ev->err ? err_string(ev->err) : xstrdup("failed");
		live_line(l, paint, paint->red, "failed", ev->node, text, ret);
		break;
	case EVENT_NODE_SKIPPED:
		live_line(l, paint, paint->yellow, "skipped", ev->node, ev->text, ret);
		break;
	case EVENT_WARNING:
		live_line(l, paint, paint->yellow, "warning", ev->node, ev->text, ret);
		break;
	case EVENT_TRANSFER:
		tell_transfer(l, paint, ev, ret);
		break;
	case EVENT_NOTE:
		live_line(l, paint, paint->dim, "store", ev->node, ev->text, ret);
		break;
	default:
		break;
	}
}
