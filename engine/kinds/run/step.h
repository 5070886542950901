/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The steps of a recipe (struct step) as programs of a sandbox. Scripts are written to a directory
 * that the sandbox sees as INSIDE; what a failed step says names its place and number:
 *
 *	struct steps s = {.a = a, .list = &o->steps, .dir = scripts, .inside = "/run/orch"};
 *	step_write_all(&s, err);
 *	for each i:
 *		step_begin(&s, i, &argv, err);
 *		... run ARGV there ...
 *		step_check(&s, i, status, err);
 *
 * and a shell, where the steps run and each is there as INSIDE/step-N, so that it can be run by
 * hand: sh -e /run/orch/step-2
 */
#include "machine/sandbox/sandbox.h"
#include "run/action.h"

struct steps {
	struct action *a;
	const struct list *list; /* of struct step * */
	const char *dir;         /* on this machine */
	const char *inside;
};

/* Leaves a note in the work directory that step I (from 0) runs, for a shell after a failure. */
int step_note(struct action *a, size_t i, struct err **err) warn_unused;
/* The number of the step that ran (from 1) when KEPT, a work directory, was left; 0: none. */
size_t step_noted(const char *kept);
/* Writes all steps to the directory, before it is shown to a sandbox or guest. */
int step_write_all(const struct steps *s, struct err **err) warn_unused;
/* Appends the program of step I (from 0) to ARGV, tells that it runs and leaves a note of it. */
int step_begin(const struct steps *s, size_t i, struct strv *argv, struct err **err) warn_unused;
/*
 * 0, or ERR_BUILD: "recipes/u-boot.yaml:5: step 2 of 3 failed: exited with 1". What shells say by a
 * status of 126 and more is told in words.
 */
int step_check(const struct steps *s, size_t i, int status, struct err **err) warn_unused;
/* Puts that place before *err; -1. */
int step_wrap(const struct steps *s, size_t i, struct err **err);

/*
 * Says where a shell stands: where a step failed; else before all steps, with a PLACE ("directory")
 * of its own; without a list of steps in what the node made.
 */
void step_tell_place(const struct steps *s, const struct shell_request *q, const char *place);
/*
 * Runs a shell in BOX, whose environment is ENV; says where it stands first. Without a list of
 * steps that is what the node made.
 */
int step_shell(const struct steps *s, const struct shell_request *q, struct sandbox_opts *box,
	       struct strv *env, int *ret_status, struct err **err) warn_unused;
