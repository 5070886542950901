/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "recipe/recipe.h"
#include "tmp.h"

struct part {
	const char *name, *text;
};
static const struct option part_options[] = {
	{"name", OPT_STRING, offsetof(struct part, name), .help = "Name."},
	{"text", OPT_STRING, offsetof(struct part, text), .help = "Text."},
};
static const struct schema part_schema = SCHEMA(struct part, part_options);

struct demo {
	const char *text;
	uint64_t size;
	struct list words, parts, from;
	struct part *one;
};
static const struct option demo_options[] = {
	{"text", OPT_STRING, offsetof(struct demo, text), .help = "Text."},
	{"size", OPT_SIZE, offsetof(struct demo, size), .help = "Size."},
	{"words", OPT_STRING, offsetof(struct demo, words), .flags = OPT_LIST, .help = "Words."},
	{"parts", OPT_STRUCT, offsetof(struct demo, parts), .flags = OPT_LIST, .sub = &part_schema,
	 .help = "Parts."},
	{"one", OPT_STRUCT, offsetof(struct demo, one), .sub = &part_schema, .help = "One."},
	{"from", OPT_STRING, offsetof(struct demo, from), .flags = OPT_LIST | OPT_UNKEYED,
	 .help = "From."},
};
static const struct schema demo_schema = SCHEMA(struct demo, demo_options);

struct tie {
	struct list nodes;
};
static const struct option tie_options[] = {
	{"nodes", OPT_STRING, offsetof(struct tie, nodes), .flags = OPT_LIST, .help = "Nodes."},
};
static const struct schema tie_schema = SCHEMA(struct tie, tie_options);
static const struct kind demo_kind = {.name = "demo", .schema = &demo_schema, .each = "from"};
static const struct kind tie_kind = {.name = "tie", .schema = &tie_schema, .ties = "nodes"};
static const struct kind *const kinds[] = {&demo_kind, &tie_kind, NULL};

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new();
	return dir_setup(state);
}

static int teardown(void **state)
{
	arena_free(arena);
	return dir_teardown(state);
}

static void put(const char *name, const char *text)
{
	char *path cleanup_free = path_join(dir, name);
	struct err *err cleanup_err = NULL;

	assert_int_equal(path_mkparents(path, &err), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &err), 0);
}

static const struct project *load(void)
{
	struct err_list errors cleanup_err_list = {0};
	struct project *p;

	put("recipes/project.yaml", "schema: 1\nname: p\nvars: {v: value}\n");
	p = project_load(arena, dir, kinds, NULL, &errors);
	err_list_sort(&errors);
	if (errors.count)
		fail_msg("%s:%u: %s", errors.items[0]->file, errors.items[0]->line,
			 errors.items[0]->text);
	return p;
}

static const struct recipe *recipe(const struct project *p, const char *name)
{
	const struct recipe *r = map_get(&p->recipes, name);

	assert_non_null(r);
	return r;
}

/* "a b c" */
static void assert_words(const struct list *l, const char *expected)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < l->count; i++)
		str_printf(&s, "%s%s", i ? " " : "", LIST_AT(*l, const char *, i));
	assert_string_equal(l->count ? s.buf : "", expected);
}

