/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What another machine is sent to make a node: a directory in which orch's own worker
 * (remote/runtime.h) is started, and in which it leaves what it made (run/detached.h).
 *
 *	orch/bin orch/lib  the worker and its libraries; some engines lay a bin/ and lib/ of
 *	                   their own over the directory
 *	job                a job_spec (run/proto.h) whose places are relative to this directory
 *	in/0 in/1/a/b ...  files and directories of the project
 *	in/2 ...           outputs of nodes: in/2 itself, or in/2.parts/ (remote/parts.h)
 *
 *	scratch/downloads/ what the node's pins name (struct action's cache_dir)
 *
 *	out/               made there
 *	scratch/           its work directory and store, which nobody wants back
 */
#include "remote/exec_root.h"
#include "remote/runtime.h"
#include "run/proto.h"

#define ROOT_RUNTIME "orch"
#define ROOT_JOB "job"
#define ROOT_OUT "out"
#define ROOT_SCRATCH "scratch"
#define ROOT_DOWNLOADS ROOT_SCRATCH "/downloads"

struct input_root {
	struct root_entries entries; /* sorted by path, byte order */
	struct strv command;         /* to be run in it */
};

/*
 * Of the attempt that SPEC describes, as this machine's worker is told of it; RUNTIME may be NULL
 * where the other side has it. Strings live in ARENA; input_root_clear() frees the rest.
 * SPEC tells no secret.
 */
int input_root_make(struct arena *arena, const struct job_spec *spec, const struct runtime *runtime,
		    struct input_root *ret, struct err **err) warn_unused;
void input_root_clear(struct input_root *r);
/* Lays it into DIR, which is empty. */
int input_root_write(const struct input_root *r, const char *dir, struct err **err) warn_unused;
