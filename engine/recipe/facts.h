/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Facts: text that a kind tells about a node without building it, from the node's options and the
 * facts of nodes that those name. ${NODE#FACT} stands for one in any scalar of a recipe. It makes
 * no edge: the key of a node holds the text, not what it was computed from.
 *
 * A scalar is expanded when somebody asks for it, and not recipe by recipe: two nodes may use facts
 * of each other as long as no fact needs itself. A kind therefore computes a fact from the scalars
 * of the recipe that this one takes, which it reads by the functions below; its decoded options do
 * not exist yet.
 */
#include "recipe/expand.h"
#include "recipe/recipe.h"

/*
 * RECIPES: name -> struct recipe *, all whose files could be parsed and whose kind is known, with
 * what waits in them (yaml.h) still waiting. It lives as long as the facts, which are in ARENA.
 */
struct facts *facts_new(struct arena *arena, const struct project *project,
			const struct map *recipes);
/* Expands all that waits in TREE. Mistakes go to ERRORS, each once; what they hit is refused. */
void facts_fill(struct facts *f, struct yaml *tree, struct err_list *errors);
/*
 * The value of "NODE#NAME | FILTER...", which stands at POS outside of any recipe, as in ${...};
 * NULL after an error there, or at the place of its cause.
 */
const char *facts_expand(struct facts *f, struct pos pos, const char *text,
			 struct err_list *errors);

/*
 * For kinds, while they compute a fact. NULL and 1 mean that the value is absent, or wrong, which
 * whoever decodes the recipe reports.
 */

/* Where texts may live. */
struct arena *facts_arena(const struct facts *f);
/* The project whose facts they are; for identities. */
const struct project *facts_project(const struct facts *f);
/* The text under KEY of MAP. */
const char *facts_scalar(struct facts *f, const struct yaml *map, const char *key);
/* 0 and the bytes under KEY of MAP. */
int facts_size(struct facts *f, const struct yaml *map, const char *key, uint64_t *ret);
/* MAP, decoded by SCHEMA. */
void *facts_decode(struct facts *f, const struct schema *schema, struct yaml *map);
/* All options of R, for facts that need most of them. */
void *facts_options(struct facts *f, const struct recipe *r);
/* All recipes that could be parsed, by name. */
const struct map *facts_recipes(const struct facts *f);
/* The recipe of NODE, or NULL. */
const struct recipe *facts_recipe(const struct facts *f, const char *node);
/* The fact NAME of the node NODE, as enum fact_result says; RET as there. */
enum fact_result facts_of(struct facts *f, const char *node, const char *name, struct str *ret);
