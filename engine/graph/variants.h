/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One graph of all variants of a project (recipe/variants.h). Each variant is built as a graph of
 * its own first. Nodes of one recipe whose options, files and inputs are the same are one node of
 * the whole: a node is there once for each distinct set of values that it comes to depend on,
 * itself or through what it names. It is called NODE@VALUE..., with a value of each axis that makes
 * a difference to it, in the order of the axes: of the first variant that has it, where several
 * do. Keys and identities know the name before the '@' alone.
 */
#include "graph/graph.h"

/*
 * graph_build() of PROJECT, which KINDS and SETS made, or of all its variants. NULL after errors.
 */
struct graph *graph_build_variants(struct arena *arena, struct project *project,
				   const struct kind *const *kinds, const struct strv *sets,
				   struct err_list *errors);
/*
 * From here on G is about those variants alone that have all of PAIRS: "AXIS=VALUE". ERR_USER when
 * one is unknown, or no variant has them all.
 */
int graph_choose(struct graph *g, const struct strv *pairs, struct err **err) warn_unused;
/*
 * Tells the graphs of the variants what G knows of their nodes: which are wanted, their keys and
 * records. For who looks at devices, of which a variant has its own.
 */
void graph_tell_variants(struct graph *g);
/* Whether N is there in a variant that was chosen; of a graph without any, true. */
bool graph_chosen(const struct graph *g, const struct node *n);
/*
 * Appends to RET the nodes that NAME means: "root" all of that name, "root@pc" those of one value;
 * of the variants chosen. None: there is no such node.
 */
void graph_match(const struct graph *g, const char *name, struct nodes *ret);
