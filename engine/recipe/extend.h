/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `extends:` of a recipe: the keys of another node's recipe, or of a YAML file of the project, and
 * its own over them. It makes no edge.
 *
 *	extends: root                       # recipes/root.yaml, whatever its kind
 *	size: 288M                          # replaced, as lists are; maps merge
 *	partitions: {root-a: {from: x}}     # over a list: the things in it, by their `name`
 *	add: {packages: [gdb]}              # at the end of a list
 *	drop: {packages: [nano]}            # out of a list: texts, names of things, whole things
 *	drop: [tested-by]                   # over a map: its keys
 *
 * What is extended may extend in turn. Every value keeps the place where it is written.
 *
 * What names things for ever (UUIDs, hash seeds) derives from the name of the node that is extended
 * in the end, so that a variant differs from it by its content alone, unless `identity:` gives
 * another name.
 */
#include "recipe/expand.h"
#include "recipe/files.h"
#include "recipe/schema.h"

/* The keys that recipes of all kinds have; for manuals. */
extern const struct schema recipe_schema;
/* Their names, ended by NULL; "kind" is the first. */
extern const char *const recipe_keys[];

/* One of the files that a recipe is made of. */
struct layer {
	const char *file;     /* project path */
	const char *node;     /* whose recipe it is; NULL: it is none */
	struct yaml *map;     /* without `extends` */
	struct source source; /* its text; of the last layer that of FILES, until it parses again */
	struct pos extends;   /* where it says what the next one is */
};
DEFINE_VEC(layers, struct layer)

/*
 * Parses the file of a node and those that it extends, one after the other; VARS are for the values
 * of `extends`. 0, or 1 after errors. The caller clears RET in either case.
 */
int layers_read(struct recipe_files *files, const struct map *vars, const struct recipe_file *of,
		struct layers *ret);
/* What is said first under KEY, or NULL. */
struct yaml *layers_get(const struct layers *layers, const char *key);
/*
 * All layers in one map, without the keys that recipes of all kinds have. SCHEMA is of their kind;
 * NULL: not known. Their maps are used up. Mistakes go to ERRORS.
 */
struct yaml *layers_merge(struct arena *arena, struct layers *layers, const struct schema *schema,
			  struct err_list *errors);
/* The name that identities derive from; NODE's own when nothing else is said. */
const char *layers_identity(const struct layers *layers, const char *node, struct err_list *errors);
