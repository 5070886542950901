/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The page of `orch timings --html`: one file that loads nothing. */
#include "cli/timing.h"

/* CRITICAL: by index of t->spans, whether it is on the critical path. TITLE: of the project. */
void timings_html(const struct timing *t, const struct run_info *run, const bool *critical,
		  struct str *ret);
