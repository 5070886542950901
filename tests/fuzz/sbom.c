/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bills of materials: what is JSON is read as by the plain reader. */
#include "../unit/sbom-oracle.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	struct sbom_document plain = {0}, fast = {0};
	struct err *err cleanup_err = NULL;
	int rc = sbom_parse(arena, "x", (const char *)data, size, &fast, &err);

	if (oracle_read(arena, (const char *)data, size, &plain) == 0)
		assert(rc == 0 && same_document(&plain, &fast));
	sbom_packages_clear(&plain.packages);
	sbom_packages_clear(&fast.packages);
	return 0;
}
