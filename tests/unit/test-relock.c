/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kinds/debian/relock.h"
#include "lock-fixture.h"

static int parse_text(struct arena *arena, const char *text, struct debian_lock *ret,
		      struct err **err)
{
	return debian_lock_parse(arena, "recipes/x.lock", text, strlen(text), ret, err);
}

static int parse(struct arena *arena, const char *body, struct debian_lock *ret, struct err **err)
{
	char *text cleanup_free = seal(body);

	return parse_text(arena, text, ret, err);
}

static void test_round_trip(void **state)
{
	static const char body[] = HEAD ARCHIVE
		"archive own ./ - " SUM " valid-until:ignore\n"
		"want ?tools qq:amd64\nwant aa/trixie aa\nwant source:s s.tar.xz\n" A B
		"source own s 1 source pool/s.tar.xz 9 " SUM "\n"
		"tool debian qq 1:10+ds-1 amd64 pool/Blank%20Tool%20100%25%C3%A4.deb 7 " SUM
		" qq 1 8 -\n";
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0};
	struct str again cleanup_str = STR_INIT;
	char *text cleanup_free = seal(body);
	struct err *err = NULL;

	(void)state;
	assert_int_equal(parse_text(arena, text, &l, &err), 0);
	assert_int_equal(l.date, 1700000000);
	assert_int_equal(l.archives.count, 2);
	assert_string_equal(l.archives.items[0].suite, "trixie");
	assert_false(l.archives.items[0].own_keys);
	assert_true(l.archives.items[1].own_keys);
	assert_false(l.archives.items[0].valid_until_ignored);
	assert_true(l.archives.items[1].valid_until_ignored);
	assert_int_equal(l.entries.count, 4);
	assert_string_equal(l.entries.items[0].source, "src");
	assert_string_equal(l.entries.items[0].source_version, "1-1");
	assert_int_equal(l.entries.items[0].installed, 7);
	assert_string_equal(l.entries.items[0].needs, "bb");
	assert_string_equal(l.entries.items[1].needs, "");
	assert_int_equal(l.entries.items[2].type, LOCK_SOURCE);
	assert_string_equal(l.entries.items[3].path, "pool/Blank Tool 100%\xc3\xa4.deb");
	debian_lock_format(&l, &again);
	assert_string_equal(again.buf, text);
}

/* ---- damage ---- */

