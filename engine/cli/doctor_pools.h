/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What `orch doctor` says of pools (kinds/package_pool.h): whether directories are there and can be
 * filled. A build that needs none of them works without, so nothing is ever missing.
 */
#include "cli/session.h"
#include "machine/host.h"

/* Adds to RET, nothing where there are no pools; texts live in S's arena. */
void doctor_pools(struct session *s, struct findings *ret);
