/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Templates: files of the project in which
 *
 *	{{NODE#FACT}}		a fact, with "| sectors" and "| hex" as in recipes (expand.h)
 *	{{NODE:OUTPUT}}		a value: it stays as it is until NODE has been built (value.h)
 *	{{project.version}}	the version of the project
 *	{{vars.NAME}}		a variable of project.yaml
 *
 * are replaced, and nothing else has a meaning: ${...} is the shell's and the boot loader's.
 */
#include "recipe/recipe.h"

#define TEMPLATE_MAX_BYTES (1024 * 1024)            /* before it is filled */
#define TEMPLATE_FILLED_MAX_BYTES (4 * 1024 * 1024) /* without the text after the last name */

/*
 * Appends the LEN bytes at TEXT to RET, filled, and to RET_VALUES the values that RET, empty at
 * first, waits for. FILE is the name in positions. Every mistake goes to ERRORS at its place in the
 * template. 0, or 1 after a mistake.
 */
int template_fill(struct arena *arena, const struct project *project, const char *file,
		  const char *text, size_t len, struct str *ret, struct value_refs *ret_values,
		  struct err_list *errors);
