/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bills of materials and lists of vulnerabilities, read fast; versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/json_scan.h"
#include "base/proc.h"
#include "media/deb/deb.h"
#include "sbom-oracle.h"

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

/* ---- the scanner ---- */

static const char *decoded(const char *json)
{
	struct json_scan s = json_scan(json, strlen(json));
	struct json_slice text;

	return json_text_of(&s, &text) && json_end(&s) ? json_decoded(arena, text) : NULL;
}

static void test_strings(void **state)
{
	assert_string_equal(decoded(" \"plain\" "), "plain");
	assert_string_equal(decoded("\"a\\\"b\\\\\""), "a\"b\\");
	assert_string_equal(decoded("\"\\u006fpenssl\\n\\/\""), "openssl\n/");
	assert_string_equal(decoded("\"\\u00e4\\u20AC\\ud83d\\ude00\""),
			    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_null(decoded("\"\\ud83d\""));
	assert_null(decoded("\"\\u00\""));
	assert_null(decoded("\"\\x\""));
	assert_null(decoded("\"open"));
	assert_null(decoded("\"open\\\""));
	assert_null(decoded("\"two\" 2"));
}

static bool is_json(const char *text)
{
	struct json_scan s = json_scan(text, strlen(text));
	struct json_slice key;

	if (json_next(&s) == '{' && json_enter(&s, '{')) {
		while (json_key(&s, &key))
			json_skip(&s);
	} else {
		json_skip(&s);
	}
	return json_end(&s);
}

static void test_values(void **state)
{
	static const char *const good[] = {"{}", " [ ] ", "{\"a\":1, \"b\" : [{}, \"]\"]}",
					   "-1.5e+3", "null"};
	static const char *const bad[] = {"",  "{",        "{\"a\" 1}", "{\"a\":1,}", "{,}",
					  "]", "{\"a\":}", "{} {}",     "{\"a\":\"}"};

	for (size_t i = 0; i < array_len(good); i++)
		assert_true(is_json(good[i]));
	for (size_t i = 0; i < array_len(bad); i++)
		assert_false(is_json(bad[i]));
}

/* ---- documents ---- */

static uint64_t seed = 1;

/* 0 to N - 1, the same each time (Knuth's generator). */
static unsigned any(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % n;
}

/* TEXT as a JSON string, some of it escaped. */
static void put_string(struct str *s, const char *text)
{
	str_append_char(s, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || (*text > 0 && any(20) == 0))
			str_printf(s, "\\u%04x", (unsigned char)*text);
		else
			str_append_char(s, *text);
	}
	str_append_char(s, '"');
}

static void put_space(struct str *s)
{
	static const char *const spaces[] = {"", "", " ", "\n", "\n        ", "\r\n\t"};

	str_append(s, spaces[any(array_len(spaces))]);
}

static void put_key(struct str *s, bool *first, const char *key)
{
	if (!*first)
		str_append_char(s, ',');
	*first = false;
	put_space(s);
	put_string(s, key);
	put_space(s);
	str_append_char(s, ':');
	put_space(s);
}

static void put_text(struct str *s, bool *first, const char *key, const char *value)
{
	put_key(s, first, key);
	put_string(s, value);
}

/* What readers have to pass over. */
static void put_noise(struct str *s, bool *first)
{
	static const char *const values[] = {"null",   "true",
					     "-1.5e3", "[1, [2, {\"purl\": \"]\"}], \"\\\"}\"]",
					     "\"\"",   "{\"a\": {\"b\": [\"{\", \"\\\\\"]}}"};
	static unsigned count;

	if (any(3) == 0) {
		char *key cleanup_free = xasprintf("noise-%u", ++count);

		put_key(s, first, key);
		str_append(s, values[any(array_len(values))]);
	}
}

static const char *const names[] = {"openssl", "libstdc++6", "lib%2B", "g\xc3\xbcnter", "a"};

static char *purl_of(unsigned i)
{
	static const char *const tails[] = {"?arch=arm64&distro=trixie", "?arch=source", "",
					    "?distro=trixie#x"};
	static const char *const starts[] = {"pkg:deb/debian/", "pkg:deb/debian/", "pkg:npm/"};

	return xasprintf("%s%s%s%s", starts[any(array_len(starts))], names[i % array_len(names)],
			 any(6) ? "@1:2.0~rc1%2Bb1" : "", tails[any(array_len(tails))]);
}

static void put_spdx_package(struct str *s, unsigned i)
{
	char *id cleanup_free = xasprintf("SPDXRef-%u", i), *purl cleanup_free = purl_of(i);
	bool first = true, inner = true;

	str_append(s, "{");
	put_noise(s, &first);
	if (any(10))
		put_text(s, &first, "SPDXID", id);
	put_noise(s, &first);
	if (any(10)) {
		put_key(s, &first, "externalRefs");
		str_append(s, "[{\"referenceType\": \"cpe\"}, {");
		put_noise(s, &inner);
		put_text(s, &inner, "referenceLocator", purl);
		put_text(s, &inner, "referenceType", "purl");
		str_append(s, "}, 7]");
	}
	put_text(s, &first, "versionInfo", "3");
	str_append(s, "}");
}

