/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What takes room and what grew (media/tree/sizes.h), for people and programs. */
#include "cli/json.h"
#include "media/tree/sizes.h"

/* "+1.5 MiB", "-12 B", "0 B"; caller frees. */
char *size_signed(int64_t bytes);
/* A table by package, where that can be told, and one by directory; an empty line before each. */
void size_tables_print(const struct sizes *z);
/* {"total", "packages", "directories"} */
json_t *size_object(const struct sizes *z);
