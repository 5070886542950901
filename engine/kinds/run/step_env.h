/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* `env: {NAME: text}` of kinds with steps: variables beside those that orch sets. */
#include "recipe/schema.h"

/* What the row of each kind says. */
#define STEP_ENV_HELP "Variables for the steps, beside those that orch sets."
#define STEP_ENV_EXAMPLE "{MODE: release, ROOTHASH: \"${hash:line}\"}"

/*
 * Every name of ENV (struct pair *) is a name in the sense of POSIX (XBD 3.216), and none that orch
 * sets: PATH, HOME, LC_ALL, TZ and SOURCE_DATE_EPOCH in all kinds, OWN, ended by NULL, in this one;
 * nor does it begin with ORCH_.
 */
void step_env_check(const struct list *env, const char *const *own, struct err_list *errors);
/* Appends "NAME=text" for each. */
void step_env_push(const struct list *env, struct strv *to);
