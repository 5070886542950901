/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The files of a project that hold its recipes: finding them, reading one. What they say is
 * somebody else's work (recipe.c).
 */
#include "base/str.h"
#include "base/vec.h"
#include "recipe/variants.h"
#include "recipe/yaml.h"

#define PROJECT_FILE "recipes/project.yaml"

struct recipe_file {
	const char *name; /* of the node: "tests/rollback" */
	const char *file; /* "recipes/tests/rollback.yaml" */
	const char *only; /* "@pc" of recipes/root@pc.yaml: of these variants alone; or NULL */
	const struct recipe_file *under; /* that it takes the place of, and may extend; or NULL */
};
DEFINE_VEC(recipe_file_list, struct recipe_file)

struct recipe_files {
	struct arena *arena;           /* of names and trees */
	int dirfd;                     /* the project's root */
	struct err_list *errors;       /* mistakes go here */
	struct recipe_file_list found; /* sorted by name */
	struct strs directories;       /* below the root, while they are read */
	struct str text;               /* of the file that was parsed last */
};

/* Finds all files below recipes/ but project.yaml, sorted by name. */
void recipe_files_find(struct recipe_files *f);
/*
 * Leaves of each node the one file that VARIANT takes: with most of its values in the name. NULL:
 * there are no variants. A value that no axis has is an error.
 */
void recipe_files_choose(struct recipe_files *f, const struct variants *variants,
			 const struct variant *variant);
/* Reads FILE (a path of the project) into f->text and parses it; NULL after errors. */
struct yaml *recipe_files_parse(struct recipe_files *f, const char *file);
void recipe_files_clear(struct recipe_files *f);