static void refuse_text(const char *text, size_t len, unsigned line, const char *says)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0};
	struct err *err cleanup_err = NULL;

	assert_int_equal(debian_lock_parse(arena, "recipes/x.lock", text, len, &l, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
	assert_string_equal(err->file, "recipes/x.lock");
	assert_true(err->line > 0);
	if (line)
		assert_int_equal(err->line, line);
	if (!strstr(err->text, says))
		fail_msg("'%s' does not say '%s'", err->text, says);
}

static void refuse(const char *body, unsigned line, const char *says)
{
	char *text cleanup_free = seal(body);

	refuse_text(text, strlen(text), line, says);
}

static void test_damaged_lines_are_named(void **state)
{
	static const char pin[] = "package debian aa 1 all pool/aa.deb 5 " SUM " aa 1 0 -\n";

	(void)state;
	refuse_text("", 0, 1, "the lock is empty");
	refuse("", 1, "first line is not 'orch-lock 2'");
	refuse("orch-lock 1\n", 1, "an older orch: run 'orch lock', which keeps its pins");
	refuse("orch-lock 3\n", 1, "first line is not 'orch-lock 2'");
	refuse("orch-lock 2\n", 2, "cut short");
	refuse(START, 3, "cut short");
	refuse(HEAD "surprise\n", 6, "malformed line: restore the file");
	refuse(HEAD "# a comment\n", 6, "malformed line");
	refuse(HEAD "\n", 6, "malformed line");
	refuse(HEAD "archive debian trixie main\n", 6, "malformed line");
	refuse(HEAD "archive debian trixie main debian valid-until\n", 6, "malformed line");
	refuse(HEAD "want aa\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all pool/aa.deb 5 short aa 1 0 -\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all pool/aa.deb 5 " SUM "\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all ../aa.deb 5 " SUM " aa 1 0 -\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all /aa.deb 5 " SUM " aa 1 0 -\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all %61.deb 5 " SUM " aa 1 0 -\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all aa%0a.deb 5 " SUM " aa 1 0 -\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all aa%00.deb 5 " SUM " aa 1 0 -\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all pool/aa.deb -5 " SUM " aa 1 0 -\n", 6,
	       "malformed line");
	refuse(HEAD "package debian $(aa) 1 all pool/aa.deb 5 " SUM " aa 1 0 -\n", 6, "malformed");
	refuse(HEAD "package  debian aa 1 all pool/aa.deb 5 " SUM " aa 1 0 -\n", 6,
	       "malformed line");
	refuse(HEAD "source debian aa 1 arm64 pool/aa 5 " SUM "\n", 6, "malformed line");
	refuse(HEAD "package debian aa 1 all pool/aa.deb 05 " SUM " aa 1 0 -\n", 6,
	       "not where or as");
	refuse(HEAD B A, 6, "not where or as");
	refuse(HEAD "date 1\n", 5, "not where or as");
	refuse_text(HEAD ARCHIVE, strlen(HEAD ARCHIVE), 6, "its last line is not a digest");
	refuse_text(HEAD "digest " SUM "\n", strlen(HEAD "digest " SUM "\n"), 6, "digest differs");
	refuse_text(HEAD "digest " SUM, strlen(HEAD "digest " SUM), 6, "cut short");
	{
		char *twice cleanup_free = xasprintf("%s%s%s", HEAD, pin, pin);

		refuse(twice, 7, "the line is there twice");
	}
}

static void test_line_ends(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0}, crlf cleanup_lock = {0};
	struct str text cleanup_str = STR_INIT, one cleanup_str = STR_INIT,
			two cleanup_str = STR_INIT;
	char *lf cleanup_free = seal(HEAD ARCHIVE WANT A B);
	struct err *err = NULL;

	(void)state;
	for (const char *p = lf; *p; p++) {
		if (*p == '\n')
			str_append_char(&text, '\r');
		str_append_char(&text, *p);
	}
	assert_int_equal(parse_text(arena, lf, &l, &err), 0);
	assert_int_equal(parse_text(arena, text.buf, &crlf, &err), 0);
	debian_lock_format(&l, &one);
	debian_lock_format(&crlf, &two);
	assert_string_equal(one.buf, two.buf);
	memmove(strstr(text.buf, "\r\nwant"), "\n\nwant", 6); /* one of them lost */
	refuse_text(text.buf, text.len, 6, "its end is not CRLF");
}

static void test_conflict_of_a_merge(void **state)
{
	static const char ours[] = HEAD "<<<<<<< HEAD\n" A "=======\n" B ">>>>>>> other\n";

	(void)state;
	refuse_text(ours, strlen(ours), 6, "conflict of a merge in it: take one side whole");
	refuse_text("<<<<<<< HEAD\r\n", 14, 1, "conflict of a merge");
}

/* ---- a real lock, damaged at random ---- */

static struct str real = STR_INIT;

static void copy(const char *name)
{
	struct str text cleanup_str = STR_INIT;
	char *path cleanup_free = path_join(SOURCE_ROOT, name);
	struct err *err = NULL;

	assert_int_equal(file_read(path, SIZE_MAX / 2, &text, &err), 0);
	put(name, text.buf, text.len);
}

/* The node 'minimal' of this project, and its lock, in DIR. */
static struct project *real_project(struct arena *arena)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv sets = {0};
	char *path cleanup_free = path_join(SOURCE_ROOT, "recipes/minimal.lock");
	struct project *p;
	struct err *err = NULL;

	copy("recipes/project.yaml");
	copy("recipes/minimal.yaml");
	copy("recipes/minimal.lock");
	str_clear(&real);
	assert_int_equal(file_read(path, SIZE_MAX / 2, &real, &err), 0);
	p = project_load(arena, dir, kinds, &sets, &errors);
	assert_non_null(p);
	return p;
}

/* Neither taken for a lock nor for none: 'orch lock' refuses before it asks anybody. */
static void refuse_everywhere(struct project *p, const char *text, size_t len)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str report cleanup_str = STR_INIT, after cleanup_str = STR_INIT;
	const struct recipe *r = map_get(&p->recipes, "minimal");
	char *path cleanup_free = path_join(dir, "recipes/minimal.lock");
	char *cache cleanup_free = path_join(dir, "cache");

	put("recipes/minimal.lock", text, len);
	for (int update = 0; update < 2; update++) {
		struct relock_opts opts = {.update = update, .offline = true, .cache_dir = cache};
		struct err *err cleanup_err = NULL;

		assert_int_equal(relock_node(arena, p, r, &opts, &report, &err), -1);
		assert_string_equal(err->file, "recipes/minimal.lock");
		assert_true(err->line > 0);
	}
	assert_int_equal(file_read(path, SIZE_MAX / 2, &after, &(struct err *){NULL}), 0);
	assert_int_equal(after.len, len);
	assert_memory_equal(after.buf, text, len);
}

