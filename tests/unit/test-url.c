/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "base/url.h"

static void urls_come_apart(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	char *shown cleanup_free = url_shown("https:"
					     "//a:b@c@h.example:8/p?q=@");
	char *plain cleanup_free = url_shown("file:///a@b");
	struct url u;

	url_split(arena,
		  "https:"
		  "//a%40:b%20@[::1]:8/p@q",
		  &u);
	assert_string_equal(u.scheme, "https");
	assert_string_equal(u.user, "a@");
	assert_string_equal(u.password, "b ");
	assert_string_equal(u.host, "::1");
	assert_string_equal(u.port, "8");
	assert_string_equal(u.path, "/p@q");
	url_split(arena, "mirror+file:/etc/list", &u);
	assert_string_equal(u.scheme, "mirror+file");
	assert_string_equal(u.host, "");
	assert_string_equal(u.path, "/etc/list");
	assert_string_equal(shown, "https://h.example:8/p?...");
	assert_string_equal(plain, "file:///a@b");
	assert_false(url_has_user("http://h.example/a@b"));
	assert_string_equal(url_without_user(arena, "http:"
						    "//a:b@h.example"),
			    "http://h.example");
	assert_string_equal(url_decode(arena, "%41%4%zz%"), "A%4%zz%");
	assert_string_equal(url_encode_path(arena, "a b%?#~+\xc3\xa4"), "a%20b%25%3f%23~+%c3%a4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(urls_come_apart)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
