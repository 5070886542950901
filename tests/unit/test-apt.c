/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What apt's programs print, as orch reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "kinds/debian/apt.h"

static void a_source_is_no_place_of_a_package(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	static const struct archive security = {.alias = "security"};
	static const char *urls[] = {"http://archive.example/security"};
	void *archives[] = {(void *)&security};
	struct apt_request q = {.arena = arena, .urls = urls, .archives = {archives, 1}};
	struct apt_places places = {0};
	/* as apt-cache madison linux-image-arm64 has it */
	char *text = arena_strdup(
		arena,
		"linux-image-arm64 | 6.12.118-1 | http://archive.example/security "
		"trixie-security/main arm64 Packages\n"
		"linux-image-arm64 | 6.12.117-1 | http://other.example/debian trixie/main arm64 "
		"Packages\n"
		"linux-signed-arm64 | 6.12.118+1 | http://archive.example/security "
		"trixie-security/main Sources\n");

	apt_parse_places(&q, text, &places);
	assert_int_equal(places.count, 1);
	assert_string_equal(places.items[0].name, "linux-image-arm64");
	assert_string_equal(places.items[0].version, "6.12.118-1");
	assert_string_equal(places.items[0].archive, "security");
	assert_string_equal(places.items[0].suite, "trixie-security");
	apt_places_clear(&places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_no_place_of_a_package),
	};

	return cmocka_run_group_tests_name("apt", tests, NULL, NULL);
}
