/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "machine/board/console.h"

/* All events as text: "line\n", "<WORD a b>\n", "!line\n". */
static void note(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct str *s = arg;

	if (event == CONSOLE_MARKER)
		str_printf(s, "<%s %ld %ld>\n", text, a, b);
	else
		str_printf(s, "%s%s\n", event == CONSOLE_PANIC ? "!" : "", text);
}

/* Feeds TEXT in pieces of PIECE bytes. */
static char *fed(const char *text, size_t piece)
{
	struct str out = STR_INIT;
	struct console c cleanup_console = CONSOLE_INIT("f00d", note, &out);

	for (size_t at = 0, len = strlen(text); at < len; at += piece)
		console_feed(&c, text + at, len - at < piece ? len - at : piece);
	console_end(&c);
	return str_steal(&out);
}

static void check(const char *text, const char *expected)
{
	for (size_t piece = 1; piece < 70; piece = piece * 3 + 1) {
		char *got cleanup_free = fed(text, piece);

		assert_string_equal(got, expected);
	}
}

static void test_lines(void **state)
{
	check("one\r\ntwo\n\nfour", "one\ntwo\n\nfour\n");
	check("", "");
	check("\n\n\n", "");
	check("tab\there\x01\x7f end\n", "tab\there end\n");
}

static void test_escapes(void **state)
{
	check("\033[2J\033[01;01H\033[=3hUEFI\033[0m firmware\n", "UEFI firmware\n");
	check("\033]0;title\007text\033(B.\n", "text.\n");
	check("\033]52;c;unfinished\nnext line\n", "\nnext line\n");
	check("\033P1$q\033\\after\n", "after\n");
}

static void test_markers(void **state)
{
	check("a\n\nORCH-f00d step 3;\nb\n", "a\n<step 3 0>\nb\n");
	check("[   1.5] noise ORCH-f00d done 12 -7; more\n", "<done 12 -7>\n");
	check("ORCH-f00d begin;\n", "<begin 0 0>\n");
	check("a\n\n\nb\n", "a\n\nb\n");
}

static void test_foreign_markers(void **state)
{
	check("ORCH-beef end 0;\n", "ORCH-beef end 0;\n");
	check("ORCH-f00d end 0\n", "ORCH-f00d end 0\n");
	check("ORCH-f00\nd end 0;\n", "ORCH-f00\nd end 0;\n");
}

static void test_panic(void **state)
{
	check("[ 2.0] Kernel panic - not syncing: Attempted to kill init!\n"
	      "[ 2.1] ---[ end Kernel panic - not syncing: x ]---\n",
	      "[ 2.0] Kernel panic - not syncing: Attempted to kill init!\n"
	      "![ 2.0] Kernel panic - not syncing: Attempted to kill init!\n"
	      "[ 2.1] ---[ end Kernel panic - not syncing: x ]---\n");
}

static void test_endless_line(void **state)
{
	char text[3 * CONSOLE_LINE_MAX + 1];
	char *got cleanup_free = NULL;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = 0;
	got = fed(text, 4096);
	assert_int_equal(strlen(got), 3 * CONSOLE_LINE_MAX + 3);
	assert_int_equal(got[CONSOLE_LINE_MAX], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),   cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_markers), cmocka_unit_test(test_foreign_markers),
		cmocka_unit_test(test_panic),   cmocka_unit_test(test_endless_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
