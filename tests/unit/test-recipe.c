/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "recipe/recipe.h"
#include "recipe/template.h"
#include "tmp.h"

struct demo {
	const char *text;
	struct ref *from;
	uint64_t size;
};
static const struct option demo_options[] = {
	{"text", OPT_STRING, offsetof(struct demo, text), .help = "Text."},
	{"from", OPT_REF, offsetof(struct demo, from), .accept = ACCEPT_FILE, .help = "From."},
	{"size", OPT_SIZE, offsetof(struct demo, size), .flags = OPT_POSITIVE, .help = "Size."},
};
static const struct schema demo_schema = SCHEMA(struct demo, demo_options);

static void demo_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct demo *d = ctx->opts;

	if (d->text && str_eq(d->text, "wrong"))
		err_list_at(errors, E_INVALID_VALUE, yaml_get(ctx->map, "text")->pos,
			    "node '%s' of '%s' is wrong", ctx->node, ctx->project->name);
}
static const struct kind demo_kind = {.name = "demo", .schema = &demo_schema, .check = demo_check};
static const struct kind *const kinds[] = {&demo_kind, NULL};

static struct arena *arena;
static struct err_list errors;

static int setup(void **state)
{
	arena = arena_new();
	return dir_setup(state);
}

static int teardown(void **state)
{
	arena_free(arena);
	err_list_clear(&errors);
	return dir_teardown(state);
}

static void put(const char *name, const char *text)
{
	char *path cleanup_free = path_join(dir, name);
	struct err *err cleanup_err = NULL;

	assert_int_equal(path_mkparents(path, &err), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0644, false, &err), 0);
}

#define HEAD "schema: 1\nname: p\n"

static struct project *load(const struct strv *sets)
{
	struct project *p;

	err_list_clear(&errors);
	p = project_load(arena, dir, kinds, sets, &errors);
	err_list_sort(&errors);
	return errors.count ? NULL : p;
}

static struct project *good(const struct strv *sets)
{
	struct project *p = load(sets);

	if (!p)
		fail_msg("%s: %s", errors.items[0]->file, errors.items[0]->text);
	return p;
}

static void refuse(const struct strv *sets, const char *messages)
{
	struct str s cleanup_str = STR_INIT;

	assert_null(load(sets));
	for (size_t i = 0; i < errors.count; i++) {
		char *line cleanup_free = err_string(errors.items[i]);

		str_printf(&s, "%s%s", i ? "\n" : "", line);
	}
	assert_string_equal(s.buf, messages);
}

static const struct demo *opts_of(const struct project *p, const char *node)
{
	const struct recipe *r = map_get(&p->recipes, node);

	assert_non_null(r);
	return r->opts;
}

