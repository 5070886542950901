/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The ready queue: a heap of nodes, longest critical path first, then by name, so that equal runs
 * start nodes in the same order. A zeroed struct is an empty queue.
 */
#include "graph/graph.h"

struct queue {
	struct nodes heap;
};

void queue_push(struct queue *q, struct node *n);
/* The best node, removed; NULL when empty. */
struct node *queue_pop(struct queue *q);
void queue_clear(struct queue *q);
