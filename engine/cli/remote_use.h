/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* How a command uses shared caches: what its options and the user's configuration say together. */
#include "cli/cli.h"
#include "kinds/user_config.h"
#include "run/sched.h"

/*
 * 0 and *RET; 1 no cache is asked: none is configured, or --offline or `mode: off` says so.
 * E_USAGE: options that contradict each other, or ask for a cache where none is.
 */
int remote_use_of(const struct cli *c, const struct user_config *config, struct arena *arena,
		  struct remote_use *ret, struct err **err) warn_unused;