static void test_any_byte(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = real_project(arena);
	struct str bad cleanup_str = STR_INIT;

	(void)state;
	srandom(7);
	for (int i = 0; i < 1500; i++) {
		size_t at = (size_t)random() % real.len;
		char was;

		str_clear(&bad);
		str_append_len(&bad, real.buf, real.len);
		was = bad.buf[at];
		bad.buf[at] ^= i % 2 ? (char)(1 << random() % 8) : (char)(1 + random() % 255);
		assert_true(bad.buf[at] != was);
		refuse_text(bad.buf, bad.len, 0, "");
		if (i % 100 == 0)
			refuse_everywhere(p, bad.buf, bad.len);
	}
}

static void test_any_length(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = real_project(arena);

	(void)state;
	srandom(8);
	for (size_t len = 0; len < 600; len++) {
		refuse_text(real.buf, len, 0, "");
		refuse_text(real.buf, real.len - 1 - len, 0, "");
		refuse_text(real.buf, (size_t)random() % real.len, 0, "");
		if (len % 50 == 0)
			refuse_everywhere(p, real.buf, len);
	}
}

/* The start of each line of REAL, and its end. */
static size_t find_lines(const char **ret, size_t max)
{
	size_t n = 0;

	for (const char *l = real.buf; *l && n < max; l = strchr(l, '\n') + 1)
		ret[n++] = l;
	ret[n] = real.buf + real.len;
	return n;
}

static void append_lines(struct str *out, const char *const *lines, size_t from, size_t to)
{
	str_append_len(out, lines[from], (size_t)(lines[to] - lines[from]));
}

static void test_any_line(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = real_project(arena);
	const char *lines[4097];
	size_t n = find_lines(lines, 4096);
	struct str bad cleanup_str = STR_INIT;

	(void)state;
	assert_true(n > 100);
	srandom(9);
	for (size_t i = 0; i < n; i++) {
		size_t k = (i + 1 + (size_t)random() % (n - 1)) % n, a = i < k ? i : k,
		       b = i < k ? k : i;

		str_clear(&bad); /* removed */
		append_lines(&bad, lines, 0, i);
		append_lines(&bad, lines, i + 1, n);
		refuse_text(bad.buf, bad.len, 0, "");
		if (i % 20 == 0)
			refuse_everywhere(p, bad.buf, bad.len);
		str_clear(&bad); /* twice */
		append_lines(&bad, lines, 0, i + 1);
		append_lines(&bad, lines, i, n);
		refuse_text(bad.buf, bad.len, 0, "");
		str_clear(&bad); /* swapped */
		append_lines(&bad, lines, 0, a);
		append_lines(&bad, lines, b, b + 1);
		append_lines(&bad, lines, a + 1, b);
		append_lines(&bad, lines, a, a + 1);
		append_lines(&bad, lines, b + 1, n);
		refuse_text(bad.buf, bad.len, 0, "");
	}
}

/* ---- what a lock must have ---- */

/* Whoever takes a line away and makes the digest fit is found out all the same. */
static void test_lost_line_with_its_digest(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct project *p = real_project(arena);
	const char *lines[4097];
	size_t n = find_lines(lines, 4096);

	(void)state;
	assert_int_equal(count_errors(arena, p, "minimal"), 0);
	for (size_t i = 2; i + 1 < n; i++) {
		struct str body cleanup_str = STR_INIT;
		char *text cleanup_free = NULL;

		append_lines(&body, lines, 0, i);
		append_lines(&body, lines, i + 1, n - 1);
		text = seal(body.buf);
		put("recipes/minimal.lock", text, strlen(text));
		assert_int_not_equal(count_errors(arena, p, "minimal"), 0);
	}
}

/* ---- format 1 ---- */

