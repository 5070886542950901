/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* project.yaml: what nodes share. Used by recipe.c only. */
#include "recipe/expand.h"
#include "recipe/recipe.h"

/*
 * Takes the variants first: of those that are not excluded, P is the one of number VARIANT.
 * Fills name, version, times, defaults, archives, ignored rules, slots and vars of P from MAP, the
 * parsed file. Errors go to ERRORS; vars are filled as well as they can be, so that recipes can be
 * looked at, too. FIRST is the project in its first variant, when this is another one; else NULL.
 */
void project_decode(struct arena *arena, struct project *p, struct yaml *map, struct source source,
		    size_t variant, const struct project *first, const struct strv *sets,
		    struct err_list *errors);
