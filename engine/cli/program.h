/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The programs of orch, see cli.h. The worker lies beside orch, as in a build directory, or in
 * libexec, as installed; nothing in the environment or in a project says where.
 */
#include "base/err.h"

/* Names the build: equal in both programs of one, and in no others. Made by meson.build. */
extern const char build_id[];

/* The path of orch-worker; caller frees. ERR_ENV when it is not there. */
char *program_worker(struct err **err) warn_unused;
/* The path of orch, for orch-worker; caller frees. */
char *program_orch(struct err **err) warn_unused;
/* The path of orch-launcher (launcher.c), which lies where the worker does; caller frees. */
char *program_launcher(struct err **err) warn_unused;
/* Becomes orch-worker, with the arguments of orch. Returns only with an error. */
void program_hand_over(char **argv, struct err **err);
/*
 * The JSON Schema of recipes, as a file that editors can be shown: beside orch in a build
 * directory, in share/orch when installed. Caller frees; NULL when there is none.
 */
char *program_schema(void);