static void test_format_1_keeps_its_pins(void **state)
{
	static const char text[] =
		"orch-lock 1\n# Made by 'orch lock'; what the recipe's packages are, exactly.\n"
		"request " SUM "\narch arm64\ndate 1700000000\narchive own stable own-keys\n"
		"package own aa 1 all pool/aa.deb 5 " SUM "\nsource own s 1 source pool/s 5 " SUM
		"\n";
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0};
	struct err *err cleanup_err = NULL, *damaged cleanup_err = NULL;

	(void)state;
	put("recipes/n.lock", text, strlen(text));
	assert_int_equal(debian_lock_read(arena, &(struct project){.dir = dir}, "n", &l, &err), -1);
	assert_non_null(strstr(err->text, "run 'orch lock', which keeps its pins"));
	assert_int_equal(debian_lock_read_any(arena, &(struct project){.dir = dir}, "n", &l,
					      &(struct err *){NULL}),
			 0);
	assert_int_equal(l.format, 1);
	assert_int_equal(l.entries.count, 2);
	assert_string_equal(l.entries.items[0].version, "1");
	assert_null(l.entries.items[0].source);
	put("recipes/n.lock", text, strlen(text) - 20);
	debian_lock_clear(&l);
	assert_int_equal(
		debian_lock_read_any(arena, &(struct project){.dir = dir}, "n", &l, &damaged), -1);
	assert_int_equal(damaged->line, 8);
	assert_int_equal(debian_lock_read_any(arena, &(struct project){.dir = dir}, "none", &l,
					      &(struct err *){NULL}),
			 1);
}

static void test_diff(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock old cleanup_lock = {0}, now cleanup_lock = {0}, none cleanup_lock = {0};
	struct debian_lock one cleanup_lock = {0};
	struct str diff cleanup_str = STR_INIT;
	struct map why cleanup_map = {0};
	struct err *err = NULL;

	(void)state;
	assert_int_equal(parse(arena,
			       HEAD "package debian aa 1 all pool/aa.deb 5 " SUM " aa 1 0 -\n"
				    "package debian bb 1 all pool/bb.deb 5 " SUM " bb 1 0 -\n",
			       &old, &err),
			 0);
	assert_int_equal(parse(arena,
			       HEAD "package debian bb 2 all pool/bb.deb 5 " SUM " bb 1 0 -\n"
				    "package debian cc 1 all pool/cc.deb 5 " SUM " cc 1 0 -\n",
			       &now, &err),
			 0);
	debian_lock_diff(&old, &now, NULL, &diff);
	assert_string_equal(diff.buf, "- aa 1\n~ bb 1 -> 2\n+ cc 1\n");
	str_clear(&diff);
	map_set(&why, "bb", "the archive no longer has 1");
	debian_lock_diff(&old, &now, &why, &diff);
	assert_string_equal(diff.buf, "- aa 1\n~ bb 1 -> 2: the archive no longer has 1\n+ cc 1\n");
	str_clear(&diff);
	debian_lock_diff(&now, &now, NULL, &diff);
	assert_string_equal(diff.buf, "");
	debian_lock_diff(&none, &now, NULL, &diff);
	assert_string_equal(diff.buf, "2 packages, 10 B to download\n");
	str_clear(&diff);
	assert_int_equal(parse(arena,
			       HEAD "package debian aa 1 all pool/aa.deb 5 " SUM " aa 1 0 -\n",
			       &one, &err),
			 0);
	debian_lock_diff(&none, &one, NULL, &diff);
	assert_string_equal(diff.buf, "1 package, 5 B to download\n");
}

static void test_words(void **state)
{
	static const char *const bad[] = {"",    "-x",    "x",      "?all", "a b",   "aa/",
					  "aa=", "aa=-1", "aa/b c", "aa+-", "aa/-b", "aa=1=2"};
	struct arena *arena cleanup_arena = arena_new();
	struct package_word w;

	(void)state;
	assert_int_equal(package_word_parse(arena, "libc6", &w), 0);
	assert_null(w.suite);
	assert_null(w.version);
	assert_int_equal(package_word_parse(arena, "g++=4:14.2.0-1~a", &w), 0);
	assert_string_equal(w.name, "g++");
	assert_string_equal(w.version, "4:14.2.0-1~a");
	assert_int_equal(package_word_parse(arena, "aa/trixie-backports", &w), 0);
	assert_string_equal(w.suite, "trixie-backports");
	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(package_word_parse(arena, bad[i], &w), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged_lines_are_named),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_conflict_of_a_merge),
		DIR_TEST(test_any_byte),
		DIR_TEST(test_any_length),
		DIR_TEST(test_any_line),
		DIR_TEST(test_lost_line_with_its_digest),
		DIR_TEST(test_format_1_keeps_its_pins),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_words),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	str_release(&real);
	return failed;
}
