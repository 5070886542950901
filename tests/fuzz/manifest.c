/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manifests. What can be read is printed and read again as the same. */
#include "fuzz.h"
#include "graph/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char old[] = "orch-manifest 2\nkind run 1\ntimes 1\noption x \"1\"\n";
	struct arena *arena cleanup_arena = arena_new();
	char *text cleanup_free = fuzz_text(data, size);
	struct err *err cleanup_err = NULL;
	struct manifest *m = manifest_parse(arena, text, &err), *again;
	struct str first cleanup_str = STR_INIT, second cleanup_str = STR_INIT;
	struct changes changes = {0};

	manifest_diff(arena, old, text, &changes);
	for (size_t i = 0; i < changes.count; i++)
		change_text(&changes.items[i], &first);
	changes_clear(&changes);
	if (!m)
		return 0;
	str_clear(&first);
	manifest_print(m, true, &first);
	again = manifest_parse(arena, first.buf, &err);
	assert(again);
	manifest_print(again, true, &second);
	assert(str_eq(first.buf, second.buf));
	return 0;
}
