/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `units:` of a recipe: does what systemctl enable, disable and mask do, in a tree.
 */
#include "media/tree/tree.h"
#include "recipe/schema.h"

struct units {
	struct pos pos;                    /* OPT_PLACED */
	struct list enable, disable, mask; /* of const char * */
};
extern const struct schema units_schema;

int units_apply(struct tree *t, const struct units *u, struct err **err) warn_unused;
