/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a run is laid out at the bottom of a terminal, and what is shown of logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/utf8.h"
#include "cli/log_text.h"
#include "cli/progress_layout.h"

static const struct paint no_paint = {"", "", "", "", "", ""};
static const struct paint some_paint = {"\033[1m",  "\033[2m",  "\033[31m",
					"\033[32m", "\033[33m", "\033[0m"};

static const struct view_node nodes[] = {
	{"base", 48, 70, false, 63, "Setting up systemd (257.9-1~deb13u1) ..."},
	{"kernel", 12.4, 180, true, -1, "  CC      drivers/mmc/core/mmc.o"},
	{"tests/rollback", 3700, 60, false, 100,
	 "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"},
	{"漢字", 0, -1, false, -1, NULL},
};
static const struct view busy = {.done = 6,
				 .total = 17,
				 .failed = 1,
				 .elapsed = 65,
				 .left = 125,
				 .guessed = true,
				 .loaded = 12 * 1024 * 1024,
				 .rate = 3 * 1024 * 1024,
				 .nodes = nodes,
				 .node_count = array_len(nodes)};

static char *lay_out(const struct view *v, unsigned columns, unsigned rows, bool utf8,
		     const struct paint *paint)
{
	struct screen screen = {columns, rows, utf8, paint};
	struct str s = STR_INIT;

	progress_layout(v, &screen, &s);
	return str_steal(&s);
}

/* Columns of the line at TEXT without colours; *RET_NEXT: the next line. */
static unsigned line_width(const char *text, const char **ret_next)
{
	const char *nl = strchr(text, '\n');
	struct utf8 u;
	unsigned width = 0;
	bool escape = false;

	assert_non_null(nl);
	u = utf8_start(text, (size_t)(nl - text));
	while (utf8_next(&u)) {
		assert_false(u.bad);
		escape = escape || u.code == '\033';
		width += escape ? 0 : utf8_width(u.code);
		escape = escape && u.code != 'm';
	}
	*ret_next = nl + 1;
	return width;
}

static void fits_everywhere(void **state)
{
	const struct paint *paints[] = {&no_paint, &some_paint};

	for (unsigned i = 0; i < 4; i++) {
		for (unsigned columns = 1; columns <= 300; columns++) {
			for (unsigned rows = 1; rows <= 12; rows++) {
				char *text cleanup_free =
					lay_out(&busy, columns, rows, i % 2, paints[i / 2]);
				unsigned lines = 0;

				for (const char *p = text; *p; lines++) {
					unsigned width = line_width(p, &p);

					if (width >= columns && columns > 1)
						fail_msg("%u columns of %u:\n%s", width, columns,
							 text);
				}
				assert_true(lines >= 1);
				assert_true(lines == 1 || lines + 2 <= rows);
			}
		}
	}
}

static void says_all_at_80(void **state)
{
	char *text cleanup_free = lay_out(&busy, 80, 24, false, &no_paint);

	assert_string_equal(
		text,
		"[###---.....]  6/17  4 running  1 failed  ~2 m 05 s left  12.0 MiB at 3.0 MiB/s\n"
		"  base                48 s of 1 m 10 s    63 %  Setting up systemd (257.9-1~d..\n"
		"  kernel              12 s of ~3 m 00 s         CC      drivers/mmc/core/mmc.o\n"
		"  tests/rollback  1 h 01 m of 1 m 00 s   100 %  ????????????????????????\n"
		"  ??                   0 s\n");
}

static void says_no_rate_while_nothing_comes(void **state)
{
	struct view quiet = busy;
	char *text cleanup_free = NULL;

	quiet.rate = 0;
	text = lay_out(&quiet, 80, 24, false, &no_paint);
	assert_non_null(strstr(text, "  12.0 MiB\n"));
}

static void counts_what_has_no_row(void **state)
{
	char *text cleanup_free = lay_out(&busy, 120, 6, true, &no_paint);

	assert_string_equal(
		text,
		"[██████████▒▒▒▒▒▒▒░░░░░░░░░░░░░]  6/17  4 running  1 failed  1 m 05 s  "
		"~2 m 05 s left  12.0 MiB at 3.0 MiB/s\n"
		"  base    48 s of 1 m 10 s    63 %  Setting up systemd (257.9-1~deb13u1) ...\n"
		"  kernel  12 s of ~3 m 00 s         CC      drivers/mmc/core/mmc.o\n"
		"  and 2 more\n");
}

/* What is late is coloured, and what is only guessed is never late. */
static void colours_what_needs_a_look(void **state)
{
	char *text cleanup_free = lay_out(&busy, 120, 24, true, &some_paint);
	char *calm cleanup_free = lay_out(&busy, 120, 24, true, &no_paint);

	assert_non_null(strstr(text, "\033[31m1 failed\033[0m"));
	assert_non_null(strstr(text, "\033[33m  tests/rollback  1 h 01 m"));
	assert_null(strstr(text, "\033[33m  kernel"));
	assert_null(strchr(calm, '\033'));
}

static void knows_nothing_yet(void **state)
{
	const struct view v = {.total = 3, .left = -1};
	char *text cleanup_free = lay_out(&v, 60, 24, false, &no_paint);

	assert_string_equal(text, "[..............................]  0/3  0 s\n");
}

