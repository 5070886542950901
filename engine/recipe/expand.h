/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * ${name} inside scalar values, after parsing: a value can never change the structure of a file.
 * "$${" stands for a literal "${"; any other "$" is itself. An unknown name is an error. Values are
 * not expanded again, except that vars may use other vars, the project's name and its version.
 */
#include "base/map.h"
#include "base/vec.h"
#include "recipe/yaml.h"

/* Where the text of a file is, to point at a name inside a value; len 0: unknown. */
struct source {
	const char *text;
	size_t len;
};

/* Replaces names (VARS: name -> const char *) in all values of TREE, not in keys. */
void expand_tree(struct arena *arena, const struct map *vars, struct yaml *tree,
		 struct source source, struct err_list *errors);
/*
 * Puts the entries of 'vars' of PROJECT (the map of project.yaml), project.name and project.version
 * into RET, each expanded with the others; SETS ("name=value") override vars. A loop is an error.
 * The values of 'name' and 'version' in PROJECT become what they expand to.
 */
void expand_vars(struct arena *arena, const struct yaml *project, const struct strv *sets,
		 struct source source, struct map *ret, struct err_list *errors);
