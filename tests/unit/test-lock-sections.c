/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kinds/debian/lock_sections.h"
#include "lock-fixture.h"

#define PROJECT                                             \
	"schema: 1\nname: t\n"                              \
	"archives: {debian: {suites: [trixie]}}\n"          \
	"variants:\n"                                       \
	"  board: {pi: {arch: arm64}, pc: {arch: amd64}}\n" \
	"  flavour: {release: {more: bb}, dev: {more: cc}}\n"
#define RECIPE "kind: debian\narch: ${arch}\npackages: [aa, \"${more}\"]\n"

/* Variant N of the project: pi release, pi dev, pc release, pc dev. */
static struct project *variant(struct arena *arena, size_t n)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv sets = {0};
	struct project *p;

	put("recipes/project.yaml", PROJECT, strlen(PROJECT));
	put("recipes/n.yaml", RECIPE, strlen(RECIPE));
	p = project_load(arena, dir, kinds, &sets, &errors);
	p = p && n ? project_load_variant(arena, p, kinds, &sets, n, &errors) : p;
	assert_non_null(p);
	assert_int_equal(errors.count, 0);
	return p;
}

static struct digest request_of(struct arena *arena, size_t n)
{
	const struct project *p = variant(arena, n);
	const struct recipe *r = map_get(&p->recipes, "n");
	struct err *err = NULL;
	struct digest d;

	assert_int_equal(debian_request(arena, p, r->opts, &d, &err), 0);
	return d;
}

/* What the lock of a variant may look like, with a word to tell it by. */
static const char *section(struct arena *arena, size_t n, const char *word)
{
	struct digest d = request_of(arena, n);
	char hex[DIGEST_HEX + 1];

	return arena_printf(arena, "orch-lock 2\n# comment\nrequest %s\narch %s\nword %s\n",
			    digest_hex(&d, hex), n < 2 ? "arm64" : "amd64", word);
}

static struct lock_section found(struct arena *arena, size_t n, const char *text, bool *answers,
				 int rc)
{
	struct lock_section s = {0};

	assert_int_equal(
		lock_section_of(arena, variant(arena, n), "n", text, strlen(text), &s, answers),
		rc);
	return s;
}

static bool has(const struct lock_section *s, const char *word)
{
	return memmem(s->text, s->len, word, strlen(word)) != NULL;
}

static void each_variant_has_its_own(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str text cleanup_str = STR_INIT;
	struct lock_section s;
	bool answers;

	str_append(&text, section(arena, 2, "pc"));
	str_append(&text, section(arena, 0, "pi"));
	s = found(arena, 0, text.buf, &answers, 0);
	assert_true(answers && has(&s, "word pi") && !has(&s, "word pc"));
	assert_int_equal(s.line, 6);
	s = found(arena, 2, text.buf, &answers, 0);
	assert_true(answers && has(&s, "word pc") && !has(&s, "word pi"));
	assert_int_equal(s.line, 1);
	s = found(arena, 1, text.buf, &answers, 0); /* not locked: what is like it */
	assert_true(!answers && has(&s, "word pi"));
}

static void another_architecture_is_no_lock(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	bool answers;

	found(arena, 0, section(arena, 2, "pc"), &answers, 1);
	assert_false(answers);
}

static void a_section_takes_the_place_of_its_request(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str one cleanup_str = STR_INIT, two cleanup_str = STR_INIT,
		       same cleanup_str = STR_INIT;
	struct lock_section s;
	bool answers;

	lock_sections_replace("", 0, section(arena, 0, "old"), &one);
	lock_sections_replace(one.buf, one.len, section(arena, 2, "pc"), &two);
	assert_true(strstr(two.buf, "arch amd64") < strstr(two.buf, "arch arm64"));
	lock_sections_replace(two.buf, two.len, section(arena, 0, "new"), &same);
	assert_null(strstr(same.buf, "word old"));
	s = found(arena, 0, same.buf, &answers, 0);
	assert_true(answers && has(&s, "word new"));
	s = found(arena, 2, same.buf, &answers, 0);
	assert_true(answers && has(&s, "word pc"));
}

static void what_nobody_asks_for_goes(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str text cleanup_str = STR_INIT, swept cleanup_str = STR_INIT,
			again cleanup_str = STR_INIT, more cleanup_str = STR_INIT;
	struct digest asked[] = {request_of(arena, 0), request_of(arena, 3), request_of(arena, 1)};

	for (size_t i = 0; i < 4; i++)
		str_append(&text, section(arena, i, i % 3 ? "gone" : "kept"));
	assert_int_equal(lock_sections_sweep(text.buf, text.len, asked, 2, &swept), 0);
	assert_null(strstr(swept.buf, "gone"));
	assert_non_null(strstr(swept.buf, "kept"));
	assert_int_equal(lock_sections_sweep(swept.buf, swept.len, asked, 2, &again), 1);
	/* As long as one is not locked, what it had before may be among them. */
	str_append(&swept, "orch-lock 2\n# comment\nrequest before\narch arm64\n");
	assert_int_equal(lock_sections_sweep(swept.buf, swept.len, asked, 3, &more), 1);
	assert_non_null(strstr(more.buf, "request before"));
}

static void a_changed_recipe_finds_what_it_had(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str text cleanup_str = STR_INIT;
	struct lock_section s;
	bool answers;

	str_append(&text, section(arena, 0, "release"));
	str_append(&text, "want aa aa\nwant bb bb\n");
	str_append(&text, "orch-lock 2\n# comment\nrequest before\narch arm64\nword dev\n"
			  "want aa aa\nwant cc cc\nwant dd dd\n");
	s = found(arena, 1, text.buf, &answers, 0);
	assert_true(!answers && has(&s, "word dev"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(each_variant_has_its_own),
		DIR_TEST(another_architecture_is_no_lock),
		DIR_TEST(a_section_takes_the_place_of_its_request),
		DIR_TEST(what_nobody_asks_for_goes),
		DIR_TEST(a_changed_recipe_finds_what_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
