/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * ${name}, ${node#fact} and ${node:output} inside scalar values, after parsing: a value can never
 * change the structure of a file. "$${" stands for a literal "${"; any other "$" is itself. An
 * unknown name is an error. What takes its place is not expanded again, except that vars may use
 * other vars, the project's name and its version.
 *
 * Names have values as soon as project.yaml is read. Facts have theirs when all recipes are
 * (facts.h), so that a scalar with a fact waits: it is expanded as a whole by expand_waiting().
 * Outputs have theirs when they are built: ${node:output} stays in the text, and the scalar's
 * values (value.h) say where; whether a key can wait for them is up to its row (schema.h).
 */
#include <stdbool.h>

#include "base/map.h"
#include "base/vec.h"
#include "recipe/variants.h"
#include "recipe/yaml.h"

/* Where the text of a file is, to point at a name inside a value; len 0: unknown. */
struct source {
	const char *text;
	size_t len;
};

/* What names mean in a file (name -> const char *), and its text. */
struct scope {
	const struct map *vars;
	struct source source;
	const char *variant; /* "pc, dev"; NULL: the project has none */
	bool no_nodes; /* project.yaml is read before any node is known: their texts are errors */
	const char *remedy; /* for an unknown name; NULL: that of a project's variables */
};

/* A fact as it stands in a scalar: ${NODE#NAME}. */
struct fact_ref {
	struct pos pos;
	const char *node, *name;
};
/* The text of the fact, or NULL after an error, which has been reported. */
typedef const char *fact_text_fn(void *arg, const struct fact_ref *ref);

/*
 * Replaces names in all scalars of TREE, not in keys. A scalar with a fact is left as it is, and
 * waits with SCOPE, which then must live as long as TREE does. Whether any waits.
 */
bool expand_tree(struct arena *arena, const struct scope *scope, struct yaml *tree,
		 struct err_list *errors);
/* Whether SOURCE can have facts at all; scopes of files without need not be kept. */
bool expand_has_facts(struct source source);
/*
 * Expands the scalar Y, which waits: names by its scope, facts by FN, each with what stands after
 * it: "| sectors" divides by 512, "| hex" writes a number as 0x1f. It waits no longer; after an
 * error it is refused.
 */
void expand_waiting(struct arena *arena, struct yaml *y, fact_text_fn *fn, void *arg,
		    struct err_list *errors);
/*
 * Puts the entries of 'vars' of PROJECT (the map of project.yaml), project.name and project.version
 * into RET, each expanded with the others; what variant V of VARIANTS (NULL: none) has is put over
 * vars, SETS ("name=value") over all. A loop is an error. The values of 'name' and 'version' in
 * PROJECT become what they expand to.
 */
void expand_vars(struct arena *arena, const struct yaml *project, const struct variants *variants,
		 const struct variant *v, const struct strv *sets, struct source source,
		 struct map *ret, struct err_list *errors);
