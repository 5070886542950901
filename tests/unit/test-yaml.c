/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "recipe/yaml.h"

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

static struct yaml *parse(const char *text)
{
	err_list_clear(&errors);
	return yaml_parse(arena, "a.yaml", text, strlen(text), &errors);
}

static void dump(const struct yaml *y, struct str *s)
{
	if (y->type == YAML_SCALAR) {
		str_printf(s, "%s%s", y->quoted ? "'" : "", y->text);
		return;
	}
	str_append_char(s, y->type == YAML_LIST ? '[' : '{');
	for (size_t i = 0; i < y->count; i++) {
		str_append(s, i ? "," : "");
		if (y->type == YAML_MAP)
			str_printf(s, "%s:", y->keys[i]->text);
		dump(y->items[i], s);
	}
	str_append_char(s, y->type == YAML_LIST ? ']' : '}');
}

static void expect(const char *text, const char *tree)
{
	struct str s cleanup_str = STR_INIT;
	struct yaml *y = parse(text);

	if (!y)
		fail_msg("%s", errors.items[0]->text);
	dump(y, &s);
	assert_string_equal(s.buf, tree);
}

/* All errors, one per line. */
static void refuse(const char *text, const char *messages)
{
	struct str s cleanup_str = STR_INIT;

	assert_null(parse(text));
	for (size_t i = 0; i < errors.count; i++) {
		char *line cleanup_free = err_string(errors.items[i]);

		assert_int_equal(errors.items[i]->code->cls, ERR_USER);
		str_printf(&s, "%s%s", i ? "\n" : "", line);
	}
	assert_string_equal(s.buf, messages);
}

static void trees(void **state)
{
	expect("", "{}");
	expect("# only a comment\n", "{}");
	expect("---\n", "{}");
	expect("---\na: 1\n...\n", "{a:1}");
	expect("\xef\xbb\xbf"
	       "a: b\n",
	       "{a:b}");
	expect("a: no\nb: 0o7\nc: 1:30\nd: ~\ne:\nf: ''\n", "{a:no,b:0o7,c:1:30,d:~,e:,f:'}");
	expect("a: [1, {b: c}]\nd:\n  - x\n  - - y\n", "{a:[1,{b:c}],d:[x,[y]]}");
	expect("run: |\n  a\n  b\n", "{run:'a\nb\n}");
	expect("'a b': \"\\u00e9\"\r\nb: 2\r\n", "{a b:'\xc3\xa9,b:2}");
	expect("a: x << y\n'<<': q\n", "{a:x << y,<<:q}");
}

static void positions(void **state)
{
	struct yaml *y = parse("a: 1\nbb:\n  - \xc3\xa9\xc3\xa9: [x, yy]\n");
	struct yaml *list;

	assert_non_null(y);
	assert_int_equal(y->keys[1]->pos.line, 2);
	assert_int_equal(y->keys[1]->pos.col, 1);
	list = yaml_get(y, "bb");
	assert_int_equal(list->items[0]->pos.line, 3);
	assert_int_equal(list->items[0]->pos.col, 5);
	list = list->items[0]->items[0];
	assert_int_equal(list->pos.col, 9);
	assert_int_equal(list->items[1]->pos.col, 13);
	assert_string_equal(list->items[1]->pos.file, "a.yaml");
	assert_null(yaml_get(y, "none"));
}

static void refused(void **state)
{
	refuse("a: &x 1\nb: *x\nc: !!str d\n",
	       "a.yaml:1:4: anchor '&x' is not supported: write the value out [yaml-feature]\n"
	       "a.yaml:2:4: alias '*x' is not supported: write the value out [yaml-feature]\n"
	       "a.yaml:3:4: tag 'tag:yaml.org,2002:str' is not supported: values are typed by "
	       "their key [yaml-feature]");
	refuse("<<: {a: b}\n",
	       "a.yaml:1:1: merge key '<<' is not supported: write the keys out [yaml-feature]");
	refuse("a: 1\nb: 2\na: 3\n",
	       "a.yaml:3:1: key 'a' is given twice (first on line 1) [duplicate-key]");
	refuse("x: {a: 1, a: 2}\n",
	       "a.yaml:1:11: key 'a' is given twice (first on line 1) [duplicate-key]");
	refuse("? [a]\n: b\n",
	       "a.yaml:1:3: a key must be a plain word, not a list or map [not-yaml]");
	refuse("? {a: b}\n: {c: d}\ne: f\ne: g\n",
	       "a.yaml:1:3: a key must be a plain word, not a list or map [not-yaml]\n"
	       "a.yaml:4:1: key 'e' is given twice (first on line 3) [duplicate-key]");
	refuse("a: 1\n---\nb: 2\n",
	       "a.yaml:2:1: a second document begins here: one file is one document "
	       "[yaml-feature]");
	refuse("%YAML 1.1\n---\na: b\n",
	       "a.yaml:1:1: directives (lines that begin with %) are not supported [yaml-feature]");
	refuse("'': b\n", "a.yaml:1:1: key is empty [not-yaml]");
	refuse("a: \"x\\0y\"\n",
	       "a.yaml:1:4: a value may not contain a NUL character, as '\\0' between double "
	       "quotes is: write '\\\\0', or use single quotes [not-text]");
}

