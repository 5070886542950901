/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What kind run does, for kinds whose nodes are steps that orch itself writes. */
#include "kinds/run/run_opts.h"
#include "run/action.h"

/*
 * Lays out the inputs of O, runs its steps, takes its outputs. References of O are of A's options.
 * The working directory is "work" below that of A, also after a failure.
 */
int run_by(struct action *a, const struct run_opts *o, struct err **err) warn_unused;
/* A shell where the steps run, as of struct maker. */
int run_shell_by(struct action *a, const struct run_opts *o, const struct shell_request *q,
		 int *ret_status, struct err **err) warn_unused;
