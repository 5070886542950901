/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * YAML text to a small tree in which every value keeps its place. Built from libyaml's event API.
 * Refused with a position: anchors, aliases, tags, merge keys, several documents, duplicate keys,
 * keys that are no scalars, bytes that are not UTF-8, depth over 64, over 8 MiB or a million
 * events. Scalars stay text: whether "no" is a string is the schema's business; quoted tells plain
 * ~ or empty (null) from "".
 */
#include <stdbool.h>

#include "base/err.h"

#define YAML_MAX_BYTES (8 * 1024 * 1024)
#define YAML_MAX_DEPTH 64
#define YAML_MAX_EVENTS 1000000

enum yaml_type { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct scope;      /* expand.h */
struct value_text; /* value.h */
struct yaml {
	enum yaml_type type;
	struct pos pos;
	bool quoted;               /* scalar was written in quotes or as a block */
	bool refused;              /* scalar has been reported as an error: decoders pass it by */
	const struct scope *waits; /* scalar names facts that are still to be put into its text */
	const char *text;          /* scalar: its text, no NUL inside */
	const struct value_text *values; /* scalar: what its text waits for; NULL: nothing */
	size_t count;                    /* list, map: number of entries */
	struct yaml **items;             /* list: values; map: values in file order */
	struct yaml **keys;              /* map: scalars, same order as items */
};

/*
 * Parses LEN bytes; FILE is the name in positions. An empty document is an empty map. Everything
 * lives in ARENA. All errors that can be found in one pass go to ERRORS; NULL if there was any.
 */
struct yaml *yaml_parse(struct arena *arena, const char *file, const char *text, size_t len,
			struct err_list *errors);
/* Whether both say the same, wherever they stand; in maps whatever the order. */
bool yaml_eq(const struct yaml *a, const struct yaml *b);
/* The value under KEY of a map, or NULL. */
struct yaml *yaml_get(const struct yaml *map, const char *key);
/* The same, and takes it and its key out of the map. */
struct yaml *yaml_take(struct yaml *map, const char *key);
/* Where the value under KEY stands; where the map begins, when there is none. */
struct pos yaml_key_pos(const struct yaml *map, const char *key);
/* Tree building for those who make one from something else (manifests, defaults). */
struct yaml *yaml_new(struct arena *arena, enum yaml_type type, struct pos pos);
void yaml_push(struct arena *arena, struct yaml *list, struct yaml *item);
void yaml_put(struct arena *arena, struct yaml *map, const char *key, struct pos key_pos,
	      struct yaml *item);
