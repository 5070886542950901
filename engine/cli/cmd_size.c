/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch size: what takes the room in a tree or image, by package and by directory, and what grew
 * since a run or beside another image. Each file counts once, however many names it has, so that
 * both tables sum up to the same total.
 */
#include <string.h>

#include "cli/json.h"
#include "cli/table.h"
#include "cli/view.h"
#include "evidence/sizes.h"

#define ROWS_SHOWN 20

static int measure(struct sizes *z, unsigned side, const struct session *s, const char *text,
		   const char *run, struct err **err)
{
	struct view v cleanup_view = {0};
	const struct tree_entry *e;

	if (view_open(&v, s, text, run, false, err) < 0)
		return -1;
	if (v.look.disk)
		return err_set(err, E_NOT_A_FILE,
			       "'%s' is a disk: name a partition, as 'orch image ls %s' shows them",
			       v.result.name, v.result.name);
	if (!v.look.tree) {
		z->total.bytes[side] += v.look.size;
		z->total.files[side]++;
		return 0;
	}
	e = tree_resolve(v.look.tree, v.look.rest);
	sizes_count(z, side, v.look.tree, e ? e->path : v.look.rest);
	return 0;
}

/* ---- telling ---- */

static char *signed_text(int64_t n)
{
	char *bytes cleanup_free = str_bytes((uint64_t)(n < 0 ? -n : n));

	return xasprintf("%s%s", n < 0 ? "-" : n ? "+" : "", bytes);
}

static void group_row(const struct sizes *z, struct table *t, const struct size_group *g)
{
	char *now cleanup_free = str_bytes(g->bytes[SIZES_NOW]);
	char *files cleanup_free = xasprintf("%llu", (unsigned long long)g->files[SIZES_NOW]);
	char *grew cleanup_free = signed_text(sizes_grown(g));
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

static void print_groups(struct sizes *z, const struct map *m, const char *title)
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

static void print_text(struct sizes *z)
{
	char *now cleanup_free = str_bytes(z->total.bytes[SIZES_NOW]);
	char *before cleanup_free = str_bytes(z->total.bytes[SIZES_BEFORE]);
	char *grew cleanup_free = signed_text(sizes_grown(&z->total));
	unsigned long long files = z->total.files[SIZES_NOW];

	printf("%s in %llu file%s", now, files, files == 1 ? "" : "s");
	if (z->compared)
		printf(", before %s in %llu: %s", before,
		       (unsigned long long)z->total.files[SIZES_BEFORE],
		       sizes_grown(&z->total) ? grew : "the same");
	putchar('\n');
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

static json_t *groups_array(struct sizes *z, const struct map *m)
{
	size_t count;
	struct size_group **list cleanup_free = sizes_sorted(z, m, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, group_object(z, list[i]));
	return array;
}

static void print_json(struct sizes *z)
{
	json_print(stdout,
		   json_pack("{s:i, s:b, s:o, s:o, s:o}", "v", 1, "ok", 1, "total",
			     group_object(z, &z->total), "packages",
			     sizes_have_packages(z) ? groups_array(z, &z->packages) : json_null(),
			     "directories", groups_array(z, &z->directories)),
		   false);
}

static int measure_all(struct sizes *z, const struct session *s, struct err **err)
{
	const struct strv *args = &s->cli->args;
	const char *text = args->items[0], *other = args->count > 1 ? args->items[1] : NULL;
	bool run = other && (*other == '^' || strspn(other, "0123456789") == strlen(other));

	z->compared = other;
	if (measure(z, SIZES_NOW, s, text, s->cli->run, err) < 0)
		return -1;
	return other ? measure(z, SIZES_BEFORE, s, run ? text : other, run ? other : NULL, err) : 0;
}

int cmd_size(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct err *err = NULL;
	struct sizes z = {0};
	int code = session_open_history(&s, c);

	if (code)
		return code;
	z.arena = s.arena;
	if (measure_all(&z, &s, &err) < 0)
		code = cli_fail(&s, err);
	else if (c->json)
		print_json(&z);
	else
		print_text(&z);
	if (code == 0 && c->exit_code && z.compared && sizes_grown(&z.total))
		code = 3;
	sizes_clear(&z);
	return code;
}
