/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a shared cache hands out: maps of parts, trees, results, and the records in them. */
#include "fuzz.h"
#include "remote/reapi.h"
#include "remote/transport.h"

#define ID "5555555555555555555555555555555555555555555555555555555555555555"

static void as_map(const char *text, size_t size)
{
	struct artifact a = {.name = "x", .type = OUTPUT_IMAGE, .size = 100000};
	struct err *err cleanup_err = NULL;
	struct parts parts = {0};
	uint64_t from = 0;

	assert(digest_parse(ID, &a.digest) == 0);
	if (parts_map_parse(&a, text, size, &parts, &err) == 0) {
		for (size_t i = 0; i < parts.count; i++) {
			const struct part *p = &parts.items[i];

			assert(p->len && p->offset >= from && p->offset + p->len <= a.size);
			from = p->offset + p->len;
		}
	}
	parts_clear(&parts);
}

static void check(const struct result *r)
{
	assert(r->output_count && r->output_count <= RESULT_OUTPUTS_MAX);
	for (size_t i = 0; i < r->output_count; i++) {
		const struct result_output *o = &r->outputs[i];

		assert(o->artifact.allocated <= o->artifact.size);
		assert((o->form == RESULT_PARTS) == (o->tree_count > 0));
		for (size_t t = 0; t < o->tree_count; t++)
			assert(o->trees[t].size <= REMOTE_BLOB_MAX);
	}
}

static void as_result(struct arena *arena, const void *data, size_t size)
{
	const struct digest key = {{0}};
	char *why cleanup_free = NULL, *again cleanup_free = NULL;
	struct str message cleanup_str = STR_INIT;
	struct result *r;

	if (result_decode(data, size, &key, NULL, arena, &r, &why) != 0) {
		assert(why);
		return;
	}
	check(r);
	result_encode(r, NULL, &message);
	assert(result_decode(message.buf, message.len, &key, NULL, arena, &r, &again) == 0);
}

static void as_record(struct arena *arena, const char *data, size_t size)
{
	struct str text = {.buf = (char *)data, .len = size};
	struct str message cleanup_str = STR_INIT;
	struct result none = {0};

	reapi_result_pack(&none, &text, &message);
	as_result(arena, message.buf, message.len);
}

static void as_tree(struct arena *arena, const void *data, size_t size)
{
	struct result_blob map, *files;
	struct digest d;
	size_t count;

	if (reapi_tree_map(data, size, &map) == 0)
		assert(reapi_tree_files(data, size, arena, &files, &count) == 1 || count > 0);
	if (reapi_tree_directory(data, size, &d) == 0)
		assert(size > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();

	as_map((const char *)data, size);
	as_result(arena, data, size);
	as_record(arena, (const char *)data, size);
	as_tree(arena, data, size);
	return 0;
}