static void syntax(void **state)
{
	refuse("a: [1, 2\nb: 3\n",
	       "a.yaml:2:2: not valid YAML: did not find expected ',' or ']' "
	       "(while parsing a flow sequence that begins on line 1): is a quote or a bracket "
	       "before it not closed? [not-yaml]");
	refuse("a:\n\t- b\n",
	       "a.yaml:2:1: a tab may not indent or separate here: use spaces [not-yaml]");
	refuse("a: @b\n", "a.yaml:1:4: a value that begins with '@' needs quotes [not-yaml]");
	refuse("a: b: c\n",
	       "a.yaml:1:5: not valid YAML: mapping values are not allowed in this context: is "
	       "the line indented too far, or does a value with ': ' in it need quotes? "
	       "[not-yaml]");
	refuse("a: b\n\xff: c\n",
	       "a.yaml:2:1: byte 0xff is not UTF-8: save the file as UTF-8 [not-text]");
	refuse("a: \xc3\xa9\xc0\xaf\n",
	       "a.yaml:1:5: byte 0xc0 is not UTF-8: save the file as UTF-8 [not-text]");
	refuse("a: \xed\xa0\x80\n",
	       "a.yaml:1:4: byte 0xed is not UTF-8: save the file as UTF-8 [not-text]");
	refuse("a: b\nc: \x1b[31m\n",
	       "a.yaml:2:4: control character U+001B is not allowed [not-text]");
	refuse("a: \xc2\x9b\n", "a.yaml:1:4: control character U+009B is not allowed [not-text]");
	refuse("\xff\xfe"
	       "a",
	       "a.yaml:1:1: byte 0xff is not UTF-8: save the file as UTF-8 [not-text]");
	assert_null(yaml_parse(arena, "a.yaml", "a: \0\n", 5, &errors));
}

static void limits(void **state)
{
	struct str s cleanup_str = STR_INIT;

	for (int i = 0; i < YAML_MAX_DEPTH; i++)
		str_append_char(&s, '[');
	for (int i = 0; i < YAML_MAX_DEPTH; i++)
		str_append_char(&s, ']');
	assert_non_null(parse(s.buf));
	str_clear(&s);
	for (int i = 0; i < 100000; i++)
		str_append_char(&s, '[');
	refuse(s.buf, "a.yaml:1:65: nested deeper than 64 levels [too-large]");
	str_clear(&s);
	for (int i = 0; i < 100000; i++)
		str_append(&s, "- ");
	refuse(s.buf, "a.yaml:1:129: nested deeper than 64 levels [too-large]");
	str_clear(&s);
	for (int i = 0; i < 1100000; i++)
		str_append(&s, "- a\n");
	assert_null(parse(s.buf));
	assert_string_equal(errors.items[0]->text, "more than 1000000 values and keys in one file");
	while (s.len <= YAML_MAX_BYTES)
		str_append(&s, "# a long comment that fills the file\n");
	refuse(s.buf, "a.yaml:1:1: larger than 8 MiB [too-large]");
}

static void large_map(void **state)
{
	struct str s cleanup_str = STR_INIT;
	struct yaml *y;

	for (int i = 0; i < 100000; i++)
		str_printf(&s, "k%d: %d\n", i, i);
	y = parse(s.buf);
	assert_non_null(y);
	assert_int_equal(y->count, 100000);
	assert_string_equal(yaml_get(y, "k99999")->text, "99999");
	str_append(&s, "k5: again\n");
	refuse(s.buf, "a.yaml:100001:1: key 'k5' is given twice (first on line 6) [duplicate-key]");
}

/* Every prefix and every single-byte change of a rich document ends in a tree or in errors. */
static void mutations(void **state)
{
	static const char doc[] =
		"a: [1, {b: 'c'}, \"d\\n\"]\nrun: |\n  x\n  y\n? e\n: &f g\nh: *f\n# i\n"
		"j: !k l\n--- \nm: >-\n  n\n...\n";
	char buf[sizeof(doc)];

	for (size_t len = 0; len < sizeof(doc) - 1; len++) {
		err_list_clear(&errors);
		if (!yaml_parse(arena, "a.yaml", doc, len, &errors))
			assert_true(errors.count > 0);
	}
	for (size_t i = 0; i < sizeof(doc) - 1; i++) {
		for (int c = 0; c < 256; c++) {
			memcpy(buf, doc, sizeof(doc));
			buf[i] = (char)c;
			err_list_clear(&errors);
			if (!yaml_parse(arena, "a.yaml", buf, sizeof(doc) - 1, &errors))
				assert_true(errors.count > 0);
			for (size_t k = 0; k < errors.count; k++)
				assert_true(errors.items[k]->line > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees),     cmocka_unit_test(positions),
		cmocka_unit_test(refused),   cmocka_unit_test(syntax),
		cmocka_unit_test(limits),    cmocka_unit_test(large_map),
		cmocka_unit_test(mutations),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
