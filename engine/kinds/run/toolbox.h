/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The tree of an option `tools:`: programs that orch itself runs for a node, out of that tree and
 * in the sandbox. They see the tree, which nothing can change, and what is bound into it.
 *
 *	struct toolbox box;
 *	const struct sandbox_bind binds[] = {{path, "/image", true}};
 *	if (toolbox_open(a, o->tools, &box, err) < 0 ||
 *	    toolbox_run(&box, &argv, binds, array_len(binds), NULL, 0, err) < 0)
 *		return -1;
 */
#include "base/vec.h"
#include "machine/sandbox/sandbox.h"
#include "run/action.h"

struct toolbox {
	struct action *a;
	const char *root, *arch, *emulator; /* of the action's arena, as in struct sandbox_opts */
	int in;                             /* stdin of the programs; 0: nothing */
	bool as_root;                       /* they take themselves for root */
	uint64_t newest; /* SOURCE_DATE_EPOCH of the programs; 0: the action's epoch */
};

/* Unpacks TOOLS where the store has it not yet; ERR_ENV when nothing here runs its programs. */
int toolbox_open(struct action *a, const struct ref *tools, struct toolbox *ret,
		 struct err **err) warn_unused;
/*
 * Runs ARGV, which must end well. CWD: inside; NULL: /. OUT: gets what it prints on stdout; 0: the
 * log gets it.
 */
int toolbox_run(const struct toolbox *b, struct strv *argv, const struct sandbox_bind *binds,
		size_t count, const char *cwd, int out, struct err **err) warn_unused;
