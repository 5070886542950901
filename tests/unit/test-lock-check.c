/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "lock-fixture.h"

#define PROJECT                                \
	"schema: 1\nname: t\nversion: \"1\"\n" \
	"archives: {debian: {suites: [trixie, trixie-updates], components: [main]}%s}\n"
#define TOOLS "tool debian tt 1 all pool/tt.deb 5 " SUM " tt 1 0 -\n"
#define WANTS "want ?essential bb\nwant ?tools tt:all\n"
#define WHOLE ARCHIVE WANTS WANT A B TOOLS

static struct project *small_project(struct arena *arena, const char *more, const char *recipe)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv sets = {0};
	char *project cleanup_free = xasprintf(PROJECT, more);
	struct project *p;

	put("recipes/project.yaml", project, strlen(project));
	put("recipes/n.yaml", recipe, strlen(recipe));
	p = project_load(arena, dir, kinds, &sets, &errors);
	assert_non_null(p);
	assert_int_equal(errors.count, 0);
	return p;
}

/* Locks node NAME with BODY behind the head that its recipe asks for. */
static void put_lock(struct arena *arena, const struct project *p, const char *name,
		     const char *body)
{
	const struct recipe *r = map_get(&p->recipes, name);
	struct digest request;
	char hex[DIGEST_HEX + 1];
	struct err *err = NULL;
	char *whole cleanup_free = NULL, *text cleanup_free = NULL;

	assert_int_equal(debian_request(arena, p, r->opts, &request, &err), 0);
	whole = xasprintf(START "request %s\narch arm64\ndate 1700000000\n%s",
			  digest_hex(&request, hex), body);
	text = seal(whole);
	put(debian_lock_path(arena, name), text, strlen(text));
}

static void expect(struct arena *arena, const struct project *p, const char *name, const char *body,
		   const char *says)
{
	struct err_list errors cleanup_err_list = {0};
	struct str said cleanup_str = STR_INIT;

	put_lock(arena, p, name, body);
	lock_check(arena, p, map_get(&p->recipes, name), &errors);
	for (size_t i = 0; i < errors.count; i++) {
		char *one cleanup_free = err_string(errors.items[i]);

		str_printf(&said, "%s\n", one);
	}
	if (!strstr(said.buf, says) || (errors.count && !*says))
		fail_msg("'%s' does not say '%s'", said.buf, says);
}

static void test_whole(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = small_project(arena, "", "kind: debian\narch: arm64\npackages: [aa]\n");

	(void)state;
	expect(arena, p, "n", WHOLE, "");
	expect(arena, p, "n", ARCHIVE WANTS A B TOOLS,
	       "recipes/n.yaml:3:12: 'aa' is not in recipes/n.lock: run 'orch lock n'");
	expect(arena, p, "n", ARCHIVE WANTS "want aa -\n" B TOOLS,
	       "recipes/n.yaml:3:12: 'aa' has no package in recipes/n.lock: run 'orch lock n'");
	expect(arena, p, "n", ARCHIVE WANTS WANT A TOOLS, "needs 'bb', which the lock has lost");
	expect(arena, p, "n", ARCHIVE WANTS WANT B TOOLS, "the recipe needs 'aa', which the lock");
	expect(arena, p, "n", ARCHIVE WANTS WANT A B, "needs '?tools tt:all', which the lock");
	expect(arena, p, "n", ARCHIVE "want ?essential bb\n" WANT A B TOOLS, "'?tools' is not in");
	expect(arena, p, "n", ARCHIVE "want ?tools tt:all\n" WANT A B TOOLS, "'?essential' is not");
	expect(arena, p, "n", WANTS WANT A B TOOLS, "has lost the line of archive 'debian'");
	expect(arena, p, "n", ARCHIVE "archive old xx - debian\n" WANTS WANT A B TOOLS,
	       "nothing in the lock is of archive 'old'");
	expect(arena, p, "n",
	       ARCHIVE WANTS WANT A B "package debian cc 1 all pool/cc.deb 5 " SUM
				      " cc 1 0 -\n" TOOLS,
	       "recipes/n.lock:12:1: nothing in the lock needs 'cc'");
	expect(arena, p, "n",
	       ARCHIVE WANTS WANT A B "package debian bb 2 arm64 pool/cc.deb 5 " SUM
				      " bb 2 0 -\n" TOOLS,
	       "'bb' is in the lock twice");
	expect(arena, p, "n", ARCHIVE WANTS WANT "want other aa\n" A B TOOLS,
	       "the recipe does not ask for 'other'");
	expect(arena, p, "n",
	       ARCHIVE WANTS WANT A "package debian bb 1 amd64 pool/bb.deb 6 " SUM
				    " bb 1 0 -\n" TOOLS,
	       "'bb' is of architecture 'amd64', not 'arm64'");
}

