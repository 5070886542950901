/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind fit. */
#include "recipe/schema.h"

struct fit_opts {
	struct ref *from, *cert, *tools;
	const char *key;
	struct list device_trees; /* of struct ref * */
};

/* What the output is called that is made of REF: the end of its name. */
const char *fit_output_name(const struct ref *ref);
