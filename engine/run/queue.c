/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/queue.h"

static bool before(const struct node *a, const struct node *b)
{
	if (a->critical != b->critical)
		return a->critical > b->critical;
	return a->index < b->index;
}

static void swap(struct queue *q, size_t i, size_t j)
{
	struct node *n = q->heap.items[i];

	q->heap.items[i] = q->heap.items[j];
	q->heap.items[j] = n;
}

void queue_push(struct queue *q, struct node *n)
{
	size_t i = q->heap.count;

	nodes_push(&q->heap, n);
	for (; i && before(q->heap.items[i], q->heap.items[(i - 1) / 2]); i = (i - 1) / 2)
		swap(q, i, (i - 1) / 2);
}

struct node *queue_pop(struct queue *q)
{
	struct node *top, **v = q->heap.items;
	size_t i = 0, n;

	if (!q->heap.count)
		return NULL;
	top = v[0];
	n = --q->heap.count;
	v[0] = v[n];
	for (;;) {
		size_t best = i, l = 2 * i + 1, r = l + 1;

		if (l < n && before(v[l], v[best]))
			best = l;
		if (r < n && before(v[r], v[best]))
			best = r;
		if (best == i)
			return top;
		swap(q, i, best);
		i = best;
	}
}

void queue_clear(struct queue *q)
{
	nodes_clear(&q->heap);
}
