/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Recipes that make what a configuration of genimage makes, as far as there is a counterpart. */
#include "base/map.h"
#include "cli/genimage_conf.h"

struct genimage {
	const char *file;      /* the configuration's name, for notes */
	struct conf_item conf; /* genimage_parse() */
	struct strv notes;     /* result: "FILE:LINE: what has no counterpart" */
	struct strv names;     /* result: of nodes, and at the same place */
	struct strv recipes;   /* their texts */
};

/* Fills names, recipes and notes of G. Nothing is read but sizes of files below input/. */
void genimage_convert(struct genimage *g);
void genimage_clear(struct genimage *g);
#define cleanup_genimage __attribute__((cleanup(genimage_clear)))
