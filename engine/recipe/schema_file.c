/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"
#include "recipe/schema.h"

#define FILE_SIZE_MAX (1024 * 1024)

void *schema_read(const struct schema *schema, struct arena *arena, const char *path,
		  const struct yaml **ret_map, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct err_list errors cleanup_err_list = {0};
	const struct yaml *map;
	void *ret = NULL;

	if (file_read(path, FILE_SIZE_MAX, &text, err) < 0)
		return NULL;
	map = yaml_parse(arena, arena_strdup(arena, path), text.buf, text.len, &errors);
	if (map)
		ret = schema_decode(schema, arena, map, NULL, &errors);
	if (!ret)
		*err = errors.items[--errors.count];
	else if (ret_map)
		*ret_map = map;
	return ret;
}
