/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Statements about vulnerabilities (VEX). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "evidence/vex.h"

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

static const struct sbom_package ssl = {.name = "libssl3",
					.version = "3.0-1+b1",
					.arch = "arm64",
					.source = "openssl",
					.source_version = "3.0-1",
					.vendor = "debian",
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
		AT("libssl3?distro=debian-13"),
		"{\"@id\": \"other\", \"subcomponents\": [" AT("zlib1g") "]}, {\"@id\": \"card\"}",
	};
	static const char *const other[] = {
		AT("libssl3@3.0-2"),
		AT("openssl"),
		AT("libssl3?arch=amd64"),
		AT("libssl3?distro=bookworm"),
		"{\"@id\": \"cardboard\"}",
		"{\"@id\": \"card@1.20\"}",
		"{\"@id\": \"card\", \"subcomponents\": [" AT("zlib1g") "]}",
		"", /* of which product? */
		"{\"identifiers\": {\"cpe23\": \"cpe:2.3:a:acme:card:1.2:*:*:*:*:*:*:*\"}}",
		"{\"@id\": \"card\", \"subcomponents\": [{\"identifiers\": {\"cpe22\": "
		"\"cpe:/a:zlib:zlib\"}}]}",
		/* what is said of one product is not said of another */
		"{\"@id\": \"card\", \"subcomponents\": [" AT(
			"zlib1g") "]}, "
				  "{\"@id\": \"other\", \"subcomponents\": [" AT("libssl3") "]}",
		"{\"@id\": \"card\", \"subcomponents\": [" AT("zlib1g") "]}, {\"@id\": \"other\"}",
		"{\"@id\": \"pkg:deb/debian/libssl3\", \"subcomponents\": [" AT("zlib1g") "]}",
		"{\"@id\": \"pkg:deb/ubuntu/libssl3\"}",
		"{\"@id\": \"pkg:deb/debian/card@1.2\"}", /* a package of that name */
		"{\"@id\": \"pkg:generic/x?vcs_url=git/card\"}",
		"{\"@id\": \"card@2?x=@1.2\"}",
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

/* What is said at TIMES of being affected and then of not being so: which of them counts. */
static enum vex_status later(const char *affected, const char *not_affected)
{
	return said(
		arena_printf(
			arena,
			ABOUT(AT("libssl3"), NOT_AFFECTED ", \"timestamp\": \"%s\"") ", " ABOUT(
				AT("libssl3"), "\"status\": \"affected\", \"timestamp\": \"%s\""),
			not_affected, affected),
		NULL);
}

/* Times are compared, not their texts. */
static void test_vex_offsets(void **state)
{
	assert_int_equal(later("2030-01-01T10:00:00Z", "2030-01-01T11:00:00+02:00"), VEX_AFFECTED);
	assert_int_equal(later("2030-01-01T10:00:00Z", "2030-01-01T09:00:00-02:00"),
			 VEX_NOT_AFFECTED);
	assert_int_equal(later("2030-01-01T10:00:00.5Z", "2030-01-01T10:00:00Z"), VEX_AFFECTED);
	assert_int_equal(later("2030-01-01T10:00:00.50Z", "2030-01-01T10:00:00.501Z"),
			 VEX_NOT_AFFECTED);
	assert_int_equal(later("2030-01-01t10:00:00z", "2030-01-01 09:59:60Z"), VEX_AFFECTED);
}

/* What cannot be compared is refused: something would be said to be the newest. */
static void test_vex_bad_times(void **state)
{
	static const char *const bad[] = {"soon",
					  "2030-01-01",
					  "2030-01-01T10:00:00",
					  "2030-13-01T10:00:00Z",
					  "2030-01-01T10:00:00Zulu",
					  "2030-01-01T10:00:00+2",
					  "2030-01-01T10:00:00.Z"};

	for (size_t i = 0; i < array_len(bad); i++) {
		const char *json =
			arena_printf(arena,
				     "{\"@context\": \"https://openvex.test.invalid/ns\", "
				     "\"timestamp\": \"%s\", \"statements\": [%s]}",
				     bad[i], ABOUT(AT("libssl3"), NOT_AFFECTED));
		struct vex x cleanup_vex = {.arena = arena};
		struct err *err cleanup_err = NULL;

		assert_int_equal(vex_parse(&x, "x", json, strlen(json), &err), -1);
		assert_non_null(strstr(err->text, bad[i]));
	}
}

static void refuse_vex(const char *json, const char *what)
{
	struct vex x cleanup_vex = {.arena = arena};
	struct err *err cleanup_err = NULL;

	assert_int_equal(vex_parse(&x, "file", json, strlen(json), &err), -1);
	if (!strstr(err->text, what))
		fail_msg("'%s' is not in: %s", what, err->text);
	assert_non_null(strstr(err->text, "'file'"));
}

/* A word that the format has not says nothing of a finding: it is told, and not believed. */
static void test_vex_bad_words(void **state)
{
	static const struct {
		const char *statement, *what;
	} openvex[] = {
		{"\"status\": \"not_afected\"", "statement 2: status 'not_afected' is none of"},
		{"\"status\": \"Fixed\"", "statement 2: status 'Fixed' is none of"},
		{"\"status\": \"\"", "statement 2: status '' is none of"},
		{"\"status\": 1", "statement 2 has no status"},
		{"\"x\": 1", "statement 2 has no status"},
		{"\"status\": \"not_affected\", \"justification\": \"because\"",
		 "statement 2: justification 'because' is none of"},
	};
	static const struct {
		const char *v, *what;
	} cyclonedx[] = {
		{"\"analysis\": {\"state\": \"fixed\"}", "vulnerability 1: state 'fixed'"},
		{"\"analysis\": {\"state\": \"not_affected\", \"justification\": \"because\"}",
		 "vulnerability 1: justification 'because'"},
		{"\"affects\": [{\"ref\": \"x\", \"versions\": [{\"version\": \"1\", \"status\": "
		 "\"unafected\"}]}]",
		 "vulnerability 1: status 'unafected'"},
	};

	for (size_t i = 0; i < array_len(openvex); i++)
		refuse_vex(arena_printf(arena,
					"{\"@context\": \"openvex\", \"statements\": [" ABOUT(
						AT("libssl3"), NOT_AFFECTED) ", {%s}]}",
					openvex[i].statement),
			   openvex[i].what);
	for (size_t i = 0; i < array_len(cyclonedx); i++)
		refuse_vex(arena_printf(arena,
					"{\"bomFormat\": \"CycloneDX\", \"vulnerabilities\": "
					"[{\"id\": \"CVE-1\", %s}]}",
					cyclonedx[i].v),
			   cyclonedx[i].what);
	refuse_vex("{\"@context\": \"openvex\", \"statements\": {}}", "no statements");
	refuse_vex("{\"bomFormat\": \"CycloneDX\", \"vulnerabilities\": {}}", "no statements");
}

/* All words that the formats have are believed, and one that may be left out may be empty. */
static void test_vex_words(void **state)
{
	static const char *const reasons[] = {"component_not_present",
					      "vulnerable_code_not_present",
					      "vulnerable_code_not_in_execute_path",
					      "vulnerable_code_cannot_be_controlled_by_adversary",
					      "inline_mitigations_already_exist",
					      ""};
	bool settles;

	for (size_t i = 0; i < array_len(reasons); i++) {
		said(arena_printf(arena,
				  ABOUT(AT("libssl3"),
					"\"status\": \"not_affected\", \"justification\": \"%s\""),
				  reasons[i]),
		     &settles);
		assert_int_equal(settles, *reasons[i] != '\0');
	}
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

/* What CycloneDX's ANALYSIS says of CVE-1 in SSL where it affects VERSIONS. */
static enum vex_status analysed(const char *analysis, const char *versions, bool *ret_settles)
{
	const char *json = arena_printf(
		arena,
		"{\"bomFormat\": \"CycloneDX\", \"vulnerabilities\": [{\"id\": \"CVE-1\", "
		"\"analysis\": {%s}, \"affects\": [{\"ref\": "
		"\"pkg:deb/debian/openssl?arch=source\", \"versions\": [%s]}]}]}",
		analysis, versions);
	const struct vulnerable v = {.id = "CVE-1", .package = &ssl};
	struct vex x cleanup_vex = {.arena = arena};
	struct err *err cleanup_err = NULL;
	const struct vex_statement *s;

	assert_int_equal(vex_parse(&x, "x", json, strlen(json), &err), 0);
	s = vex_find(&x, &card, &v);
	*ret_settles = vex_settles(s);
	return s ? s->status : VEX_NONE;
}

#define RESOLVED "\"state\": \"resolved\""
#define EXPLOITABLE "\"state\": \"exploitable\", \"detail\": \"remotely\""
#define VERSION(version, status) "{\"version\": \"" version "\", \"status\": \"" status "\"}"

/* SSL is 3.0-1 of openssl: what is said of another version is not about it. */
static void test_vex_versions(void **state)
{
	static const struct {
		const char *analysis, *versions;
		enum vex_status status;
		bool settles;
	} cases[] = {
		{RESOLVED, "", VEX_FIXED, true},
		{RESOLVED, "{\"version\": \"3.0-1\"}", VEX_FIXED, true},
		{RESOLVED, VERSION("3.0-1", "unaffected"), VEX_FIXED, true},
		{RESOLVED, VERSION("3.0-2", "unaffected"), VEX_NONE, false},
		{RESOLVED, "{\"version\": \"3.0\"}", VEX_NONE, false},
		{RESOLVED, VERSION("3.0-1", "affected"), VEX_AFFECTED, false},
		{RESOLVED, VERSION("3.0-1", "unknown"), VEX_UNDER_INVESTIGATION, false},
		{RESOLVED, "{\"range\": \"vers:deb/>=3.0\"}", VEX_NONE, false},
		{RESOLVED, "{\"range\": \"vers:deb/<4\", \"status\": \"affected\"}", VEX_AFFECTED,
		 false},
		{RESOLVED,
		 VERSION("3.0-1", "unaffected") ", {\"range\": \"x\", \"status\": \"affected\"}",
		 VEX_FIXED, true},
		{EXPLOITABLE, "{\"range\": \"vers:deb/<4\"}", VEX_AFFECTED, false},
		{EXPLOITABLE, VERSION("3.0-1", "affected"), VEX_AFFECTED, false},
		{EXPLOITABLE, VERSION("3.0-1", "unaffected"), VEX_NOT_AFFECTED, false},
		{EXPLOITABLE, VERSION("3.0-2", "affected"), VEX_NONE, false},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		bool settles;

		assert_int_equal(analysed(cases[i].analysis, cases[i].versions, &settles),
				 cases[i].status);
		assert_int_equal(settles, cases[i].settles);
	}
}

/* A part of a product, in whatever place it is named, is not all of it. */
static void test_vex_parts(void **state)
{
	assert_int_equal(said(ABOUT("{\"@id\": \"card\", \"subcomponents\": " AT("zlib1g") "}",
				    NOT_AFFECTED),
			      NULL),
			 VEX_NONE);
	assert_int_equal(said(ABOUT("{\"@id\": \"card\", \"subcomponents\": " AT("libssl3") "}",
				    NOT_AFFECTED),
			      NULL),
			 VEX_NOT_AFFECTED);
	assert_int_equal(
		said(ABOUT("\"card\"",
			   "\"subcomponents\": [\"pkg:deb/debian/zlib1g\"], " NOT_AFFECTED),
		     NULL),
		VEX_NONE);
	assert_int_equal(
		said(ABOUT("\"card\"",
			   "\"subcomponents\": [\"pkg:deb/debian/libssl3\"], " NOT_AFFECTED),
		     NULL),
		VEX_NOT_AFFECTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_vex_products),  TEST(test_vex_status),  TEST(test_vex_time),
		TEST(test_vex_cyclonedx), TEST(test_vex_offsets), TEST(test_vex_bad_times),
		TEST(test_vex_versions),  TEST(test_vex_parts),   TEST(test_vex_bad_words),
		TEST(test_vex_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
