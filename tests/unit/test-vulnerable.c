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
		const struct sbom_package p = {.source = "s",
					       .source_version = pairs[i].a,
					       .vendor = "debian",
					       .distro = "trixie"};
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

/* What OSV's RECORD says of version VERSION of source package s, whose package URL is PURL. */
static size_t osv_matches(const char *record, const char *purl, const char **ret_ids)
{
	struct vulnerability_list l cleanup_vulnerability_list = {0};
	struct vulnerables all = {0};
	struct err *err cleanup_err = NULL;
	struct sbom_package p;
	size_t count;

	assert_int_equal(sbom_purl(arena, purl, &p), 0);
	assert_int_equal(vulnerability_list_parse(arena, "x", record, strlen(record), &l, &err), 0);
	assert_int_equal(vulnerability_list_match(&l, &p, &all, &err), 0);
	count = all.count;
	*ret_ids = "";
	for (size_t i = 0; i < count; i++)
		*ret_ids = arena_printf(arena, "%s%s ", *ret_ids, all.items[i].id);
	vulnerables_clear(&all);
	return count;
}

#define OSV(names, ecosystem, introduced, fixed)                                                 \
	"{\"id\": \"DSA-1\", " names "\"affected\": [{\"package\": {\"ecosystem\": \"" ecosystem \
	"\", \"name\": \"s\"}, \"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": "              \
	"[{\"introduced\": \"" introduced "\"}, {\"fixed\": \"" fixed "\"}]}]}]}"

/* An advisory may be about many; who looks for one of them finds it. */
static void test_several_names(void **state)
{
	const char *ids;

	assert_int_equal(osv_matches(OSV("\"upstream\": [\"CVE-1\", \"CVE-2\", \"CVE-1\"], "
					 "\"aliases\": [\"CVE-2\", \"GHSA-1\"], ",
					 "Debian:13", "0", "2"),
				     "pkg:deb/debian/s@1?distro=trixie", &ids),
			 2);
	assert_string_equal(ids, "CVE-1 CVE-2 ");
	osv_matches(OSV("", "Debian:13", "0", "2"), "pkg:deb/debian/s@1?distro=trixie", &ids);
	assert_string_equal(ids, "DSA-1 ");
}

/* "0" begins a range: it is before all versions, to dpkg it is not. */
static void test_from_the_first(void **state)
{
	const char *ids;

	assert_int_equal(osv_matches(OSV("", "Debian:13", "0", "1.0-1"),
				     "pkg:deb/debian/s@0~git1-1?distro=trixie", &ids),
			 1);
	assert_int_equal(osv_matches(OSV("", "Debian:13", "0", "0~git1-1"),
				     "pkg:deb/debian/s@0~git1-1?distro=trixie", &ids),
			 0);
	assert_int_equal(osv_matches(OSV("", "Debian:13", "0", "0~git1-1"),
				     "pkg:deb/debian/s@0~git0-1?distro=trixie", &ids),
			 1);
}

/* Whose package it is: other distributions have other versions. */
static void test_distributions(void **state)
{
	static const struct {
		const char *purl;
		size_t all, one; /* what is found by "Debian", and by "Debian:13" */
	} packages[] = {
		{"pkg:deb/debian/s@1?distro=trixie", 1, 1},
		{"pkg:deb/debian/s@1?distro=debian-13", 1, 1},
		{"pkg:deb/debian/s@1?distro=debian-13.1", 1, 1},
		{"pkg:deb/debian/s@1?distro=debian-12", 1, 0},
		{"pkg:deb/debian/s@1", 1, 0},
		{"pkg:deb/acme/s@1?distro=trixie", 1, 1},
		{"pkg:deb/ubuntu/s@1?distro=ubuntu-22.04", 0, 0},
		{"pkg:deb/ubuntu/s@1?distro=jammy", 0, 0},
		{"pkg:deb/ubuntu/s@1", 0, 0},
	};
	const char *ids;

	for (size_t i = 0; i < array_len(packages); i++) {
		assert_int_equal(osv_matches(OSV("", "Debian", "0", "2"), packages[i].purl, &ids),
				 packages[i].all);
		assert_int_equal(
			osv_matches(OSV("", "Debian:13", "0", "2"), packages[i].purl, &ids),
			packages[i].one);
	}
}

/* ---- VEX ---- */

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

/* ---- packages of others ---- */

static struct sbom_package of_purl(const char *purl)
{
	struct sbom_package p;

	assert_int_equal(sbom_purl(arena, purl, &p), 0);
	return p;
}

/* What other programs write into package URLs. */
static void test_purls(void **state)
{
	static const struct {
		const char *purl, *version, *source, *source_version;
	} cases[] = {
		{"libssl3@3.0-1?upstream=openssl", "3.0-1", "openssl", "3.0-1"},
		{"gcc@4:14.2-1?upstream=gcc-defaults%401.220", "4:14.2-1", "gcc-defaults", "1.220"},
		{"login@4.16-1?epoch=1&upstream=shadow%404.16-1", "1:4.16-1", "shadow", "1:4.16-1"},
		{"login@1:4.16-1?epoch=1", "1:4.16-1", "login", "1:4.16-1"},
		{"login@4.16-1?epoch=0&upstream=", "4.16-1", "login", "4.16-1"},
		{"login@4.16-1?upstream=%401", "4.16-1", "login", "4.16-1"},
		{"login@4.16-1?upstream=shadow%40", "4.16-1", "shadow", "4.16-1"},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct sbom_package p =
			of_purl(arena_printf(arena, "pkg:deb/debian/%s", cases[i].purl));

		assert_string_equal(p.version, cases[i].version);
		assert_string_equal(p.source, cases[i].source);
		assert_string_equal(p.source_version, cases[i].source_version);
	}
}

static bool is_unsettled(const char *json, const char *purl)
{
	const struct sbom_package p = of_purl(purl);
	struct vulnerability_list l cleanup_vulnerability_list = {0};
	struct vulnerables all = {0};
	struct err *err cleanup_err = NULL;
	bool unsettled;

	assert_int_equal(vulnerability_list_parse(arena, "x", json, strlen(json), &l, &err), 0);
	assert_int_equal(vulnerability_list_match(&l, &p, &all, &err), 0);
	unsettled = vulnerability_list_unsettled(&l, &p);
	vulnerables_clear(&all);
	return unsettled;
}

/* Nobody knows whether a package of no release is in one of which the list tells. */
static void test_unsettled(void **state)
{
	static const char tracker[] = "{\"s\": {\"CVE-1\": {\"releases\": {\"trixie\": "
				      "{\"status\": \"open\"}}}}}";
	static const char osv[] = "[{\"id\": \"CVE-1\", \"affected\": [{\"package\": "
				  "{\"ecosystem\": \"Debian:13\", \"name\": \"s\"}}]}]";
	static const char all[] = "[{\"id\": \"CVE-1\", \"affected\": [{\"package\": "
				  "{\"ecosystem\": \"Debian\", \"name\": \"s\"}}, {\"package\": "
				  "{\"ecosystem\": \"Debian:13\", \"name\": \"t\"}}]}]";
	static const char *const lists[] = {tracker, osv};

	for (size_t i = 0; i < array_len(lists); i++) {
		assert_true(is_unsettled(lists[i], "pkg:deb/debian/s@1"));
		assert_true(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro=debian"));
		assert_true(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro=debian-99"));
		assert_true(is_unsettled(lists[i], "pkg:deb/debian/b@1?upstream=s"));
		assert_false(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro=debian-12"));
		assert_false(is_unsettled(lists[i], "pkg:deb/debian/other@1"));
		assert_false(is_unsettled(lists[i], "pkg:deb/ubuntu/s@1"));
	}
	assert_false(is_unsettled(all, "pkg:deb/debian/s@1"));
	assert_true(is_unsettled(all, "pkg:deb/debian/t@1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fixed_at),       TEST(test_vex_products),  TEST(test_vex_status),
		TEST(test_vex_time),       TEST(test_vex_cyclonedx), TEST(test_several_names),
		TEST(test_from_the_first), TEST(test_distributions), TEST(test_vex_offsets),
		TEST(test_vex_bad_times),  TEST(test_vex_versions),  TEST(test_vex_parts),
		TEST(test_purls),          TEST(test_unsettled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
