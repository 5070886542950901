/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machine-readable copyright files of packages. */
#include "media/deb/copyright.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	char *text cleanup_free = fuzz_text(data, size);
	struct licences others = {0};
	const char *expression = copyright_expression(arena, text, &others);

	assert(!expression || *expression);
	for (size_t i = 0; i < others.count; i++)
		assert(strlen(others.items[i].id) < 128);
	licences_clear(&others);
	return 0;
}
