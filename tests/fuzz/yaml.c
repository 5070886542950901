/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes and configuration: YAML. */
#include "fuzz.h"
#include "recipe/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err_list errors cleanup_err_list = {0};
	struct yaml *root = yaml_parse(arena, "x.yaml", (const char *)data, size, &errors);

	assert(root ? errors.count == 0 : errors.count > 0);
	return 0;
}