static void says_what_matters_at_40(void **state)
{
	char *text cleanup_free = lay_out(&busy, 40, 24, false, &no_paint);
	const char *next;

	line_width(text, &next);
	assert_non_null(strstr(text, "6/17"));
	assert_non_null(strstr(text, "~2 m 05 s left"));
	assert_true(strstr(text, "MiB") == NULL);
	assert_non_null(strstr(next, "  base"));
	assert_non_null(strstr(next, "48 s"));
}

static void assert_cut(const char *text, unsigned columns, bool utf8, const char *want)
{
	struct str s cleanup_str = STR_INIT;
	struct utf8 u;
	unsigned used = text_cut(&s, text, columns, utf8), width = 0;

	assert_string_equal(s.buf, want);
	for (u = utf8_start(s.buf, s.len); utf8_next(&u);)
		width += utf8_width(u.code);
	assert_int_equal(used, width);
}

static void cuts_between_characters(void **state)
{
	assert_cut("abc", 3, true, "abc");
	assert_cut("abcd", 3, true, "ab…");
	assert_cut("abcd", 3, false, "a..");
	assert_cut("漢字", 4, true, "漢字");
	assert_cut("漢字", 3, true, "漢…");   /* 2 of 3 columns, and the mark */
	assert_cut("漢字漢", 4, true, "漢…"); /* a column stays empty */
	assert_cut("e\u0301e\u0301e", 2, true, "e\u0301…");
	assert_cut("né", 2, false, "n?");
	assert_cut("abc", 0, true, "");
	assert_cut("abc", 1, false, "");
	assert_cut("a\xff", 2, true, "a?");
}

static void assert_line(const char *text, const char *want)
{
	struct str s cleanup_str = STR_INIT;

	log_line(&s, text, strlen(text));
	assert_string_equal(s.buf, want);
}

static void cleans_lines(void **state)
{
	assert_line("plain", "plain");
	assert_line("a\tb", "a       b");
	assert_line("漢字\tb", "漢字    b");
	assert_line("\033[1;32mgreen\033[0m\tx", "green   x");
	assert_line("10 %\r 20 %\r 30 %\r\r", " 30 %");
	assert_line("\033]0;title\atext\033]8;;x\033\\link", "textlink");
	assert_line("\033(B\033[K\033[?25lx", "x");
	assert_line("\033[12", "\\x1b[12");
	assert_line("\033]0;never ended", "\\x1b]0;never ended");
	assert_line("\xff\x9b", "\\xff\\x9b");
	assert_line("\u202eright", "\\xe2\\x80\\xaeright");
	/* what a CI would obey is found in what is left */
	assert_line("\033[0m::set-env::x", "\\x3a:set-env::x");
	assert_line("x\r::error::x", "\\x3a:error::x");
}

static FILE *log_of(const char *text, size_t len)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fflush(f), 0);
	return f;
}

static void assert_last(const char *text, size_t len, const char *want)
{
	FILE *f = log_of(text, len);
	struct str s cleanup_str = STR_INIT;

	assert_int_equal(log_last_line(fileno(f), &s), want != NULL);
	if (want)
		assert_string_equal(s.buf, want);
	fclose(f);
}

static void finds_the_last_line(void **state)
{
	struct str large cleanup_str = STR_INIT;

	assert_last("", 0, NULL);
	assert_last("\n\n  \n", 5, NULL);
	assert_last("one\ntwo\n", 8, "two");
	assert_last("one\ntwo", 7, "two");
	assert_last("one\n\n\033[0m\n", 10, "one");
	assert_last("one\r\n\r\n", 7, "one");
	for (unsigned i = 0; i < 100000; i++)
		str_printf(&large, "line %u\n", i);
	assert_last(large.buf, large.len, "line 99999");
}

static void reads_tails(void **state)
{
	FILE *f = log_of("one\ntwo\nthree\n", 14);
	char *path cleanup_free = xasprintf("/proc/self/fd/%d", fileno(f));
	struct log_tail two cleanup_log_tail = LOG_TAIL_INIT;
	struct log_tail bytes cleanup_log_tail = LOG_TAIL_INIT;
	struct log_tail whole cleanup_log_tail = LOG_TAIL_INIT;
	struct log_tail none cleanup_log_tail = LOG_TAIL_INIT;

	assert_true(log_tail_read(&two, path, 2, 1000));
	assert_string_equal(two.text, "two\nthree\n");
	assert_false(two.whole);
	assert_true(log_tail_read(&bytes, path, 9, 6));
	assert_string_equal(bytes.text, "three\n");
	assert_false(bytes.whole);
	assert_true(log_tail_read(&whole, path, 3, 1000));
	assert_string_equal(whole.text, "one\ntwo\nthree\n");
	assert_true(whole.whole);
	assert_false(log_tail_read(&none, "/proc/self/nothing", 3, 1000));
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fits_everywhere),
		cmocka_unit_test(says_all_at_80),
		cmocka_unit_test(says_what_matters_at_40),
		cmocka_unit_test(says_no_rate_while_nothing_comes),
		cmocka_unit_test(counts_what_has_no_row),
		cmocka_unit_test(colours_what_needs_a_look),
		cmocka_unit_test(knows_nothing_yet),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(cleans_lines),
		cmocka_unit_test(finds_the_last_line),
		cmocka_unit_test(reads_tails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
