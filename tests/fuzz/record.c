/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of results, as rows and as files, with the sums that let them in. */
#include "fuzz.h"
#include "store/record_files.h"

static void as_row(struct arena *arena, const char *text)
{
	struct state_record row = {.node = "n", .outputs = text, .manifest = "m\n"};
	struct record *rec;

	record_sum(&row, &row.sum);
	if (record_decode(&row, arena, &rec) == 0) {
		struct str outputs cleanup_str = STR_INIT;
		struct state_record again;

		record_encode(rec, &outputs, &again);
		assert(record_decode(&again, arena, &rec) == 0);
	}
}

static void as_file(struct arena *arena, char *text)
{
	const char *manifest = strstr(text, "\nmanifest\n");
	struct state_record row;
	struct record *rec;
	struct digest key;

	manifest = manifest ? manifest + strlen("\nmanifest\n") : "";
	digest_data(manifest, strlen(manifest), &key);
	if (record_file_parse(text, &key, arena, &row) != 0)
		return;
	record_sum(&row, &row.sum);
	if (record_decode(&row, arena, &rec) == 0)
		assert(digest_eq(&rec->key, &key));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	char *text cleanup_free = fuzz_text(data, size);

	as_row(arena, text);
	as_file(arena, text);
	return 0;
}
