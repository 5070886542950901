/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The project as a git revision has it: its files in a directory of the store, and their graph.
 * What git ignores and the project of now reads, such as the public parts of development keys, is
 * the same in both.
 */
#include "cli/session.h"

struct revision {
	char *commit;
	bool found;       /* the commit has the project's directory, with a project in it */
	struct session s; /* its directory and graph when it was found; no store */
	char *dir;        /* that is removed */
};

/*
 * REV as git names it, "git:REV", or "REV..." (base/git.h). NOW has its graph and store. Targets
 * that the revision does not have are none of its. Returns 0 or the exit code; mistakes that the
 * recipes had then are told as such.
 */
int revision_open(struct revision *r, const struct session *now, const char *rev);
void revision_close(struct revision *r);
#define cleanup_revision __attribute__((cleanup(revision_close)))
/* Marks those of TARGETS that the graph has, and what they reach; no targets: the defaults. */
int revision_select(struct graph *g, const struct strv *targets, struct err **err) warn_unused;
