/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Values of outputs in texts of a node (recipe/value.h). Each makes an edge like an input, so that
 * all who walk the graph see it; but the node's manifest has the text alone, wherever it was put
 * in: when the node that a value comes from is built again to the same line, nothing else is.
 */
#include "graph/graph.h"

/* The edge of a value, by which it is known: "${NODE:OUTPUT}". */
const char *values_edge_name(struct arena *arena, const struct value_ref *ref);
/*
 * Puts its values into the texts of N, all of whose inputs are settled: options, and templates.
 * ERR_USER at the place of the reference for what is no value, or does not suit the option;
 * ERR_STORE for a blob that is damaged.
 */
int values_fill(struct graph *g, struct node *n, struct store *s, struct err **err) warn_unused;
/* The first value of N, all of whose inputs are settled, whose bytes are elsewhere; or NULL. */
const struct edge *values_absent(const struct node *n, const struct store *s);
/*
 * After ERR_STORE: drops what is damaged of the outputs that N takes values from, so that it is
 * made again. 1: nothing is.
 */
int values_drop_damaged(const struct node *n, struct store *s, struct err **err) warn_unused;
