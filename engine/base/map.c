/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"

#include <string.h>

/* FNV-1a, 64 bit. */
static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h ^ (h >> 32);
}

static uint32_t *slot_of(const struct map *m, const char *key)
{
	size_t mask = m->slot_count - 1;

	for (size_t i = hash(key) & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &m->slots[i];

		if (!*slot || strcmp(m->entries[*slot - 1].key, key) == 0)
			return slot;
	}
}

static void grow(struct map *m)
{
	m->cap = m->cap ? m->cap * 2 : 16;
	m->entries = xreallocarray(m->entries, m->cap, sizeof(*m->entries));
	free(m->slots);
	m->slot_count = m->cap * 2;
	m->slots = xcalloc(m->slot_count, sizeof(*m->slots));
	for (size_t i = 0; i < m->count; i++)
		*slot_of(m, m->entries[i].key) = (uint32_t)i + 1;
}

void *map_get(const struct map *m, const char *key)
{
	const uint32_t *slot;

	if (!m->count)
		return NULL;
	slot = slot_of(m, key);
	return *slot ? m->entries[*slot - 1].value : NULL;
}

void *map_set(struct map *m, const char *key, void *value)
{
	uint32_t *slot;
	void *old;

	if (m->count == m->cap)
		grow(m);
	slot = slot_of(m, key);
	if (*slot) {
		old = m->entries[*slot - 1].value;
		m->entries[*slot - 1].value = value;
		return old;
	}
	m->entries[m->count++] = (struct map_entry){key, value};
	*slot = (uint32_t)m->count;
	return NULL;
}

void map_clear(struct map *m)
{
	free(m->entries);
	free(m->slots);
	*m = (struct map){0};
}
