/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <unistd.h>

#include "base/file.h"
#include "kinds/debian/apt_auth.h"
#include "kinds/debian/host_apt.h"
#include "kinds/debian/mirror_list.h"

static const char auth[] = "machine h.example/deep login deep password 1\n"
			   "machine h.example login plain password 2\n"
			   "machine http://h.example:81/a\tlogin\tweb\npassword 3\n"
			   "machine http://nobody.example password 4\n"
			   "machine https://nobody.example login only\n"
			   "# machine https://c.example login comment password 5 or more\n"
			   "machine http://s.example:81/ login slash password 6\r\n"
			   "machine d.example/deb/ login deb password 7\r\n";

static const char *user_for(struct arena *arena, const char *url)
{
	const char *user, *password;

	return apt_auth_find(arena, auth, url, &user, &password) == 0
		       ? arena_printf(arena, "%s:%s", user, password)
		       : NULL;
}

static void credentials_are_found_as_apt_does(void **state)
{
	struct arena *arena cleanup_arena = arena_new();

	assert_string_equal(user_for(arena, "https://h.example/deep/x"), "deep:1");
	assert_string_equal(user_for(arena, "https://h.example/x"), "plain:2");
	assert_string_equal(user_for(arena, "https://h.example:8443/x"), "plain:2");
	assert_null(user_for(arena, "http://h.example/x")); /* no scheme: https alone */
	assert_string_equal(user_for(arena, "http://h.example:81/abc"), "web:3");
	assert_null(user_for(arena, "http://h.example:82/abc"));
	assert_null(user_for(arena, "http://h.example:81/b"));
	assert_null(user_for(arena, "http://nobody.example/"));
	assert_string_equal(user_for(arena, "https://nobody.example/"), "only:");
	assert_null(user_for(arena, "https://sub.h.example/"));
	assert_null(user_for(arena, "https://c.example/"));
	assert_string_equal(user_for(arena, "http://s.example:81"), "slash:6");
	assert_string_equal(user_for(arena, "https://d.example/deb"), "deb:7");
	assert_null(user_for(arena, "https://d.example/debian"));
}

static void credentials_of_a_url_become_an_entry(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str s cleanup_str = STR_INIT;
	const char *user, *password;

	assert_int_equal(apt_auth_append(arena,
					 "http:"
					 "//me:a%40b@h.example:81/p",
					 &s),
			 0);
	assert_string_equal(s.buf, "machine http://h.example:81/p login me password a@b\n");
	assert_int_equal(
		apt_auth_find(arena, s.buf, "http://h.example:81/p/pool/x", &user, &password), 0);
	assert_string_equal(password, "a@b");
	assert_int_equal(apt_auth_append(arena,
					 "http:"
					 "//me:a%20b@h.example",
					 &s),
			 1);
	assert_int_equal(apt_auth_append(arena,
					 "http:"
					 "//:x@h.example",
					 &s),
			 1);
}

static void any_text_fits_into_apt_conf(void **state)
{
	struct str s cleanup_str = STR_INIT;

	apt_conf_value(&s, "http://h.example/a b;\"{#%\n\\");
	assert_string_equal(s.buf, "http%3a/%2fh.example/a%20b%3b%22%7b%23%25%0a%5c");
	str_clear(&s);
	apt_conf_value(&s, "");
	assert_string_equal(s.buf, "\"\"");
}

static void a_setting_for_a_host_wins(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct host_setting settings[] = {
		{"Dir::Etc", "/nonexistent"},
		{"Acquire::http::Proxy", "http://proxy.example:1"},
		{"Acquire::http::proxy::near.example", "DIRECT"},
		{"Acquire::https::Verify-Peer", "true"},
		{"Acquire::https::Verify-Peer::odd.example", "false"},
		{"Acquire::https::SslCert", "/client.pem"},
		{"Acquire::http::Timeout", "7"},
		{"Acquire::http::Dl-Limit", "2"},
	};
	const struct host_apt h = {
		.arena = arena, .settings = settings, .count = array_len(settings), .auth = ""};
	struct http_access a;
	struct err *err = NULL;

	assert_int_equal(host_apt_access(&h, "http://near.example/x", "", &a, &err), 0);
	assert_string_equal(a.proxy, "");
	assert_int_equal(host_apt_access(&h, "https://odd.example/x", "", &a, &err), 0);
	assert_string_equal(a.proxy, "http://proxy.example:1");
	assert_true(a.any_peer);
	assert_string_equal(a.client_cert, "/client.pem");
	assert_int_equal(a.timeout_s, 7);
	assert_int_equal(a.bytes_per_second, 2048);
	assert_int_equal(host_apt_access(&h, "https://far.example/x", "", &a, &err), 0);
	assert_false(a.any_peer);
}

