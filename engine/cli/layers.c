/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/layers.h"

#include <stdlib.h>

#define SWEEPS 24
#define GAP_X 56.0
#define GAP_Y 14.0
#define BEND_HEIGHT 8.0

size_t layers_node(struct layers *l, double width, double height)
{
	struct layers_node *n = layers_nodes_at_end(&l->nodes);

	n->width = width;
	n->height = height;
	return l->nodes.count - 1;
}

void layers_edge(struct layers *l, size_t from, size_t to)
{
	struct layers_line *line = layers_lines_at_end(&l->lines);

	indexes_push(&line->path, from);
	indexes_push(&line->path, to);
}

/* ---- which layer ---- */

/* Edges come in the order of their ends: the layer of a beginning is known by then. */
static void push_right(struct layers *l)
{
	for (size_t i = 0; i < l->lines.count; i++) {
		const size_t *path = l->lines.items[i].path.items;
		size_t least = l->nodes.items[path[0]].layer + 1;

		if (l->nodes.items[path[1]].layer < least)
			l->nodes.items[path[1]].layer = least;
	}
}

/* What needs nothing goes next to what needs it: shorter lines. */
static void pull_sources(struct layers *l)
{
	size_t *first = xcalloc(l->nodes.count + 1, sizeof(*first));
	bool *needs cleanup_free = xcalloc(l->nodes.count + 1, sizeof(*needs));

	for (size_t i = 0; i < l->lines.count; i++) {
		const size_t *path = l->lines.items[i].path.items;
		size_t layer = l->nodes.items[path[1]].layer;

		needs[path[1]] = true;
		if (!first[path[0]] || layer < first[path[0]])
			first[path[0]] = layer;
	}
	for (size_t n = 0; n < l->nodes.count; n++) {
		if (!needs[n] && first[n])
			l->nodes.items[n].layer = first[n] - 1;
	}
	free(first);
}

static void join(struct layers *l, size_t from, size_t to)
{
	indexes_push(&l->nodes.items[from].out, to);
	indexes_push(&l->nodes.items[to].in, from);
}

static void bend_line(struct layers *l, struct layers_line *line)
{
	size_t from = line->path.items[0], to = line->path.items[1], last = from;
	size_t end = l->nodes.items[to].layer;

	line->path.count = 1;
	for (size_t layer = l->nodes.items[from].layer + 1; layer < end; layer++) {
		size_t bend = layers_node(l, 0, BEND_HEIGHT);

		l->nodes.items[bend].bend = true;
		l->nodes.items[bend].layer = layer;
		join(l, last, bend);
		indexes_push(&line->path, bend);
		last = bend;
	}
	join(l, last, to);
	indexes_push(&line->path, to);
}

static void make_layers(struct layers *l)
{
	push_right(l);
	pull_sources(l);
	for (size_t i = 0; i < l->lines.count; i++)
		bend_line(l, &l->lines.items[i]);
	for (size_t i = 0; i < l->nodes.count; i++) {
		if (l->nodes.items[i].layer >= l->layer_count)
			l->layer_count = l->nodes.items[i].layer + 1;
	}
	l->layer = xcalloc(l->layer_count + 1, sizeof(*l->layer));
	for (size_t i = 0; i < l->nodes.count; i++)
		indexes_push(&l->layer[l->nodes.items[i].layer], i);
}

/* ---- in which order ---- */

/* Where N would be, by the neighbours of one side (or both); where it is, without any. */
static double wish(const struct layers *l, const struct layers_node *n, bool in, bool out)
{
	double sum = 0;
	size_t count = 0;

	for (size_t i = 0; in && i < n->in.count; i++, count++)
		sum += l->nodes.items[n->in.items[i]].y;
	for (size_t i = 0; out && i < n->out.count; i++, count++)
		sum += l->nodes.items[n->out.items[i]].y;
	return count ? sum / (double)count : n->y;
}

static int by_wish(const void *a, const void *b, void *arg)
{
	const struct layers *l = arg;
	size_t ia = *(const size_t *)a, ib = *(const size_t *)b;
	double wa = l->nodes.items[ia].wish, wb = l->nodes.items[ib].wish;

	if (wa - wb > 1e-6 || wb - wa > 1e-6)
		return wa < wb ? -1 : 1;
	return ia < ib ? -1 : ia > ib;
}

