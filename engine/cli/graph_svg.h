/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The picture of `orch graph --format svg`: it loads nothing, and suits light and dark pages. */
#include "base/str.h"
#include "graph/plan.h"

/*
 * Nodes that are wanted, in their order of G. PLAN, by node index, says what would become of each;
 * NULL: the graph alone, coloured by kind, the same whatever was built.
 */
void graph_svg(const struct graph *g, const struct plan_node *const *plan, struct str *ret);
