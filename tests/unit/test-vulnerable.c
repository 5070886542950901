/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of vulnerabilities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "evidence/vulnerable.h"
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
		{"pkg:deb/debian/s@1?distro=debian-trixie", 1, 1},
		{"pkg:deb/debian/s@1?distro=13", 1, 1},
		{"pkg:deb/debian/s@1?distro=13.1", 1, 1},
		{"pkg:deb/acme/s@1?distro=debian-trixie", 1, 1},
		{"pkg:deb/acme/s@1?distro=13", 0, 0}, /* a release of theirs */
		{"pkg:deb/debian/s@1?distro=12", 1, 0},
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

/* What was built again of a version is of that version, whatever comes after it. */
static void test_built_again(void **state)
{
	static const struct {
		const char *entry;
		size_t count;
	} entries[] = {
		{"\"versions\": [\"1.0-1\"]", 1},
		{"\"versions\": [\"1.0-2\"]", 0},
		{"\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": \"0\"}, "
		 "{\"last_affected\": \"1.0-1\"}]}]",
		 1},
		{"\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": \"0\"}, "
		 "{\"fixed\": \"1.0-1+a1\"}]}]",
		 1},
		{"\"ranges\": [{\"type\": \"ECOSYSTEM\", \"events\": [{\"introduced\": \"0\"}, "
		 "{\"fixed\": \"1.0-1\"}]}]",
		 0},
	};
	const char *ids;

	for (size_t i = 0; i < array_len(entries); i++) {
		const char *record =
			arena_printf(arena,
				     "{\"id\": \"CVE-1\", \"affected\": [{\"package\": "
				     "{\"ecosystem\": \"Debian:13\", \"name\": \"s\"}, %s}]}",
				     entries[i].entry);

		assert_int_equal(osv_matches(record,
					     "pkg:deb/debian/s@1.0-1%2Bb2?arch=amd64&distro=trixie",
					     &ids),
				 entries[i].count);
	}
}

/* What OSV's entry with RANGES and VERSIONS says of version 1; -1: nothing. */
static int status_of_ranges(const char *ranges, const char *versions)
{
	const struct sbom_package p = {
		.source = "s", .source_version = "1", .vendor = "debian", .distro = "trixie"};
	struct vulnerable v;
	const char *record = arena_printf(
		arena,
		"{\"id\": \"CVE-1\", \"affected\": [{\"package\": {\"ecosystem\": "
		"\"Debian:13\", \"name\": \"s\"}, \"ranges\": [%s], \"versions\": [%s]}]}",
		ranges, versions);

	return matches(record, &p, &v) ? (int)v.status : -1;
}

#define RANGE(type, fixed)                                                \
	"{\"type\": \"" type "\", \"events\": [{\"introduced\": \"0\"}, " \
	"{\"fixed\": \"" fixed "\"}]}"

/* Other orders than dpkg's say neither yes nor no. */
static void test_other_versions(void **state)
{
	static const struct {
		const char *ranges, *versions;
		int status; /* -1: no finding */
	} cases[] = {
		{RANGE("SEMVER", "2"), "", VULNERABLE_NOT_COMPARED},
		{RANGE("SEMVER", "0.5"), "", VULNERABLE_NOT_COMPARED},
		{RANGE("SEMVER", "2"), "\"0.9\"", VULNERABLE_NOT_COMPARED},
		{RANGE("SEMVER", "2"), "\"1\"", VULNERABLE_OPEN},
		{RANGE("SEMVER", "2") ", " RANGE("ECOSYSTEM", "3"), "", VULNERABLE_FIXED_LATER},
		{RANGE("SEMVER", "2") ", " RANGE("ECOSYSTEM", "1"), "", VULNERABLE_NOT_COMPARED},
		{RANGE("GIT", "aa"), "", VULNERABLE_NOT_COMPARED},
		{RANGE("GIT", "aa"), "\"0.9\"", -1},
		{RANGE("GIT", "aa") ", " RANGE("ECOSYSTEM", "1"), "", -1},
		{RANGE("ecosystem", "2"), "", VULNERABLE_NOT_COMPARED},
		{RANGE("ECOSYSTEM", "1"), "", -1},
	};

	for (size_t i = 0; i < array_len(cases); i++)
		assert_int_equal(status_of_ranges(cases[i].ranges, cases[i].versions),
				 cases[i].status);
}

#define ENTRY(ecosystem, range)                                                                  \
	"{\"package\": {\"ecosystem\": \"" ecosystem "\", \"name\": \"s\"}, \"ranges\": [" range \
	"]}"

/* Of a record that has an entry that finds the package, what another cannot say does not count. */
static void test_one_entry_finds(void **state)
{
	static const char record[] = "{\"id\": \"CVE-1\", \"affected\": [" ENTRY(
		"Debian", RANGE("SEMVER", "2")) ", " ENTRY("Debian:13",
							   RANGE("ECOSYSTEM", "3")) "]}";
	const struct sbom_package p = {
		.source = "s", .source_version = "1", .vendor = "debian", .distro = "trixie"};
	struct vulnerable v;

	assert_int_equal(matches(record, &p, &v), 1);
	assert_int_equal(v.status, VULNERABLE_FIXED_LATER);
}

/* What a failed download leaves finds nothing, and is no clean bill. */
static void test_empty_lists(void **state)
{
	static const char *const empty[] = {"[]", " [ ]\n", "{\"vulns\": []}", "{}", ""};

	for (size_t i = 0; i < array_len(empty); i++) {
		struct vulnerability_list l cleanup_vulnerability_list = {0};
		struct err *err cleanup_err = NULL;

		assert_int_equal(
			vulnerability_list_parse(arena, "x", empty[i], strlen(empty[i]), &l, &err),
			-1);
	}
}

/* A list of which all was withdrawn has been fetched. */
static void test_withdrawn(void **state)
{
	const char *ids;

	assert_int_equal(
		osv_matches(OSV("\"withdrawn\": \"2030-01-01T00:00:00Z\", ", "Debian:13", "0", "2"),
			    "pkg:deb/debian/s@1?distro=trixie", &ids),
		0);
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
		{"s@1.0-1%2Bb2?arch=amd64", "1.0-1+b2", "s", "1.0-1"},
		{"s@1.0-1+deb13u1+b12", "1.0-1+deb13u1+b12", "s", "1.0-1+deb13u1"},
		{"s@1.0-1%2Bb2?epoch=1", "1:1.0-1+b2", "s", "1:1.0-1"},
		{"b@1.0-1%2Bb2?upstream=s", "1.0-1+b2", "s", "1.0-1"},
		{"b@1.0-1%2Bb2?upstream=s%401.0-1%2Bb2", "1.0-1+b2", "s", "1.0-1+b2"},
		{"s@1.0-1%2Bb2?arch=source", "1.0-1+b2", "s", "1.0-1+b2"},
		{"s@1.0-1%2Bb", "1.0-1+b", "s", "1.0-1+b"},
		{"s@1.0-1b2", "1.0-1b2", "s", "1.0-1b2"},
		{"s@%2Bb2", "+b2", "s", "+b2"},
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
		assert_true(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro=99"));
		assert_true(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro="));
		assert_false(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro=12"));
		assert_false(is_unsettled(lists[i], "pkg:deb/debian/s@1?distro=debian-trixie"));
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
		TEST(test_fixed_at),      TEST(test_several_names),  TEST(test_from_the_first),
		TEST(test_distributions), TEST(test_purls),          TEST(test_unsettled),
		TEST(test_built_again),   TEST(test_other_versions), TEST(test_one_entry_finds),
		TEST(test_empty_lists),   TEST(test_withdrawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