static double distance(const struct layers *l, size_t above, size_t below)
{
	const struct layers_node *a = &l->nodes.items[above], *b = &l->nodes.items[below];

	return (a->height + b->height) / 2 + (a->bend && b->bend ? GAP_Y / 2 : GAP_Y);
}

/* A run of nodes that touch each other, and the mean of where they would begin. */
struct block {
	size_t first, count;
	double mean;
};

/*
 * Places in the given order, as near to their wishes as the distances allow, by least squares (pool
 * adjacent violators).
 */
static void settle(struct layers *l, const struct indexes *layer)
{
	struct block *blocks = xcalloc(layer->count + 1, sizeof(*blocks));
	double *offset = xcalloc(layer->count + 1, sizeof(*offset));
	size_t count = 0;

	for (size_t i = 0; i < layer->count; i++) {
		struct block *b = &blocks[count++];

		if (i)
			offset[i] =
				offset[i - 1] + distance(l, layer->items[i - 1], layer->items[i]);
		*b = (struct block){i, 1, l->nodes.items[layer->items[i]].wish - offset[i]};
		for (; count > 1 && b[-1].mean > b->mean; count--, b--) {
			size_t both = b[-1].count + b->count;

			b[-1].mean =
				(b[-1].mean * (double)b[-1].count + b->mean * (double)b->count) /
				(double)both;
			b[-1].count = both;
		}
	}
	for (size_t k = 0; k < count; k++) {
		for (size_t i = blocks[k].first; i < blocks[k].first + blocks[k].count; i++)
			l->nodes.items[layer->items[i]].y = blocks[k].mean + offset[i];
	}
	free(blocks);
	free(offset);
}

/* One layer, by its neighbours: ordered again, or only moved. */
static void sweep_layer(struct layers *l, size_t at, bool in, bool out, bool order)
{
	struct indexes *layer = &l->layer[at];

	for (size_t i = 0; i < layer->count; i++) {
		struct layers_node *n = &l->nodes.items[layer->items[i]];

		n->wish = wish(l, n, in, out);
	}
	if (order)
		qsort_r(layer->items, layer->count, sizeof(*layer->items), by_wish, l);
	settle(l, layer);
}

static void sweep(struct layers *l)
{
	for (size_t i = 0; i < l->layer_count; i++)
		sweep_layer(l, i, false, false, false);
	for (unsigned n = 0; n < SWEEPS; n++) {
		bool order = n < SWEEPS * 2 / 3, both = !order;

		for (size_t i = 1; i < l->layer_count; i++)
			sweep_layer(l, i, true, both, order);
		for (size_t i = l->layer_count; i-- > 1;)
			sweep_layer(l, i - 1, both, true, order);
	}
}

/* ---- where ---- */

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static void place_columns(struct layers *l)
{
	double x = 0;

	for (size_t k = 0; k < l->layer_count; k++) {
		double widest = 0;

		for (size_t i = 0; i < l->layer[k].count; i++)
			widest = larger(widest, l->nodes.items[l->layer[k].items[i]].width);
		for (size_t i = 0; i < l->layer[k].count; i++) {
			struct layers_node *n = &l->nodes.items[l->layer[k].items[i]];

			n->x = x + widest / 2;
			n->width = n->bend ? widest : n->width;
		}
		x += widest + GAP_X;
	}
	l->width = larger(x - GAP_X, 0);
}

static void move_to_top(struct layers *l)
{
	double top = 0;

	for (size_t i = 0; i < l->nodes.count; i++) {
		double above = l->nodes.items[i].y - l->nodes.items[i].height / 2;

		top = i && top < above ? top : above;
	}
	for (size_t i = 0; i < l->nodes.count; i++) {
		struct layers_node *n = &l->nodes.items[i];

		n->y -= top;
		l->height = larger(l->height, n->y + n->height / 2);
	}
}

void layers_place(struct layers *l)
{
	make_layers(l);
	sweep(l);
	place_columns(l);
	move_to_top(l);
}

void layers_clear(struct layers *l)
{
	for (size_t i = 0; i < l->nodes.count; i++) {
		indexes_clear(&l->nodes.items[i].in);
		indexes_clear(&l->nodes.items[i].out);
	}
	for (size_t i = 0; i < l->lines.count; i++)
		indexes_clear(&l->lines.items[i].path);
	for (size_t i = 0; i < l->layer_count; i++)
		indexes_clear(&l->layer[i]);
	free(l->layer);
	layers_nodes_clear(&l->nodes);
	layers_lines_clear(&l->lines);
	*l = (struct layers){0};
}
