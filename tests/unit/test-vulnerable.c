/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of vulnerabilities, and statements about them (VEX). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "evidence/vex.h"
#include "media/deb/deb.h"

static struct arena *arena;

static int set_up(void **state)
{
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(arena);
	return 0;
}

/* ---- vulnerabilities ---- */

static const struct {
	const char *a, *relation, *b;
} pairs[] = {
#define PAIR(a, relation, b) {a, relation, b},
#include "versions.def"
#undef PAIR
};

static size_t matches(const char *json, const struct sbom_package *p, struct vulnerable *ret)
{
	struct vulnerability_list l cleanup_vulnerability_list = {0};
	struct vulnerables all = {0};
	struct err *err cleanup_err = NULL;
	size_t count;

	assert_int_equal(vulnerability_list_parse(arena, "x", json, strlen(json), &l, &err), 0);
	assert_int_equal(vulnerability_list_match(&l, p, &all, &err), 0);
	count = all.count;
	if (count && ret)
		*ret = all.items[0];
	vulnerables_clear(&all);
	return count;
}

/* What has a version before the fix is affected, and nothing else, in both formats. */
static void test_fixed_at(void **state)
{
	for (size_t i = 0; i < array_len(pairs); i++) {
		const struct sbom_package p = {
			.source = "s", .source_version = pairs[i].a, .distro = "trixie"};
		const char *tracker =
			arena_printf(arena,
				     "{\"s\": {\"CVE-1\": {\"releases\": {\"trixie\": {\"status\": "
				     "\"resolved\", \"fixed_version\": \"%s\"}}}}}",
				     pairs[i].b);
		const char *osv = arena_printf(
			arena,
			"[{\"id\": \"x\", \"affected\": [{\"package\": {\"ecosystem\": "
			"\"Debian:13\", \"name\": \"s\"}, \"ranges\": [{\"type\": \"ECOSYSTEM\", "
			"\"events\": [{\"introduced\": \"0\"}, {\"fixed\": \"%s\"}]}]}]}]",
			pairs[i].b);

		assert_int_equal(matches(tracker, &p, NULL), *pairs[i].relation == '<');
		assert_int_equal(matches(osv, &p, NULL), *pairs[i].relation == '<');
	}
}

/* ---- VEX ---- */

static const struct sbom_package ssl = {.name = "libssl3",
					.version = "3.0-1+b1",
					.arch = "arm64",
					.source = "openssl",
					.source_version = "3.0-1",
					.distro = "trixie"};
static const struct sbom_document card = {.name = "card", .version = "1.2"};

/* What OpenVEX's STATEMENTS say of CVE-1 in SSL. */
static enum vex_status said(const char *statements, bool *ret_settles)
{
	const char *json = arena_printf(arena,
					"{\"@context\": \"https://openvex.test.invalid/ns\", "
					"\"timestamp\": \"2030-01-01T00:00:00Z\", "
					"\"statements\": [%s]}",
					statements);
	const struct vulnerable v = {.id = "CVE-1", .package = &ssl};
	struct vex x cleanup_vex = {.arena = arena};
	struct err *err cleanup_err = NULL;
	const struct vex_statement *s;

	assert_int_equal(vex_parse(&x, "x", json, strlen(json), &err), 0);
	s = vex_find(&x, &card, &v);
	if (ret_settles)
		*ret_settles = vex_settles(s);
	return s ? s->status : VEX_NONE;
}

#define ABOUT(products, rest) \
	"{\"vulnerability\": {\"name\": \"CVE-1\"}, \"products\": [" products "], " rest "}"
#define NOT_AFFECTED "\"status\": \"not_affected\", \"justification\": \"component_not_present\""
#define AT(purl) "{\"@id\": \"pkg:deb/debian/" purl "\"}"

static void test_vex_products(void **state)
{
	static const char *const about[] = {
		AT("libssl3"),
		AT("libssl3@3.0-1%2Bb1?arch=arm64"),
		AT("openssl@3.0-1?arch=source&distro=trixie"),
		"{\"@id\": \"card\"}",
		"{\"@id\": \"pkg:generic/acme/card@1.2\"}",
		"{\"@id\": \"card\", \"subcomponents\": [" AT("libssl3") "]}",
		"{\"@id\": \"x\", \"identifiers\": {\"purl\": \"pkg:deb/debian/libssl3\"}}",
	};
	static const char *const other[] = {
		AT("libssl3@3.0-2"),
		AT("openssl"),
		AT("libssl3?arch=amd64"),
		AT("libssl3?distro=bookworm"),
		"{\"@id\": \"cardboard\"}",
		"{\"@id\": \"card@1.20\"}",
		"{\"@id\": \"card\", \"subcomponents\": [" AT("zlib1g") "]}",
	};

	for (size_t i = 0; i < array_len(about); i++)
		assert_int_equal(
			said(arena_printf(arena, ABOUT("%s", NOT_AFFECTED), about[i]), NULL),
			VEX_NOT_AFFECTED);
	for (size_t i = 0; i < array_len(other); i++)
		assert_int_equal(
			said(arena_printf(arena, ABOUT("%s", NOT_AFFECTED), other[i]), NULL),
			VEX_NONE);
}

static void test_vex_status(void **state)
{
	bool settles;

	said(ABOUT(AT("libssl3"), NOT_AFFECTED), &settles);
	assert_true(settles);
	said(ABOUT(AT("libssl3"), "\"status\": \"not_affected\""), &settles);
	assert_false(settles);
	said(ABOUT(AT("libssl3"), "\"status\": \"fixed\""), &settles);
	assert_true(settles);
	assert_int_equal(
		said(ABOUT(AT("libssl3"), "\"status\": \"under_investigation\""), &settles),
		VEX_UNDER_INVESTIGATION);
	assert_false(settles);
}

/* The newest counts, wherever it stands. */
static void test_vex_time(void **state)
{
	assert_int_equal(
		said(ABOUT(AT("libssl3"),
			   "\"status\": \"affected\", \"timestamp\": "
			   "\"2031-01-01T00:00:00Z\"") ", " ABOUT(AT("libssl3"), NOT_AFFECTED),
		     NULL),
		VEX_AFFECTED);
}

static void test_vex_cyclonedx(void **state)
{
	static const char json[] =
		"{\"bomFormat\": \"CycloneDX\", \"components\": [{\"bom-ref\": \"a\", \"purl\": "
		"\"pkg:deb/debian/libssl3\"}], \"vulnerabilities\": [{\"id\": \"CVE-1\", "
		"\"analysis\": {\"state\": \"false_positive\", \"detail\": \"no\"}, \"affects\": "
		"[{\"ref\": \"urn:cdx:0/1#a\"}]}]}";
	const struct vulnerable v = {.id = "CVE-1", .package = &ssl};
	struct vex x cleanup_vex = {.arena = arena};
	struct err *err cleanup_err = NULL;

	assert_int_equal(vex_parse(&x, "x", json, strlen(json), &err), 0);
	assert_true(vex_settles(vex_find(&x, &card, &v)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fixed_at), TEST(test_vex_products),  TEST(test_vex_status),
		TEST(test_vex_time), TEST(test_vex_cyclonedx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
