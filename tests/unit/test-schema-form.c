/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "option-lines.h"
#include "recipe/schema.h"
#include "recipe/schema_json.h"

static struct arena *arena;
static struct err_list errors;

static int setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	err_list_clear(&errors);
	return 0;
}

static int gather(void *arg, const char *path, struct ref *ref)
{
	str_printf(arg, "%s=%s ", path, ref->text);
	return 0;
}

struct way {
	struct list moves;
};

/* Two forms, the second of which takes the first's name in. */
struct stop {
	const char *where;
	int64_t seconds;
};
struct go {
	const char *where;
	struct ref *with;
	const char *stop;
};

static const struct option stop_options[] = {
	{"stop", OPT_STRING, offsetof(struct stop, where), .help = "Where."},
	{"for", OPT_INT, offsetof(struct stop, seconds), OPT_POSITIVE, .help = "How long."},
	{"halt", OPT_GONE, .help = "write 'for'"},
};
static const struct schema stop_schema = SCHEMA(struct stop, stop_options);
static const struct option go_options[] = {
	{"go", OPT_STRING, offsetof(struct go, where), .help = "Where to."},
	{"stop", OPT_STRING, offsetof(struct go, stop), .help = "And stops there."},
	{"with", OPT_REF, offsetof(struct go, with), .accept = ACCEPT_PATH, .help = "By what."},
};
static const struct schema go_schema = SCHEMA(struct go, go_options);
static const struct form form_stop = {"stop", &stop_schema}, form_go = {"go", &go_schema};
static const struct form *const all_moves[] = {&form_go, &form_stop, NULL};
static const struct forms moves = {.noun = "move", .part = "verb", .all = all_moves};
static const struct option way_options[] = {
	{"way", OPT_FORM, offsetof(struct way, moves), OPT_LIST, .forms = &moves,
	 .help = "The way."},
};
static const struct schema way_schema = SCHEMA(struct way, way_options);

static struct way *decode_way(const char *text)
{
	struct yaml *y = yaml_parse(arena, "a.yaml", text, strlen(text), &errors);

	return schema_decode(&way_schema, arena, y, NULL, &errors);
}

static void forms(void **state)
{
	static const char lines[] =
		"option way.0.go \"a\"\noption way.0.with \"f\"\nline way.0 2 \"a.yaml\"\n"
		"option way.1.stop \"b\"\noption way.1.for \"2\"\nline way.1 3 \"a.yaml\"\n"
		"option way.2.go \"c\"\noption way.2.stop \"d\"\nline way.2 4 \"a.yaml\"\n";
	struct err *err cleanup_err = NULL;
	struct str refs cleanup_str = STR_INIT, help cleanup_str = STR_INIT;
	struct way *d = decode_way(
		"way:\n - {with: f, go: a}\n - {stop: b, for: 2}\n - {stop: d, go: c}\n");
	const struct formed *second;

	assert_non_null(d);
	second = LIST_AT(d->moves, struct formed *, 1);
	assert_ptr_equal(second->form, &form_stop);
	assert_int_equal(((struct stop *)second->data)->seconds, 2);
	assert_int_equal(second->pos.line, 3);
	assert_string_equal(lines_of(arena, &way_schema, d, true), lines);
	schema_each_ref(&way_schema, d, gather, &refs);
	assert_string_equal(refs.buf, "way.0.with=f ");
	d = schema_decode(&way_schema, arena, read_lines(arena, lines, &err), NULL, &errors);
	assert_non_null(d);
	assert_string_equal(lines_of(arena, &way_schema, d, true), lines);
	schema_help(&way_schema, &help);
	assert_non_null(strstr(help.buf, "      go: text\n          Where to.\n"
					 "          stop: text\n"));
}

/* A key that is gone is shown nowhere. */
static void gone(void **state)
{
	struct str text cleanup_str = STR_INIT;

	schema_help(&way_schema, &text);
	schema_json_keys(&way_schema, &text);
	assert_null(strstr(text.buf, "halt"));
}

static void bad_forms(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"way: [{}]", "a move has exactly one verb, this one has none"},
		{"way: [{with: f}]", "a move has exactly one verb, this one has none"},
		{"way: [{stop: a, for: 1, with: f}]", "'with' does not go with 'stop'"},
		{"way: [{go: a, for: 1}]", "'for' does not go with 'go'"},
		{"way: [{sotp: a}]", "unknown key 'sotp': did you mean 'stop'?"},
		{"way: [{stop: a, quite-another: b}]",
		 "unknown key 'quite-another' (known here: stop, for)"},
		{"way: [{quite-another: b}]",
		 "unknown key 'quite-another' (known here: go, stop, with, for)"},
		{"way: [{stop: a, for: 0}]", "'for' must be at least 1, not '0'"},
		{"way: [{stop: a, halt: 1}]", "'halt' is gone: write 'for'"},
		{"way: [a]", "'way' must be a list of maps, not a single value"},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		err_list_clear(&errors);
		assert_null(decode_way(cases[i].text));
		assert_int_equal(errors.count, 1);
		assert_string_equal(errors.items[0]->text, cases[i].error);
	}
	err_list_clear(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(bad_forms),
		cmocka_unit_test(gone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
