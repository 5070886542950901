/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The farm that makes nodes in place of this machine: $ORCH_EXECUTOR, else `executor:` of the
 * user's configuration.
 */
#include "cli/cli.h"
#include "kinds/user_config.h"
#include "run/farm.h"

/* No URLs in *RET: there is none, or it is not to be asked. Strings live in ARENA. */
int executor_find(struct arena *arena, const struct cli *c, const struct user_config *config,
		  struct farm *ret, struct err **err) warn_unused;
