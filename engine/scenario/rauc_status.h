/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The JSON of `rauc status --detailed`, which comes from the guest and may be anything. */
#include <jansson.h>

/* What it says for KEY of the verb `rauc`: booted, primary or a boot name; NULL: nothing. */
const char *rauc_status_value(const json_t *root, const char *key);
