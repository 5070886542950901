/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/size_table.h"

#include "cli/table.h"

#define ROWS_SHOWN 20

char *size_signed(int64_t n)
{
	char *bytes cleanup_free = str_bytes((uint64_t)(n < 0 ? -n : n));

	return xasprintf("%s%s", n < 0 ? "-" : n ? "+" : "", bytes);
}

static void group_row(const struct sizes *z, struct table *t, const struct size_group *g)
{
	char *now cleanup_free = str_bytes(g->bytes[SIZES_NOW]);
	char *files cleanup_free = xasprintf("%llu", (unsigned long long)g->files[SIZES_NOW]);
	char *grew cleanup_free = size_signed(sizes_grown(g));
	char *name cleanup_free = xasprintf("%s%s", g->name,
					    !z->compared              ? ""
					    : !g->files[SIZES_BEFORE] ? " (new)"
					    : !g->files[SIZES_NOW]    ? " (gone)"
								      : "");

	if (z->compared)
		table_row(t, grew, now, files, name);
	else
		table_row(t, now, files, name);
}

static void print_groups(const struct sizes *z, const struct map *m, const char *title)
{
	size_t count;
	struct size_group **list cleanup_free = sizes_sorted(z, m, &count);
	struct size_group rest = {0};
	struct table *t = z->compared ? table_new(">GREW", ">NOW", ">FILES", title, NULL)
				      : table_new(">SIZE", ">FILES", title, NULL);

	for (size_t i = 0; i < count; i++) {
		if (i < ROWS_SHOWN || count == ROWS_SHOWN + 1) {
			group_row(z, t, list[i]);
			continue;
		}
		for (unsigned side = 0; side < SIZES_SIDES; side++) {
			rest.bytes[side] += list[i]->bytes[side];
			rest.files[side] += list[i]->files[side];
		}
	}
	if (rest.files[SIZES_NOW] || rest.files[SIZES_BEFORE]) {
		rest.name =
			arena_printf(z->arena, "%zu others (--json has all)", count - ROWS_SHOWN);
		rest.files[SIZES_BEFORE] += !rest.files[SIZES_BEFORE];
		rest.files[SIZES_NOW] += !rest.files[SIZES_NOW];
		group_row(z, t, &rest);
	}
	if (count)
		putchar('\n');
	table_print(t);
}

void size_tables_print(const struct sizes *z)
{
	if (sizes_have_packages(z))
		print_groups(z, &z->packages, "PACKAGE");
	print_groups(z, &z->directories, "DIRECTORY");
}

static json_t *group_object(const struct sizes *z, const struct size_group *g)
{
	json_t *o = json_pack("{s:I, s:I}", "bytes", (json_int_t)g->bytes[SIZES_NOW], "files",
			      (json_int_t)g->files[SIZES_NOW]);

	if (g->name)
		json_object_set_new(o, "name", json_text(g->name));
	if (!z->compared)
		return o;
	json_object_set_new(o, "before",
			    json_pack("{s:I, s:I}", "bytes", (json_int_t)g->bytes[SIZES_BEFORE],
				      "files", (json_int_t)g->files[SIZES_BEFORE]));
	json_object_set_new(o, "grew", json_integer(sizes_grown(g)));
	return o;
}

static json_t *groups_array(const struct sizes *z, const struct map *m)
{
	size_t count;
	struct size_group **list cleanup_free = sizes_sorted(z, m, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, group_object(z, list[i]));
	return array;
}

json_t *size_object(const struct sizes *z)
{
	return json_pack("{s:o, s:o, s:o}", "total", group_object(z, &z->total), "packages",
			 sizes_have_packages(z) ? groups_array(z, &z->packages) : json_null(),
			 "directories", groups_array(z, &z->directories));
}
