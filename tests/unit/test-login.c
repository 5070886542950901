/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/fetch/login.h"
#include "tmp.h"

/* "USER:PASSWORD", or "none". */
static const char *in_netrc(struct arena *arena, const char *text, const char *host)
{
	const char *url = arena_printf(arena, "https://%s/file", host), *user, *password;

	if (login_netrc_find(arena, text, url, &user, &password) != 0)
		return "none";
	return arena_printf(arena, "%s:%s", user, password);
}

static void netrc_is_read_as_curl_does(void **state)
{
	static const char text[] =
		"# machine commented.example login no password no\n"
		"machine one.example\n  login me\n  password #hash\n"
		"machine two.example login a account x password \"p \\\"q\\\\\"\n"
		"macdef init\nmachine macro.example login no password no\n\n"
		"machine one.example login second password second\n"
		"machine token.example password t0ken\n"
		"machine empty.example\n"
		"default login anon password any\n"
		"machine late.example login late password late\n";
	struct arena *arena cleanup_arena = arena_new();

	assert_string_equal(in_netrc(arena, text, "one.example"), "me:#hash");
	assert_string_equal(in_netrc(arena, text, "ONE.example:8443"), "me:#hash");
	assert_string_equal(in_netrc(arena, text, "two.example"), "a:p \"q\\");
	assert_string_equal(in_netrc(arena, text, "token.example"), ":t0ken");
	assert_string_equal(in_netrc(arena, text, "commented.example"), "anon:any");
	assert_string_equal(in_netrc(arena, text, "macro.example"), "anon:any");
	assert_string_equal(in_netrc(arena, text, "example"), "anon:any");
	assert_string_equal(in_netrc(arena, "machine a.example login", "a.example"), "none");
	assert_string_equal(in_netrc(arena, "machine a.example password \"open", "a.example"),
			    ":open");
	assert_string_equal(in_netrc(arena, "machine", "a.example"), "none");
	assert_string_equal(in_netrc(arena, "", "a.example"), "none");
	assert_string_equal(in_netrc(arena, "machine one.example login a\n", ""), "none");
}

static int parse(struct arena *arena, const char *text, size_t len, const char **user,
		 const char **password)
{
	struct str s cleanup_str = STR_INIT;

	str_append_len(&s, text, len);
	return login_answer_parse(arena, &s, user, password);
}

static void answers_are_those_of_git(void **state)
{
	static const char *const none[] = {
		"",           "\n",
		"quit=1\n",   "username=me\n",
		"password=p", "protocol=https\n\nusername=a\npassword=b\n"};
	static const char good[] = "protocol=https\nhost=h.example\nusername=me\npassword=a=b c\n"
				   "password_expiry_utc=99\n\npassword=not this\n";
	struct arena *arena cleanup_arena = arena_new();
	const char *user = NULL, *password = NULL;

	assert_int_equal(parse(arena, good, strlen(good), &user, &password), 0);
	assert_string_equal(user, "me");
	assert_string_equal(password, "a=b c");
	for (size_t i = 0; i < array_len(none); i++)
		assert_int_equal(parse(arena, none[i], strlen(none[i]), &user, &password), 1);
	assert_int_equal(parse(arena, "usage: me\n", 10, &user, &password), -1);
	assert_int_equal(parse(arena, "username=a\0\npassword=b", 22, &user, &password), -1);
}

/* The user's configuration names BODY, a shell script, as the helper; *RET is what comes of it. */
static int ask(struct arena *arena, const char *body, const char *url, const char **user,
	       const char **password, struct err **err)
{
	char *script cleanup_free = xasprintf("%s/helper", dir);
	char *config cleanup_free = xasprintf("%s/orch", dir);
	char *file cleanup_free = xasprintf("%s/orch/config.yaml", dir);
	char *yaml cleanup_free = xasprintf("credential-helper: [%s, --flag]\n", script);
	char *text cleanup_free = xasprintf("#!/bin/sh\n%s\n", body);

	assert_int_equal(path_mkdirs(config, err), 0);
	assert_int_equal(file_write(file, yaml, strlen(yaml), 0600, false, err), 0);
	assert_int_equal(file_write(script, text, strlen(text), 0700, false, err), 0);
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("HOME", dir, 1);
	setenv("TMPDIR", "/kept/by/orch", 1);
	return login_ask(arena, url, user, password, err);
}

static void a_helper_is_asked(void **state)
{
	static const char body[] =
		"[ \"$*\" = '--flag get' ] || exit 3\n"
		"[ \"$(cat)\" = \"$(printf 'protocol=https\\nhost=[::1]:8443')\" ] || exit 4\n"
		"[ -z \"${TMPDIR:-}\" ] || exit 5\n"
		"echo ignored >&2\nprintf 'username=me\\npassword=s3cr3t\\n'";
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL;
	const char *user = NULL, *password = NULL;
	struct rlimit core;

	assert_int_equal(ask(arena, body, "https://[::1]:8443/a/b", &user, &password, &err), 0);
	assert_string_equal(user, "me");
	assert_string_equal(password, "s3cr3t");
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_max, 0);
}

static void a_helper_that_fails_says_nothing_of_it(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {{"echo password=s3cr3t >&2; echo password=s3cr3t; exit 7", "exited with 7"},
		     {"echo s3cr3t", "not one of git-credential(1)"}};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct arena *arena cleanup_arena = arena_new();
		struct err *err cleanup_err = NULL;
		const char *user = NULL, *password = NULL;

		assert_int_equal(ask(arena, cases[i].body, "https://h.example/x?token=s3cr3t",
				     &user, &password, &err),
				 -1);
		assert_non_null(strstr(err->text, cases[i].says));
		assert_non_null(strstr(err->text, "https://h.example/x?..."));
		assert_null(strstr(err->text, "s3cr3t"));
		assert_null(password);
	}
}

static void a_helper_may_not_know(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL;
	const char *user = NULL, *password = NULL;

	assert_int_equal(ask(arena, ":", "https://h.example", &user, &password, &err), 1);
	assert_null(user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netrc_is_read_as_curl_does),
		cmocka_unit_test(answers_are_those_of_git),
		DIR_TEST(a_helper_is_asked),
		DIR_TEST(a_helper_that_fails_says_nothing_of_it),
		DIR_TEST(a_helper_may_not_know),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