static void put_relations(struct str *s, bool *first)
{
	put_key(s, first, "relationships");
	str_append(s, "[");
	for (unsigned i = 0; i < 8; i++) {
		char *from cleanup_free = xasprintf("SPDXRef-%u", any(8));
		char *to cleanup_free = xasprintf("SPDXRef-%u", any(8));
		bool inner = true;

		str_append(s, i ? ", {" : "{");
		put_noise(s, &inner);
		put_text(s, &inner, "spdxElementId", from);
		put_text(s, &inner, "relationshipType", any(4) ? "GENERATED_FROM" : "CONTAINS");
		put_text(s, &inner, "relatedSpdxElement", to);
		str_append(s, "}");
	}
	str_append(s, "]");
}

static void put_spdx(struct str *s)
{
	bool first = true, relations_first = any(2);

	str_append(s, "{");
	put_noise(s, &first);
	put_text(s, &first, "spdxVersion", "SPDX-2.3");
	if (any(2))
		put_text(s, &first, "name", "a \"bundle\"");
	if (relations_first)
		put_relations(s, &first);
	put_noise(s, &first);
	put_key(s, &first, "packages");
	str_append(s, "[");
	for (unsigned i = 0; i < 8; i++) {
		str_append(s, i ? ", " : "");
		put_spdx_package(s, i);
	}
	str_append(s, "]");
	if (!relations_first)
		put_relations(s, &first);
	put_noise(s, &first);
	str_append(s, "}");
}

static void put_components(struct str *s, bool *first, unsigned depth)
{
	put_key(s, first, "components");
	str_append(s, "[");
	for (unsigned i = 0; i < 3; i++) {
		char *purl cleanup_free = purl_of(any(5)), *from cleanup_free = purl_of(any(5));
		bool inner = true;

		str_append(s, i ? ", {" : "{");
		if (any(2))
			put_text(s, &inner, "purl", purl);
		put_noise(s, &inner);
		if (any(2)) {
			put_key(s, &inner, "pedigree");
			str_append(s, "{\"ancestors\": [{\"purl\": ");
			put_string(s, from);
			str_append(s, "}, {}]}");
		}
		if (depth && any(2))
			put_components(s, &inner, depth - 1);
		str_append(s, "}");
	}
	str_append(s, "]");
}

static void put_cyclonedx(struct str *s)
{
	bool first = true;

	str_append(s, "{");
	if (any(2))
		put_components(s, &first, 2);
	put_noise(s, &first);
	put_text(s, &first, "bomFormat", "CycloneDX");
	put_text(s, &first, "name", "not its name");
	if (any(2)) {
		put_key(s, &first, "metadata");
		str_append(s, "{\"component\": {\"name\": \"card\", \"version\": \"1\"}}");
	}
	put_noise(s, &first);
	str_append(s, "}");
}

static void compare(const char *json, size_t len)
{
	struct sbom_document plain, fast;
	struct err *err cleanup_err = NULL;

	assert_int_equal(oracle_read(arena, json, len, &plain), 0);
	assert_int_equal(sbom_parse(arena, "x", json, len, &fast, &err), 0);
	assert_true(same_document(&plain, &fast));
	sbom_packages_clear(&plain.packages);
	sbom_packages_clear(&fast.packages);
}

/* The fast way and the plain one have the same of whatever is JSON. */
static void test_fast_is_plain(void **state)
{
	for (int i = 0; i < 400; i++) {
		struct str json cleanup_str = STR_INIT;

		if (i % 2)
			put_spdx(&json);
		else
			put_cyclonedx(&json);
		compare(json.buf, json.len);
	}
}

static void test_cut_off(void **state)
{
	struct str json cleanup_str = STR_INIT;

	put_spdx(&json);
	for (size_t len = 0; len < json.len; len++) {
		struct err *err cleanup_err = NULL;
		struct sbom_document doc;

		assert_int_equal(sbom_parse(arena, "x", json.buf, len, &doc, &err), -1);
		sbom_packages_clear(&doc.packages);
	}
}

/* ---- versions ---- */

static const struct {
	const char *a, *relation, *b;
} pairs[] = {
#define PAIR(a, relation, b) {a, relation, b},
#include "versions.def"
#undef PAIR
};

static void test_versions(void **state)
{
	for (size_t i = 0; i < array_len(pairs); i++) {
		int c = deb_version_compare(pairs[i].a, pairs[i].b);
		char sign = c < 0 ? '<' : c > 0 ? '>' : '=';

		if (sign != *pairs[i].relation)
			fail_msg("%s %s %s, not %c", pairs[i].a, pairs[i].relation, pairs[i].b,
				 sign);
	}
	assert_true(array_len(pairs) >= 200);
}

static void test_versions_as_dpkg(void **state)
{
	for (size_t i = 0; i < array_len(pairs); i++) {
		/* its own "<" means "at most" */
		const char *word = *pairs[i].relation == '<'   ? "lt"
				   : *pairs[i].relation == '>' ? "gt"
							       : "eq";
		char *const argv[] = {(char *)"dpkg",     (char *)"--compare-versions",
				      (char *)pairs[i].a, (char *)word,
				      (char *)pairs[i].b, NULL};
		struct err *err cleanup_err = NULL;
		struct proc_opts o = {0};

		assert_int_equal(proc_run(argv, &o, &err), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_strings), TEST(test_values),   TEST(test_fast_is_plain),
		TEST(test_cut_off), TEST(test_versions), TEST(test_versions_as_dpkg),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
