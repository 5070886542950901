/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a farm keeps of what it made: our lines, and the Tree that it sent. */
#include "fuzz.h"
#include "remote/left.h"

static void look(const struct left_output *o)
{
	struct digest d;

	assert(o->result.form == RESULT_BLOB || o->result.tree_count > 0);
	for (size_t i = 0; i < o->result.tree_count; i++) {
		const struct left_volume *v = &o->volumes[i];

		digest_data(v->packed, v->len, &d);
		assert(v->file_count > 0);
		for (size_t k = 0; k < v->file_count; k++)
			assert(v->files[k].size <= o->result.bytes);
		assert(o->result.maps[i].size <= o->result.bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *ignored cleanup_err = NULL;
	char *text cleanup_free = xmalloc(size + 1);
	struct left l;

	memcpy(text, data, size);
	text[size] = 0;
	if (left_parse(text, size, arena, &l, &ignored) < 0)
		return 0;
	assert(l.place);
	for (size_t i = 0; i < l.output_count; i++) {
		assert(left_find(&l, &l.outputs[i].result.artifact));
		look(&l.outputs[i]);
	}
	return 0;
}
