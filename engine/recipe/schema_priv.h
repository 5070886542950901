/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What schema.c, schema_form.c and schema_ref.c share: all decode. */
#include "recipe/schema.h"

/* What decoding carries along. */
struct decode {
	struct arena *arena;
	struct err_list *errors;
	size_t refused;              /* values that had been reported before */
	struct option_text *waiting; /* for values */
};

/*
 * Decodes MAP by SCHEMA into a new struct; keys in IGNORE (ended by NULL; may be NULL) are somebody
 * else's. NULL when anything is wrong, which is reported.
 */
void *decode_map(struct decode *d, const struct schema *schema, const struct yaml *map,
		 const char *const *ignore);
/* One value of an OPT_FORM row; *FIELD stays as it is when anything is wrong. */
void decode_form(struct decode *d, const struct option *o, const struct yaml *y, void *field);
/* One value of an OPT_REF row, or of an entry of an OPT_REFDICT; likewise. */
void decode_ref(struct decode *d, const struct option *o, const struct yaml *y, void *field);
/*
 * Whether Y is a scalar with a text that is known. What it is instead is reported: "'WHAT' is
 * EXPECTED, found a list".
 */
bool decode_given(struct decode *d, const char *what, const char *expected, const struct yaml *y);
/* Whether Y waits for values, which is reported: the graph may depend on it. */
bool decode_refuse_values(struct decode *d, const char *what, const struct yaml *y);
/* WORDS are ended by NULL; may be NULL. */
bool decode_is_one_of(const char *word, const char *const *words);
/* Appends COUNT words with ", " between them. */
void decode_words(struct str *s, const char *const *words, size_t count);
/*
 * Reports that KEY is none of NAMES, with the nearest of them or of MORE (ended by NULL; may be
 * NULL).
 */
void decode_unknown_key(struct decode *d, const struct strs *names, const char *const *more,
			const struct yaml *key);
/* "a list", "a map", "a single value". */
/* What a value of map option O must be: "a map", "a list of maps". */
const char *decode_map_name(const struct option *o);
const char *decode_type_name(const struct yaml *y);
