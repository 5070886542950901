/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What can be known wrong in a whole project without building it, beyond what graph_build()
 * refuses. */
#include "graph/graph.h"

/* Adds to ERRORS what would fail or ship broken, and to WARNINGS what works but should not stay so.
 */
void graph_check(struct graph *g, struct err_list *errors, struct err_list *warnings);
