/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `orch-worker worker --job FILE`: one attempt at one node without an orchestrator, in the current
 * directory, which is what run/input_root.h tells of. Whoever runs it needs to know nothing but the
 * command. It leaves
 *
 *	out/record           frames of run/proto.h: WARNINGs, an OUTPUT for each output, RESULT
 *	out/log              what the node printed; stderr has the same as it comes
 *	out/0 out/1.parts/   the outputs in the order of the job, when RESULT is ok: small files
 *	                     (RESULT_BLOB_MAX) as they are, others in parts (remote/parts.h)
 *	scratch/             what it worked in: whoever gave the directory may remove it
 *
 * and exits with 0, or the exit code of the error that RESULT has. A job that orch has not written
 * so is E_JOB_FILE. Killed by SIGTERM it ends all that it started.
 */
#include "run/sched.h"

/* MAKERS as for worker_main(). Returns the exit code. */
int detached_main(const struct maker *const *makers, const char *file);

/* The worker's process (worker.c); MAKERS is const struct maker *const *. */
void worker_attempt(const void *makers);
