/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"
#include "recipe/schema.h"

#define FILE_SIZE_MAX (1024 * 1024)

void *schema_read(const struct schema *schema, struct arena *arena, const char *path,
		  const struct yaml **ret_map, struct err_list *errors)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	const struct yaml *map;
	void *ret = NULL;

	if (file_read(path, FILE_SIZE_MAX, &text, &err) < 0) {
		err_list_add(errors, err);
		return NULL;
	}
	map = yaml_parse(arena, arena_strdup(arena, path), text.buf, text.len, errors);
	if (map)
		ret = schema_decode(schema, arena, map, NULL, errors);
	if (ret && ret_map)
		*ret_map = map;
	return ret;
}