static void keys_over_keys(void **state)
{
	const struct project *p;
	const struct recipe *r;
	const struct demo *d;

	put("recipes/a.yaml", "kind: demo\ntext: ${v}\nsize: 1\nwords: x\n"
			      "parts: {name: one, text: 1}\none: {name: a, text: b}\n");
	put("recipes/b.yaml", "size: 2\nextends: a\nadd: {words: [y, z]}\none: {text: c}\n"
			      "parts: {one: {text: 2}}\n");
	put("recipes/c.yaml", "extends: b\ndrop: {words: x, one: [name]}\nwords: {}\n"
			      "add: {parts: [{name: two}]}\n");
	put("recipes/d.yaml",
	    "extends: c\ndrop: [words, {parts: [two]}]\nparts: {one: {name: n}}\n");
	p = load();
	r = recipe(p, "b");
	d = r->opts;
	assert_string_equal(d->text, "value");
	assert_int_equal(d->size, 2);
	assert_words(&d->words, "x y z");
	assert_string_equal(d->one->name, "a");
	assert_string_equal(d->one->text, "c");
	assert_string_equal(LIST_AT(d->parts, struct part *, 0)->text, "2");
	assert_string_equal(recipe_pos(r, "text").file, "recipes/a.yaml");
	assert_int_equal(recipe_pos(r, "text").line, 2);
	assert_string_equal(recipe_pos(r, "size").file, "recipes/b.yaml");
	assert_int_equal(recipe_pos(r, "size").line, 1);
	assert_string_equal(recipe_pos(r, "none").file, "recipes/b.yaml");
	d = recipe(p, "c")->opts;
	assert_words(&d->words, "y z");
	assert_null(d->one->name);
	assert_int_equal(d->parts.count, 2);
	d = recipe(p, "d")->opts;
	assert_null(d->words.items);
	assert_int_equal(d->parts.count, 1);
	assert_string_equal(LIST_AT(d->parts, struct part *, 0)->name, "n");
	/* what is extended stays as it is */
	d = recipe(p, "a")->opts;
	assert_words(&d->words, "x");
	assert_string_equal(d->one->text, "b");
}

static void identities(void **state)
{
	static const struct {
		const char *name, *recipe, *identity;
	} all[] = {
		{"a", "kind: demo\n", "a"},
		{"own", "kind: demo\nidentity: x/y\n", "x/y"},
		{"of-own", "extends: own\n", "x/y"},
		{"b", "extends: a\n", "a"},
		{"c", "extends: b\n", "a"},
		{"d", "extends: b\nidentity: d\n", "d"},
		{"e", "extends: part.yaml\n", "e"},
		{"f", "extends: over.yaml\n", "a"},
		{"sub/g", "extends: sub/h\n", "sub/h"},
		{"sub/h", "kind: demo\n", "sub/h"},
	};
	const struct project *p;

	put("part.yaml", "kind: demo\n");
	put("over.yaml", "extends: a\ntext: t\n");
	for (size_t i = 0; i < array_len(all); i++)
		put(arena_printf(arena, "recipes/%s.yaml", all[i].name), all[i].recipe);
	p = load();
	for (size_t i = 0; i < array_len(all); i++)
		assert_string_equal(recipe(p, all[i].name)->identity, all[i].identity);
	assert_int_equal(recipe(p, "a")->extended.count, 0);
	assert_int_equal(recipe(p, "f")->extended.count, 2);
	assert_null(LIST_AT(recipe(p, "f")->extended, struct extended *, 0)->node);
	assert_string_equal(LIST_AT(recipe(p, "f")->extended, struct extended *, 1)->node, "a");
	assert_string_equal(LIST_AT(recipe(p, "c")->extended, struct extended *, 0)->file,
			    "recipes/b.yaml");
}

/* A list that makes a node of each value is taken as it is after the changes. */
static void nodes_of_values(void **state)
{
	const struct project *p;
	const struct demo *d;

	put("recipes/a.yaml", "kind: demo\nfrom: [x, y]\ntext: ${from} of ${v}\n");
	put("recipes/b.yaml",
	    "extends: a\nadd: {from: z}\ndrop: {from: x}\nwords: [w, \"${from}\"]\n");
	p = load();
	assert_null(map_get(&p->recipes, "b@x"));
	d = recipe(p, "b@z")->opts;
	assert_string_equal(d->text, "z of value");
	assert_words(&d->words, "w z");
	assert_words(&((const struct tie *)recipe(p, "b")->opts)->nodes, "b@y b@z");
	assert_string_equal(recipe(p, "b@z")->identity, "a");
	assert_string_equal(recipe(p, "a@x")->identity, "a@x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_over_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(identities, setup, teardown),
		cmocka_unit_test_setup_teardown(nodes_of_values, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
