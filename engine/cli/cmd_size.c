/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch size: what takes the room in a tree or image, by package and by directory, and what grew
 * since a run or beside another image. Each file counts once, however many names it has, so that
 * both tables sum up to the same total.
 */
#include <string.h>

#include "cli/size_table.h"
#include "cli/view.h"

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

static void print_text(struct sizes *z)
{
	char *now cleanup_free = str_bytes(z->total.bytes[SIZES_NOW]);
	char *before cleanup_free = str_bytes(z->total.bytes[SIZES_BEFORE]);
	char *grew cleanup_free = size_signed(sizes_grown(&z->total));
	unsigned long long files = z->total.files[SIZES_NOW];

	printf("%s in %llu file%s", now, files, files == 1 ? "" : "s");
	if (z->compared)
		printf(", before %s in %llu: %s", before,
		       (unsigned long long)z->total.files[SIZES_BEFORE],
		       sizes_grown(&z->total) ? grew : "the same");
	putchar('\n');
	size_tables_print(z);
}

static void print_json(const struct sizes *z)
{
	json_t *object = size_object(z);

	json_object_set_new(object, "v", json_integer(1));
	json_object_set_new(object, "ok", json_true());
	json_print(stdout, object, false);
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
