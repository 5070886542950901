/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `variants:` of project.yaml: axes, each of named sets of variables.
 *
 *	variants:
 *	  board:   {rpi400: {arch: arm64, dtb: bcm2711-rpi-400}, pc: {arch: amd64}}
 *	  flavour: {release: {}, dev: {debug: "yes"}}
 *	  exclude: [{board: pc, flavour: dev}]
 *
 * A variant is one value of each axis. In it a project is one like any other: the variables of the
 * values are put over those of 'vars', and each axis is a variable, too, whose text is the name of
 * the value. Which nodes are the same in several variants is the graph's work (graph/variants.h).
 */
#include "recipe/schema.h"

#define VARIANTS_MAX 1000

struct axis {
	const char *name;
	struct list values; /* of const char * */
};

struct variant {
	const char *const *values;       /* one of each axis, in their order */
	const struct yaml *const *names; /* the same, as they are written */
	const struct yaml *const *sets;  /* the variables of each: maps */
};

struct variants {
	struct list axes; /* of struct axis *; none: the project has no variants */
	struct list
		all; /* of struct variant *: that are not excluded, the last axis changes first */
};

/*
 * Takes `variants` out of PROJECT, the map of project.yaml, and decodes it. All mistakes go to
 * ERRORS; RET then has what is sound. Everything lives in ARENA.
 */
void variants_take(struct arena *arena, struct yaml *project, struct variants *ret,
		   struct err_list *errors);
/* The axis that has VALUE, its index; -1: none. */
int variants_axis_of(const struct variants *v, const char *value);