static void test_versions_asked_for(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = small_project(
		arena, "", "kind: debian\narch: arm64\npackages: [aa=1, bb/trixie-updates]\n");

	(void)state;
	expect(arena, p, "n", ARCHIVE WANTS "want aa=1 aa\nwant bb/trixie-updates bb\n" A B TOOLS,
	       "");
	expect(arena, p, "n", ARCHIVE WANTS "want aa=1 aa\n" A B TOOLS,
	       "recipes/n.yaml:3:18: 'bb/trixie-updates' is not in");
	expect(arena, p, "n",
	       ARCHIVE WANTS "want aa=1 aa\nwant bb/trixie-updates bb\n"
			     "package debian aa 2 all pool/aa.deb 5 " SUM " src 1-1 7 bb\n" B TOOLS,
	       "recipes/n.yaml:3:12: 'aa=1' is 2 in recipes/n.lock");
}

/* What others do in project.yaml makes no lock stale whose archives are as they were. */
static void test_archives(void **state)
{
	static const char recipe[] = "kind: debian\narch: arm64\npackages: [aa]\n";
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = small_project(arena, "", recipe);

	(void)state;
	put("keys/own.gpg", "one", 3);
	expect(arena, p, "n", WHOLE, "");
	p = small_project(arena, ", own: {suites: [xx], components: [y], keyring: keys/own.gpg}",
			  recipe);
	assert_int_equal(count_errors(arena, p, "n"), 0);
	expect(arena, p, "n", "archive debian trixie main debian\n" WANTS WANT A B TOOLS,
	       "(the suites of archive 'debian' have changed)");
	expect(arena, p, "n",
	       "archive debian trixie,trixie-updates main,contrib debian\n" WANTS WANT A B TOOLS,
	       "(the components of archive 'debian' have changed)");
	expect(arena, p, "n",
	       "archive debian trixie,trixie-updates main " SUM "\n" WANTS WANT A B TOOLS,
	       "(the keys of archive 'debian' have changed)");
	expect(arena, p, "n",
	       "archive gone trixie,trixie-updates main debian\n" WANTS WANT
	       "package gone aa 1 all pool/aa.deb 5 " SUM " src 1-1 7 bb\n"
	       "package gone bb 1~rc1 arm64 pool/bb.deb 6 " SUM " bb 1 0 -\n"
	       "tool gone tt 1 all pool/tt.deb 5 " SUM " tt 1 0 -\n",
	       "archive 'gone', which recipes/project.yaml lacks");
}

/* A lock on top of another depends on what that pins, not on its words. */
static void test_lock_on_a_lock(void **state)
{
	static const char top[] = "kind: debian\narch: arm64\nfrom: n\npackages: [xx]\n";
	static const char body[] =
		ARCHIVE "want ?essential -\nwant ?tools tt:all\nwant xx xx\n"
			"package debian xx 1 all pool/xx.deb 5 " SUM " xx 1 0 aa\n" TOOLS;
	struct arena *arena cleanup_arena = arena_new();
	struct project *p;

	(void)state;
	put("recipes/top.yaml", top, strlen(top));
	p = small_project(arena, "", "kind: debian\narch: arm64\npackages: [aa]\n");
	put_lock(arena, p, "n", WHOLE);
	expect(arena, p, "top", body, "");
	put_lock(arena, p, "n",
		 ARCHIVE "want ?essential bb\nwant ?tools tt:all\n" WANT
			 "package debian aa 1 all pool/moved/aa.deb 5 " SUM " src 1-1 8 bb\n" B
			 "tool debian tt 2 all pool/tt.deb 5 " SUM " tt 2 0 -\n");
	assert_int_equal(count_errors(arena, p, "top"), 0);
	put_lock(arena, p, "n",
		 ARCHIVE WANTS WANT "package debian aa 2 all pool/aa.deb 5 " SUM
				    " src 1-1 7 bb\n" B TOOLS);
	assert_int_equal(count_errors(arena, p, "top"), 1); /* stale */
	expect(arena, p, "top",
	       ARCHIVE "want ?essential -\nwant ?tools tt:all\nwant xx xx\n"
		       "package debian xx 1 all pool/xx.deb 5 " SUM " xx 1 0 aa,gone\n" TOOLS,
	       "'xx' needs 'gone', which the lock has lost");
}

/* What is taken in place of the base's is as little to be lost as what the base does not have. */
static void test_lock_in_place_of_another(void **state)
{
#define WANTED "want ?essential -\n"
#define MORE "want ?tools tt:all\nwant aa/trixie-updates aa\n"
	static const char top[] =
		"kind: debian\narch: arm64\nfrom: n\npackages: [aa/trixie-updates]\n";
	struct arena *arena cleanup_arena = arena_new();
	struct project *p;

	(void)state;
	put("recipes/top.yaml", top, strlen(top));
	p = small_project(arena, "", "kind: debian\narch: arm64\npackages: [aa]\n");
	put_lock(arena, p, "n", WHOLE);
	expect(arena, p, "top", ARCHIVE WANTED "want ?moved bb\n" MORE A B TOOLS, "");
	expect(arena, p, "top", ARCHIVE WANTED "want ?moved bb\n" MORE A TOOLS,
	       "the recipe needs 'bb', which the lock has lost");
	expect(arena, p, "top", ARCHIVE WANTED MORE TOOLS,
	       "the recipe needs 'aa', which the lock has lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(test_whole),
		DIR_TEST(test_versions_asked_for),
		DIR_TEST(test_archives),
		DIR_TEST(test_lock_on_a_lock),
		DIR_TEST(test_lock_in_place_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