/* apt knows no all_proxy: what it locks without one is not fetched through one. */
static void a_proxy_for_all_is_none(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	const struct host_apt h = {.arena = arena, .auth = ""};
	struct http_access a;
	struct err *err = NULL;

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	setenv("all_proxy", "http://all.example:1", 1);
	assert_int_equal(host_apt_access(&h, "http://far.example/x", "", &a, &err), 0);
	assert_string_equal(a.proxy, "");
	assert_int_equal(host_apt_access(&h, "https://far.example/x", "", &a, &err), 0);
	assert_string_equal(a.proxy, "");
	setenv("HTTPS_PROXY", "http://web.example:1", 1);
	assert_int_equal(host_apt_access(&h, "https://far.example/x", "", &a, &err), 0);
	assert_null(a.proxy); /* the environment's own for this scheme */
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
}

static void auth_parts_need_no_extension(void **state)
{
	static const char *const names[] = {"plain", "with.conf", "not.bak"};
	struct arena *arena cleanup_arena = arena_new();
	char dir[] = "/tmp/mirrors.XXXXXX";
	struct host_setting settings[] = {{"Dir::Etc::netrcparts", mkdtemp(dir)}};
	struct host_apt h = {.arena = arena, .settings = settings, .count = 1};
	const char *user, *password;
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(names); i++) {
		char *path = arena_printf(arena, "%s/%s", dir, names[i]);
		char *text = arena_printf(arena, "machine part%zu.example login me password x", i);

		assert_int_equal(file_write(path, text, strlen(text), 0600, false, &err), 0);
	}
	host_apt_read_auth(&h);
	host_apt_login(&h, "https://part0.example/", "", &user, &password);
	assert_string_equal(user, "me");
	host_apt_login(&h, "https://part1.example/", "", &user, &password);
	assert_string_equal(user, "me");
	host_apt_login(&h, "https://part2.example/", "", &user, &password);
	assert_null(user);
	for (size_t i = 0; i < array_len(names); i++)
		unlink(arena_printf(arena, "%s/%s", dir, names[i]));
	rmdir(dir);
}

static const char list[] = "# http://comment.example\n"
			   "http://last.example/debian/\n"
			   "\n"
			   " http://space.example\n"
			   "http://words.example priority:1\n"
			   "http://two.example//\tpriority:2 arch:amd64\tarch:all  type:deb\r\n"
			   "file:/one/\tpriority:1 type:index\n"
			   "copy:/three\tpriority:9 priority:3\n"
			   "\t# nothing\n"
			   "tor+http://other.example\n"
			   "mirror+file:/list\n"
			   "https://none.example\tpriority:x component:main unknown:y plain\n"
			   "https://huge.example\tpriority:99999999999999999999999";

/* The URLs that serve a file, in their order. */
static const char *served(struct arena *arena, bool online, const char *arch, const char *component,
			  const char *type)
{
	const struct mirror_file f = {arch, component, type};
	struct mirror_items items = {0};
	struct str s cleanup_str = STR_INIT;

	mirror_list_parse(arena, list, online, &items);
	for (size_t i = 0; i < items.count; i++)
		if (mirror_item_serves(&items.items[i], &f))
			str_printf(&s, "%s ", items.items[i].url);
	mirror_items_clear(&items);
	return arena_strdup(arena, s.buf);
}

#define NONE "https://none.example "
#define TWO "http://two.example "
#define LAST "http://last.example/debian https://huge.example "

static void a_list_of_mirrors_is_read_as_apt_does(void **state)
{
	struct arena *arena cleanup_arena = arena_new();

	assert_string_equal(served(arena, false, NULL, NULL, NULL),
			    NONE "file:/one " TWO "file:/three " LAST);
	assert_string_equal(served(arena, false, "amd64", "main", "deb"),
			    NONE TWO "file:/three " LAST);
	assert_string_equal(served(arena, false, "arm64", "contrib", "deb"), "file:/three " LAST);
	assert_string_equal(served(arena, false, "all", "contrib", "udeb"), "file:/three " LAST);
	assert_string_equal(served(arena, true, "amd64", "main", "deb"), NONE TWO LAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_found_as_apt_does),
		cmocka_unit_test(credentials_of_a_url_become_an_entry),
		cmocka_unit_test(any_text_fits_into_apt_conf),
		cmocka_unit_test(a_setting_for_a_host_wins),
		cmocka_unit_test(a_proxy_for_all_is_none),
		cmocka_unit_test(auth_parts_need_no_extension),
		cmocka_unit_test(a_list_of_mirrors_is_read_as_apt_does),
	};

	return cmocka_run_group_tests_name("mirrors", tests, NULL, NULL);
}
