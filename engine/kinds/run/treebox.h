/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Programs that change the tree they run in, as root of it. The tree is laid out as a directory,
 * which becomes the root of a sandbox where everybody is who he should be
 * (machine/sandbox/identity.h); afterwards what has become of it is gathered. Where this machine
 * lets nobody make namespaces, a guest takes its place (step_vm.h), to the same bytes. What a
 * sandbox cannot hold, and that it can trace nobody, goes to a guest as well.
 *
 *	struct treebox_spec spec = {.tree = before, .dir = stage, .env = env, .arch = "arm64"};
 *	treebox_open(a, &spec, &box, err);
 *	treebox_run(box, argv, &status, err);           // as often as it takes
 *	treebox_close(box, after, err);
 *
 * Every run is a sandbox of its own: /tmp, /run, /proc, /dev are fresh, there is no network, and
 * what it started ends with it. Files keep their times; what is made or changed gets the epoch, and
 * so does a directory once something has been put into it. Mount points that the tree lacks are
 * there only while programs run.
 */
#include "machine/sandbox/sandbox.h"
#include "media/tree/tree.h"
#include "run/action.h"

#define TREEBOX_DIR "/run/orch" /* what DIR is called inside */

struct treebox;

struct treebox_spec {
	struct tree *tree;           /* mount points are added to it */
	const char *dir;             /* directory of the host, writable inside */
	char *const *env;            /* all of it, ended by NULL */
	const char *arch, *emulator; /* as in struct sandbox_opts */
	bool nested;                 /* likewise */
	struct sandbox_limits limits;
};

/* What SPEC points to must live until the box is freed; DIR is filled before the first run. */
int treebox_open(struct action *a, const struct treebox_spec *spec, struct treebox **ret,
		 struct err **err) warn_unused;
/* How the command ended is not an error but *ret_status, as of wait(2). */
int treebox_run(struct treebox *b, char *const argv[], int *ret_status,
		struct err **err) warn_unused;
/*
 * For a shell: fills in RET, a sandbox where the next command would run. KEPT: the work directory
 * of an attempt that failed, in whose box it is then; NULL: none.
 */
int treebox_enter(struct treebox *b, const char *kept, struct sandbox_opts *ret,
		  struct err **err) warn_unused;
/* Adds the tree as it is now to RET, whose data stays in the action's work directory. */
int treebox_close(struct treebox *b, struct tree *ret, struct err **err) warn_unused;
void treebox_free(struct treebox *b);
static inline void treebox_freep(struct treebox **b)
{
	treebox_free(*b);
}
#define cleanup_treebox __attribute__((cleanup(treebox_freep)))
