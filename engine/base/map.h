/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A hash map from strings to pointers that remembers insertion order, so that output is stable.
 * Keys are not copied: they live at least as long as the map. Values are not freed.
 * Entries are map.entries[0 .. map.count-1].
 */
#include "base/alloc.h"

struct map_entry {
	const char *key;
	void *value;
};

struct map {
	struct map_entry *entries;
	size_t count, cap;
	uint32_t *slots; /* index + 1 into entries; 0: free */
	size_t slot_count;
};

/* The value of KEY, or NULL. */
void *map_get(const struct map *m, const char *key);
/* Adds KEY or replaces its value; returns the old value, or NULL. */
void *map_set(struct map *m, const char *key, void *value);
void map_clear(struct map *m);
#define cleanup_map __attribute__((cleanup(map_clear)))
