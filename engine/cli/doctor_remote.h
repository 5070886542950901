/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What `orch doctor` says of shared caches and executors: whether they answer, may be written, and
 * whose results count. Nothing of it is needed to build, so nothing is ever missing.
 */
#include "cli/session.h"
#include "machine/host.h"

/* Adds to RET, nothing where no place is configured; texts live in S's arena. */
void doctor_remote(struct session *s, struct findings *ret);
