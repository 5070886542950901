/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What apt's programs print. */
#include "fuzz.h"
#include "kinds/debian/apt.h"

static char *copy(struct arena *arena, const uint8_t *data, size_t size)
{
	return arena_strndup(arena, (const char *)data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	static const struct archive debian = {.alias = "debian"};
	static const char *urls[] = {"http://archive.example/debian"};
	void *archives[] = {(void *)&debian};
	struct apt_request q = {.arena = arena, .urls = urls, .archives = {archives, 1}};
	struct err *err cleanup_err = NULL;
	struct lock_entries entries = {0};
	struct apt_unmets unmet = {0};
	struct apt_records records = {0};
	struct apt_places places = {0};

	if (apt_parse_uris(&q, copy(arena, data, size), LOCK_PACKAGE, &entries, &err) == 0)
		for (size_t i = 0; i < entries.count; i++)
			assert(entries.items[i].name && entries.items[i].path);
	apt_parse_records(arena, copy(arena, data, size), &records);
	apt_parse_places(&q, copy(arena, data, size), &places);
	apt_parse_unmet(arena, copy(arena, data, size), &unmet);
	lock_entries_clear(&entries);
	apt_unmets_clear(&unmet);
	apt_records_clear(&records);
	apt_places_clear(&places);
	return 0;
}
