/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * POSIX extended regular expressions of recipes. Whoever wrote the recipe may mean harm, and they
 * are compiled by `plan` already: libc writes all repetitions out (a few bytes can take all memory
 * of the machine), goes down into groups until the stack ends, and searches for a back-reference in
 * exponential time. So an expression has at most 1000 bytes, 1000 places when its repetitions are
 * written out, groups 20 deep, and no back-references.
 */
#include <regex.h>

#include "recipe/yaml.h"

/* Compiles TEXT; free with regfree(). ERR_USER. */
int regex_compile(const char *text, regex_t *ret, struct err **err) warn_unused;
/* Reports TEXT, the value of KEY, if it is no regular expression. NULL is fine. */
void regex_check(const struct yaml *map, const char *key, const char *text,
		 struct err_list *errors);
