/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Places for the nodes of a graph without cycles, in layers from left to right, and lines between
 * them: each node right of what it needs (longest path) and next to what it is joined with
 * (barycentres of its neighbours, as Sugiyama has it); lines pass other layers beside their nodes.
 *
 *	struct layers l cleanup_layers = {0};
 *	a = layers_node(&l, 90, 40);            // in topological order
 *	layers_edge(&l, a, b);                  // in the order of B
 *	layers_place(&l);                       // l.nodes.items[a].x, ...
 *
 * Equal graphs get equal places.
 */
#include <stdbool.h>

#include "base/vec.h"

DEFINE_VEC(indexes, size_t)

struct layers_node {
	double width, height;
	double x, y;  /* of its centre; all from 0 on */
	bool bend;    /* no node: where a line passes a layer, as wide as that is */
	size_t layer; /* from the left */
	struct indexes in, out;
	double wish; /* private: of the current sweep */
};
DEFINE_VEC(layers_nodes, struct layers_node)

/* A line: the first node, bends, the last node. */
struct layers_line {
	struct indexes path;
};
DEFINE_VEC(layers_lines, struct layers_line)

struct layers {
	struct layers_nodes nodes; /* those added, then bends */
	struct layers_lines lines; /* as added */
	struct indexes *layer;     /* of each layer, from the top */
	size_t layer_count;
	double width, height; /* of all */
};

size_t layers_node(struct layers *l, double width, double height);
void layers_edge(struct layers *l, size_t from, size_t to);
void layers_place(struct layers *l);
void layers_clear(struct layers *l);
#define cleanup_layers __attribute__((cleanup(layers_clear)))
