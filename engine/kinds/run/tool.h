/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A program that orch itself runs for a node, on the files of one directory: that of the tree
 * `tools:`, in the sandbox, else this machine's, confined. It sees that directory, which is where
 * it stands, and nothing else of the node, so arguments are names of files in it. It takes itself
 * for root, so that no number of ours gets into what it makes.
 *
 *	struct tool t;
 *	if (tool_open(a, o->tools, &t, err) < 0 || tool_run(&t, a->outdir, &argv, 0, 0, err) < 0)
 *		return -1;
 */
#include "kinds/run/toolbox.h"

struct tool {
	struct action *a;
	bool in_tree;
	struct toolbox box;
};

/* TOOLS: NULL is this machine. */
int tool_open(struct action *a, const struct ref *tools, struct tool *ret,
	      struct err **err) warn_unused;
/* Runs ARGV in DIR, which must end well. IN: its stdin, 0: nothing. OUT: its stdout, 0: the log. */
int tool_run(const struct tool *t, const char *dir, struct strv *argv, int in, int out,
	     struct err **err) warn_unused;
