/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The log of a node that another orch builds now, as it grows.
 */
#include "cli/session.h"

/*
 * Prints what the project's NODE prints, until it ends, and says on stderr what became of it.
 * Waits for it to start while a run goes on that has not come to it yet. Returns 1 when nothing
 * runs that could build it; else 0, and *RET_CODE is the exit code: 0 it was built or was in the
 * store already, 1 it failed, or was stopped.
 *
 * The store is not kept open meanwhile: nobody has to wait for who only looks on.
 */
int log_follow(const struct cli *c, const char *node, int *ret_code, struct err **err) warn_unused;
