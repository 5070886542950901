/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Which nodes wait for which, and in what order they can be settled. For who makes a graph. */
#include "graph/graph.h"

/*
 * Fills users, and the order, from the edges of G's nodes, whose indexes are right. Nodes on or
 * after a cycle are left out of the order, and their nblock is not 0.
 */
void graph_order(struct graph *g);
