/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What schema.c and schema_form.c share: both decode. */
#include "recipe/schema.h"

/* What decoding carries along. */
struct decode {
	struct arena *arena;
	struct err_list *errors;
	size_t refused; /* values that had been reported before */
};

/*
 * Decodes MAP by SCHEMA into a new struct; keys in IGNORE (ended by NULL; may be NULL) are somebody
 * else's. NULL when anything is wrong, which is reported.
 */
void *decode_map(struct decode *d, const struct schema *schema, const struct yaml *map,
		 const char *const *ignore);
/* One value of an OPT_FORM row; *FIELD stays as it is when anything is wrong. */
void decode_form(struct decode *d, const struct option *o, const struct yaml *y, void *field);
/* Reports that KEY is none of NAMES, with the nearest. */
void decode_unknown_key(struct decode *d, const struct strs *names, const struct yaml *key);
/* "a list", "a map", "a single value". */
const char *decode_type_name(const struct yaml *y);
