/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the option tables say, for editors and for people. */
#include "recipe/recipe.h"

/* The JSON Schema (draft-07) of project.yaml and of recipes of all KINDS (ended by NULL). */
void schema_json(const struct kind *const *kinds, struct str *ret);
/* The part of it that is about one table: the keys of a kind, or of project.yaml. */
void schema_json_keys(const struct schema *schema, struct str *ret);
/* The manual of one kind: summary, text, and every key with type, default, help and example. */
void kind_help(const struct kind *kind, struct str *ret);
/* The same for a table that is no kind's, such as project_schema. */
void schema_help(const struct schema *schema, struct str *ret);
/* Of one key of it, "contents" or "contents.unpack". NULL, or the part of PATH that is unknown. */
const char *schema_help_key(const struct schema *schema, const char *path, struct str *ret);
/* Both as parts of a manual page (base/roff.h). */
void kind_page(const struct kind *kind, struct str *ret);
void schema_page(const struct schema *schema, struct str *ret);