static void finds_root(void **state)
{
	struct err *err cleanup_err = NULL;
	char *found cleanup_free = NULL, *deep cleanup_free = path_join(dir, "a/b/c");
	char *real cleanup_free = realpath(dir, NULL);

	assert_int_equal(path_mkdirs(deep, &err), 0);
	assert_int_equal(project_find(deep, &found, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
	put("recipes/project.yaml", HEAD);
	assert_int_equal(project_find(deep, &found, &err), 0);
	assert_string_equal(found, real);
}

static void loads(void **state)
{
	struct project *p;
	const struct archive *a;

	put("recipes/project.yaml", HEAD "version: \"1.0\"\ntimes: 2026-01-01\ndefault: [b]\n"
					 "archives: {debian: {suites: trixie, keyring: "
					 "k.gpg}}\nslots: {root: 1500M}\nvars: {x: y}\n");
	put("recipes/b.yaml",
	    "kind: demo\nsize: ${slots.root}\ntext: ${project.name}-${project.version}\n");
	put("recipes/a.yaml", "kind: demo\n");
	put("recipes/tests/roll.yaml", "kind: demo\n");
	put("recipes/tests/project.yaml", "kind: demo\n");
	put("recipes/b.lock", "lock\n");
	put("recipes/.hidden.yaml", "}");
	put("recipes/b.yaml~", "}");
	p = good(NULL);
	assert_string_equal(p->name, "p");
	assert_string_equal(p->version, "1.0");
	assert_int_equal(p->times, 1767225600);
	assert_string_equal(LIST_AT(p->defaults, const char *, 0), "b");
	a = LIST_AT(p->archives, struct archive *, 0);
	assert_string_equal(a->alias, "debian");
	assert_string_equal(LIST_AT(a->suites, const char *, 0), "trixie");
	assert_string_equal(LIST_AT(a->components, const char *, 0), "main");
	assert_string_equal(a->keyring->text, "k.gpg");
	assert_int_equal(p->recipes.count, 4);
	assert_string_equal(p->recipes.entries[0].key, "a");
	assert_string_equal(p->recipes.entries[2].key, "tests/project");
	assert_string_equal(p->recipes.entries[3].key, "tests/roll");
	assert_int_equal(opts_of(p, "b")->size, 1500 << 20);
	assert_string_equal(opts_of(p, "b")->text, "p-1.0");
}

static void variables(void **state)
{
	struct strv sets cleanup_strv = {0};
	struct project *p;

	put("recipes/n.yaml", "kind: demo\ntext: '${a}-$${a}-$HOME-$$-${a}$'\n");
	strv_push(&sets, "v=2=${a}");
	strv_push(&sets, "c=C");
	put("recipes/m.yaml", "kind: demo\ntext: ${f}\n");
	put("recipes/project.yaml",
	    HEAD "version: ${v}\nvars: {a: 'x${b}x', b: '${c}', c: '${d}', d: '', v: "
		 "'1', f: '${project.name}-${project.version}'}\n");
	p = good(&sets);
	assert_string_equal(opts_of(p, "n")->text, "xCx-${a}-$HOME-$$-xCx$");
	assert_string_equal(p->version, "2=${a}");
	assert_string_equal(opts_of(p, "m")->text, "p-2=${a}");
	p = good(NULL);
	assert_string_equal(opts_of(p, "n")->text, "xx-${a}-$HOME-$$-xx$");
	put("recipes/n.yaml", "kind: demo\ntext: ${d}\n");
	assert_string_equal(opts_of(good(NULL), "n")->text, "");
}

static void bad_variables(void **state)
{
	struct strv sets cleanup_strv = {0};

	put("recipes/project.yaml",
	    HEAD "vars: {arch: a, l: '${m}', m: '${l}', 1x: y, list: [a], 'n': '~'}\n");
	put("recipes/n.yaml", "kind: demo\ntext: a ${arhc}\nsize: \"${slots.root}\"\nfrom: ${}\n");
	put("recipes/o.yaml", "kind: ${what}\ntext: |\n  a\n  b ${zzzzz}\n");
	put("recipes/q.yaml", "kind: demo\ntext: ${arch:-x}\n");
	strv_push(&sets, "arhc=x");
	strv_push(&sets, "arch");
	strv_push(&sets, "zzzzz=");
	strv_push(&sets, "project.name=x");
	refuse(&sets,
	       "--set 'arch': write --set name=value [usage]\n"
	       "--set 'arhc=x': no such variable: did you mean 'arch'? [unknown-variable]\n"
	       "--set 'project.name=x': 'vars' of recipes/project.yaml has no 'project.name' "
	       "[unknown-variable]\n"
	       "--set 'zzzzz=': 'vars' of recipes/project.yaml has no 'zzzzz' [unknown-variable]\n"
	       "recipes/n.yaml:2:9: unknown variable 'arhc': did you mean 'arch'? "
	       "[unknown-variable]\n"
	       "recipes/n.yaml:3:8: unknown variable 'slots.root': define it in 'vars' of "
	       "project.yaml, or write $${slots.root} for a literal ${slots.root} "
	       "[unknown-variable]\n"
	       "recipes/n.yaml:4:7: '${' begins a variable like ${name}: write '$${' for a literal "
	       "'${' [bad-reference]\n"
	       "recipes/o.yaml:1:7: unknown variable 'what': define it in 'vars' of project.yaml, "
	       "or write $${what} for a literal ${what} [unknown-variable]\n"
	       "recipes/o.yaml:4:5: unknown variable 'zzzzz': define it in 'vars' of "
	       "project.yaml, or write $${zzzzz} for a literal ${zzzzz} [unknown-variable]\n"
	       "recipes/project.yaml:3:20: variable 'l' refers to itself [reference-cycle]\n"
	       "recipes/project.yaml:3:39: '1x' is not a variable name: use letters, digits, _ "
	       "and -, first a letter [invalid-name]\n"
	       "recipes/project.yaml:3:52: 'list' must be a text, not a list [wrong-type]\n"
	       "recipes/q.yaml:2:7: '${' with a ':' begins a value like ${node:output}: write "
	       "'$${' for a literal '${' [bad-reference]");
}

static void long_chain(void **state)
{
	struct str s cleanup_str = STR_INIT;

	str_append(&s, HEAD "vars:\n  v0: xxxxxxxx\n");
	for (int i = 1; i < 30; i++)
		str_printf(&s, "  v%d: ${v%d}${v%d}\n", i, i - 1, i - 1);
	put("recipes/project.yaml", s.buf);
	assert_null(load(NULL));
	assert_string_equal(errors.items[0]->text, "expands to more than 1048576 bytes");
	str_clear(&s);
	str_append(&s, HEAD "vars:\n  v0: ${v1}\n");
	for (int i = 1; i < 100; i++)
		str_printf(&s, "  v%d: ${v%d}\n", i, i + 1);
	str_append(&s, "  v100: x\n");
	put("recipes/project.yaml", s.buf);
	assert_null(load(NULL));
	assert_string_equal(errors.items[0]->text,
			    "variable 'v32' ends too long a chain of variables");
}

static void defects(void **state)
{
	char *out cleanup_free = path_join(dir, "recipes/out.yaml");
	char *loop cleanup_free = path_join(dir, "recipes/loop");

	put("recipes/project.yaml",
	    "schema: 2\nname: a/b\nextends: x\ntimes: soon\nslots: {root: big}\n"
	    "archives: {debian: {}}\n");
	put("recipes/a.yaml", "kind: dmeo\nzzz: [\n");
	put("recipes/b.yaml", "kind: dmeo\n");
	put("recipes/c.yaml", "txet: x\n");
	put("recipes/d.yaml", "[]\n");
	put("recipes/e.yml", "kind: demo\n");
	put("recipes/f g.yaml", "kind: demo\n");
	put("recipes/h i/j.yaml", "kind: demo\n");
	put("recipes/k.yaml", "kind: [demo]\n");
	put("recipes/l.yaml", "kind: demo\ntext: wrong\n");
	assert_int_equal(symlink("/etc/passwd", out), 0);
	assert_int_equal(symlink("../recipes", loop), 0);
	refuse(NULL,
	       "recipes/a.yaml:2:6: this '[' is not closed [not-yaml]\n"
	       "recipes/b.yaml:1:7: unknown kind 'dmeo': did you mean 'demo'? [unknown-kind]\n"
	       "recipes/c.yaml:1:1: key 'kind' is missing (one of: demo) [missing-key]\n"
	       "recipes/d.yaml:1:1: a recipe is a map of keys and values ('kind: image') "
	       "[wrong-type]\n"
	       "recipes/e.yml:1:1: recipes end in .yaml: rename the file [invalid-name]\n"
	       "recipes/f g.yaml:1:1: the name of a recipe file has 1 to 64 of the characters A-Z "
	       "a-z 0-9 . _ + -, before the @VALUE of a variant [invalid-name]\n"
	       "recipes/h i:1:1: the name of a recipe directory has 1 to 64 of the characters A-Z "
	       "a-z 0-9 . _ + - [invalid-name]\n"
	       "recipes/k.yaml:1:7: 'kind' is a single word [wrong-type]\n"
	       "recipes/loop:1:1: a link to a directory cannot hold recipes [bad-link]\n"
	       "recipes/out.yaml:1:1: 'recipes/out.yaml' leads out of the project through a link "
	       "[bad-link]\n"
	       "recipes/project.yaml:2:7: 'a/b' is not a name: use 1 to 64 of the characters A-Z "
	       "a-z 0-9 . _ + - [invalid-name]\n"
	       "recipes/project.yaml:3:1: unknown key 'extends' (known here: "
	       "schema, name, version, supplier, times, default, archives, pool, check, vars, "
	       "slots, variants) "
	       "[unknown-key]\n"
	       "recipes/project.yaml:6:20: key 'suites' is missing: The suites to take packages "
	       "from. [missing-key]");
	put("recipes/project.yaml", "schema: 2\nname: ab\ntimes: soon\nslots: {root: big}\n");
	assert_null(load(NULL));
	put("recipes/project.yaml", "schema: [\n");
	assert_null(load(NULL));
}

static void own_checks(void **state)
{
	put("recipes/project.yaml", HEAD "times: soon\nslots: {root: big, boot: 0}\n");
	put("recipes/a.yaml", "kind: demo\ntext: wrong\n");
	refuse(NULL,
	       "recipes/project.yaml:3:8: 'times' is seconds since 1970 or a date like "
	       "2026-01-31, found 'soon' [invalid-value]\n"
	       "recipes/project.yaml:4:15: slot 'root' needs a size like 512M or 2G, found 'big' "
	       "[invalid-value]\n"
	       "recipes/project.yaml:4:26: slot 'boot' needs a size like 512M or 2G, found '0' "
	       "[invalid-value]");
	put("recipes/project.yaml", HEAD);
	refuse(NULL, "recipes/a.yaml:2:7: node 'a' of 'p' is wrong [invalid-value]");
	put("recipes/project.yaml", "schema: 2\nname: p\n");
	refuse(NULL, "recipes/project.yaml:1:9: schema 2 is not known to this orch (it knows 1): "
		     "use a newer orch [schema-version]");
}

static void explain(const struct err *e, const char *expected)
{
	struct str s cleanup_str = STR_INIT;

	recipe_explain(dir, e, &s);
	assert_string_equal(s.buf, expected);
}

static void explains(void **state)
{
	struct err e = {.code = E_NOT_YAML,
			.text = (char *)"bad \x1b[31m",
			.file = (char *)"recipes/a.yaml",
			.line = 2,
			.col = 10};
	struct str s cleanup_str = STR_INIT;

	put("recipes/a.yaml", "kind: demo\n\xe4\xb8\xad\xc3\xa9\t\x1b\xff text: zzz\r\nlast");
	explain(&e, "recipes/a.yaml:2:10: bad \\x1b[31m [not-yaml]\n"
		    "     2 | \xe4\xb8\xad\xc3\xa9 ?? text: zzz\n"
		    "       |           ^\n");
	e.line = 3;
	e.col = 5;
	explain(&e,
		"recipes/a.yaml:3:5: bad \\x1b[31m [not-yaml]\n     3 | last\n       |     ^\n");
	e.line = 9;
	explain(&e, "recipes/a.yaml:9:5: bad \\x1b[31m [not-yaml]\n");
	e.file = NULL;
	explain(&e, "bad \\x1b[31m [not-yaml]\n");
	for (int i = 0; i < 500; i++)
		str_printf(&s, "%03d ", i);
	put("recipes/b.yaml", s.buf);
	e.file = (char *)"recipes/b.yaml";
	e.line = 1;
	e.col = 1001;
	recipe_explain(dir, &e, &s);
	assert_non_null(strstr(s.buf, "\n     1 | ...7 238 239 "));
	assert_non_null(strstr(s.buf, "   ^\n"));
}

/* A template cannot grow without end, whatever its names stand for. */
static void template_grows(void **state)
{
	struct str text cleanup_str = STR_INIT, filled cleanup_str = STR_INIT;
	struct value_refs values = {0};
	struct project *p;

	str_printf(&text, HEAD "vars: {long: %0*d}\n", 5000, 0);
	put("recipes/project.yaml", text.buf);
	p = good(NULL);
	str_clear(&text);
	for (int i = 0; i < 900; i++)
		str_append(&text, "{{vars.long}}\n");
	assert_int_equal(
		template_fill(arena, p, "t", text.buf, 14 * 800, &filled, &values, &errors), 0);
	assert_int_equal(filled.len, 800 * 5001);
	str_clear(&filled);
	assert_int_equal(
		template_fill(arena, p, "t", text.buf, text.len, &filled, &values, &errors), 1);
	assert_string_equal(errors.items[0]->text, "the template grows to more than 4194304 bytes");
	assert_int_equal(errors.items[0]->line, 839);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_root, setup, teardown),
		cmocka_unit_test_setup_teardown(loads, setup, teardown),
		cmocka_unit_test_setup_teardown(variables, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_variables, setup, teardown),
		cmocka_unit_test_setup_teardown(long_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(defects, setup, teardown),
		cmocka_unit_test_setup_teardown(own_checks, setup, teardown),
		cmocka_unit_test_setup_teardown(explains, setup, teardown),
		cmocka_unit_test_setup_teardown(template_grows, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
