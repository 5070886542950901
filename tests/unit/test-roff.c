/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manual pages: no text becomes a macro, and all of it is there to be read and to be copied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/roff.h"

typedef void text_fn(struct str *s, const char *text);

static void becomes(text_fn *fn, const char *text, const char *expected)
{
	struct str s cleanup_str = STR_INIT;

	fn(&s, text);
	assert_string_equal(s.buf, expected);
}

static void no_text_is_a_macro(void **state)
{
	becomes(roff_text, ".SH x", "\\&.SH x\n");
	becomes(roff_text, "'br", "\\(aqbr\n");
	becomes(roff_text, "`.br` x", "\\&\\fB.br\\fR x\n");
	becomes(roff_text, "\\fB", "\\efB\n");
	becomes(roff_heading, ".TH", ".SH \\&.TH\n");
	becomes(roff_term, ".x .y", ".TP\n\\fB\\&.x\\fR \\fI\\&.y\\fR\n");
	becomes(roff_plain_term, "`.x`", ".TP\n\\fB.x\\fR\n");
	becomes(roff_line, ".x", ".br\n\\&.x\n");
	/* at the beginning of a line that was filled */
#define LONG "aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaa"
	becomes(roff_text, LONG " .b", LONG "\n\\&.b\n");
}

static void what_is_typed_can_be_copied(void **state)
{
	becomes(roff_text, "--set 'a' \"b\" ~ ^",
		"\\-\\-set \\(aqa\\(aq \\(dqb\\(dq \\(ti \\(ha\n");
	becomes(roff_text, "a\n  orch -x `y`\n b\nc",
		"a\n.PP\n.EX\n  orch \\-x \\(gay\\(ga\n b\n.EE\n.PP\nc\n");
}

static void words_between_backquotes_are_bold(void **state)
{
	becomes(roff_text, "say `a b` c", "say \\fBa b\\fR c\n");
	becomes(roff_text, "one ` alone", "one \\(ga alone\n");
	becomes(roff_plain_term, "`a`, b", ".TP\n\\fBa\\fR, b\n");
}

static void text_is_filled(void **state)
{
	becomes(roff_text, "one\ntwo\n\nthree", "one two\n.PP\nthree\n");
	becomes(roff_text, "", "");
	/* roff puts two spaces after a sentence that ends a line */
	becomes(roff_text, "One. Two (or so.) e", "One.\nTwo (or so.)\ne\n");
}

static void sentences(void **state)
{
	becomes(roff_sentence, "where it is", "Where it is.\n");
	becomes(roff_sentence, "recipes/x is a file", "recipes/x is a file.\n");
}

static void title(void **state)
{
	struct str s cleanup_str = STR_INIT;

	roff_title(&s, "orch-config", 5, "2026-11-29", "orch 0.1.0", "settings of `orch`");
	assert_string_equal(s.buf,
			    ".TH ORCH-CONFIG 5 2026-11-29 \"orch 0.1.0\" \"orch\"\n.SH NAME\n"
			    "orch\\-config \\- settings of \\fBorch\\fR\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_text_is_a_macro),
		cmocka_unit_test(what_is_typed_can_be_copied),
		cmocka_unit_test(words_between_backquotes_are_bold),
		cmocka_unit_test(text_is_filled),
		cmocka_unit_test(sentences),
		cmocka_unit_test(title),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
