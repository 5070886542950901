/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* SPDX licence expressions (SPDX 2.3, annex D). */
#include <stdbool.h>

#include "base/vec.h"

/* Whether somebody allows the licence ID, "MIT" or "GPL-2.0-only WITH Classpath-exception-2.0". */
typedef bool spdx_allow_fn(void *arg, const char *id);
/*
 * Whether EXPRESSION is allowed: of an OR one side, of an AND both. FN is asked for each licence in
 * it. Those that stand in the way are pushed to REFUSED, each once. What is malformed is refused.
 */
bool spdx_allowed(struct arena *arena, const char *expression, spdx_allow_fn *fn, void *arg,
		  struct strs *refused);
