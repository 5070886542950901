/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * From a JOB to the struct action that a maker's run() sees. Its manifest (graph/manifest.h) says
 * what every input is and where it lies.
 */
#include "run/action.h"
#include "run/proto.h"

/*
 * Fills *ret; everything lives in ARENA and in SPEC, which must live as long. ret->worker is left
 * to the caller. Whatever does not fit is ERR_INTERNAL: orchestrator and worker are the same
 * program.
 */
int action_decode(struct arena *arena, const struct job_spec *spec,
		  const struct maker *const *makers, struct action *ret,
		  struct err **err) warn_unused;
