/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind budget. */
#include "recipe/kind.h"

struct budget_opts {
	struct ref *of;
	uint64_t size, files;                     /* bytes; 0: no limit, as the next ones */
	struct list parts, packages, directories; /* of struct pair *: bytes by name */
	struct ref *from, *to;
	uint64_t fetch, write;
};
