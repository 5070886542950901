/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The graph: nodes and the edges that typed references make. Built once, read by plan, scheduler,
 * why and dot. Everything lives in one arena.
 */
#include "graph/secrets.h"
#include "recipe/recipe.h"
#include "store/store.h"

enum node_state {
	NODE_WAITING,  /* nblock > 0 */
	NODE_ASKED,    /* a shared cache is asked for it */
	NODE_FETCHING, /* bytes of its inputs come from there */
	NODE_READY,    /* all inputs settled */
	NODE_HIT,      /* the store has it */
	NODE_RUNNING,
	NODE_BUILT,
	NODE_FAILED,
	NODE_SKIPPED, /* an input failed */
};

struct node;
DEFINE_VEC(nodes, struct node *)

/* The ref_text of an input that is a fact of the node itself; no reference can be written so. */
#define EDGE_FACT "{fact}"

/*
 * One input of a node, or a value that it waits for. One of from and path is set; neither in an
 * EDGE_FACT.
 */
struct edge {
	const char *ref_text; /* as written; unique within the node */
	enum ref_type type;
	struct node *from;  /* for REF_NODE, REF_OUTPUT, REF_INSIDE */
	const char *output; /* REF_OUTPUT, REF_INSIDE: output name of from */
	const char *inside; /* REF_INSIDE */
	const char *path;   /* REF_PATH: project path */
	const char *filled; /* text of a template when it is filled, or of a fact; else NULL */
	const struct value_text *waits; /* FILLED with the names of values in it, or NULL */
	struct digest raw;              /* of a template before it was filled */
	bool value;       /* REF_OUTPUT: its text alone is taken; it is no input (graph/values.h) */
	const char *text; /* of a value, when it is known */
	struct pos pos;   /* of the first mention */
	bool signer;      /* ACCEPT_SIGNER: from's secrets may be used */
	bool keep_git;    /* .git of a directory counts, too */
};
DEFINE_VEC(edges, struct edge)

struct node {
	const char *name; /* with the @VALUES of variants (variants.h) */
	size_t index;     /* in graph.nodes; names ascend */
	struct recipe *recipe;
	struct edges in;    /* sorted by ref_text, the values after all inputs */
	struct nodes users; /* distinct nodes that wait for this one */
	const char *lock;   /* project path of what pins it (kind.h), or NULL */
	struct output_specs outputs;
	uint64_t lock_date;     /* seconds; the newest of the locks that it reaches; 0: none */
	bool wanted;            /* reached from the targets */
	bool target;            /* named as a target */
	const bool *in_variant; /* of graph.variants, by number; NULL: there are none */
	struct node *whole;     /* of a node of graph.variants: what it is a copy of; else NULL */
	const char *lacks;      /* what is missing before it can be built, or NULL: plan_make() */
	/* the run's state; changed by one function, node_set_state() of the scheduler */
	enum node_state state;
	size_t nblock;     /* distinct unsettled wanted inputs; 0 after graph_build() */
	struct digest key; /* valid when manifest is set */
	const char *manifest;
	const char *lock_text;     /* that the manifest was made of */
	struct record *record;     /* of HIT and BUILT */
	double estimate;           /* seconds it is going to take: plan_estimate() */
	bool guessed;              /* that is no measure of this node */
	const char *estimate_from; /* root of another checkout that measured it, or NULL */
	double critical; /* longest path from here to a target, seconds, itself included */
};

struct graph {
	struct arena *arena;
	struct project *project;
	struct nodes nodes; /* all nodes, names ascend */
	struct map by_name;
	struct nodes order;      /* topological: inputs before users */
	struct secrets secrets;  /* what no input may hold */
	struct graph **variants; /* each by itself (variants.h) */
	size_t variant_count;    /* 0: the project has none */
	bool *chosen;            /* variants that commands are about; by number */
};

/*
 * Resolves every reference. Unknown nodes (with a suggestion), a name that is both node and path, a
 * missing path, an output a node does not have, a wrong type, and cycles ("a -> b -> a") are added
 * to ERRORS with the position of the reference. NULL if there was any.
 */
struct graph *graph_build(struct arena *arena, struct project *project, struct err_list *errors);
struct node *graph_node(const struct graph *g, const char *name);
/*
 * The node that TEXT means, which names none: it is written as a path of its recipe, in other case,
 * without the directory of recipes/ that it is in, or is spelt most alike. NULL: none.
 */
const char *graph_near(const struct graph *g, const char *text);
/*
 * The output that TEXT means, as a recipe names it ("node:output"): written as a path in out/, or
 * with another sign between the two. NULL: none. Heap.
 */
char *graph_near_output(const struct graph *g, const char *text);
/*
 * The edge by which N has the input REF of its options; NULL: none, or REF is. Its node may be
 * called otherwise than REF names it: with the @VALUES of variants.
 */
const struct edge *node_edge(const struct node *n, const struct ref *ref);
/* What the hooks of the node's kind are given. */
struct kind_ctx node_ctx(const struct graph *g, const struct node *n);
/* What one attempt at the node takes. */
struct demand node_demand(const struct node *n);
/* Adds to ERRORS the files that the node needs, that are no part of the project, and not there. */
void node_missing(const struct graph *g, const struct node *n, struct err_list *errors);
/* Marks the nodes reached from TARGETS (none: project defaults; none of those: all). ERR_USER. */
int graph_select(struct graph *g, const struct strv *targets, struct err **err) warn_unused;
