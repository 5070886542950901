/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What a run had of shared caches and farms, as text and as JSON. */
#include "cli/json.h"
#include "run/sched.h"

/* Nothing is said of what there was not. */
bool remote_sums_any(const struct remote_sums *s);
/* ", 3 from the shared cache (1.2 MiB fetched), 2 made on a farm", appended to TO. */
void remote_sums_text(const struct remote_sums *s, struct str *to);
/* The caller's. */
json_t *remote_sums_json(const struct remote_sums *s);
/* From what remote_sums_json() made; all zero when it is something else. */
void remote_sums_read(json_t *o, struct remote_sums *ret);
