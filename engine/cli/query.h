/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the files of orch query share; orch-worker has 'owner', orch the rest. */
#include "cli/session.h"

/*
 * E_USAGE, naming all verbs, unless the first argument is VERB and there are COUNT of them, which
 * are called USAGE after it.
 */
int query_check(const struct cli *c, const char *verb, size_t count, const char *usage,
		struct err **err) warn_unused;
/* Which nodes depend on one, directly and by way of others. Returns the exit code. */
int query_rdeps(struct cli *c);
