/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A graph made by hand for scheduler tests, with its own manifest_make() and friends, and one kind,
 * "fake", that does what its option says:
 *
 *	ok          writes its text and those of its inputs to "out.txt"; appends its name to "ran"
 *	slow        the same after a second
 *	drift       the same, and "!" when there is a file "ran.other", which is in no key
 *	fail, env   an error of class BUILD, ENV
 *	crash       SIGSEGV
 *	hang        leaves a daemon (double fork, new session) and sleeps for ever
 *	daemon      leaves a daemon that would change the output later, and succeeds
 *	flood       prints 70 MiB, then fails
 *	missing     writes no output
 *	link        makes the output a symbolic link
 *	hardlink    makes the output a hard link to another file
 *	secret      writes the names of the secrets it was told
 *
 * All other words are for the fake worker (fake-worker.c).
 */
#include "graph/plan.h"
#include "run/sched.h"

struct fake_opts {
	const char *act, *text, *ran;
	struct list from;
	const char *secret;
	int64_t timeout, memory;
};

extern const struct maker *const fake_makers[];
/* Whether a daemon that a node of this test left behind still runs. */
bool fake_daemon_alive(void);

struct fake {
	struct arena *arena;
	struct graph graph;
	struct project project;
	char *dir; /* scratch: store/, ran */
	struct store *store;
	unsigned rechecks; /* how many of the next manifest_recheck() say "changed" */
};
extern struct fake fake;

void fake_open(void);
void fake_close(void);
/* Empties the graph, keeps the store. */
void fake_new_graph(void);
/*
 * Adds a wanted node that does ACT; FROM are names of nodes that were added before, ended by NULL.
 */
struct node *fake_node(const char *name, const char *act, ...) __attribute__((sentinel));
static inline struct fake_opts *fake_opts_of(struct node *n)
{
	return n->recipe->opts;
}
/* What was appended to "ran"; caller frees. */
char *fake_ran(void);
/* A new graph of "a", "b" made of it, and "c" made of both. */
void fake_chain(void);
/* The blob of the node's only output, and what is in it; caller frees. */
char *fake_output_path(const struct node *n);
char *fake_output(const struct node *n);
/* Gives that blob other bytes, and the same size and times. */
void fake_flip(const struct node *n);
