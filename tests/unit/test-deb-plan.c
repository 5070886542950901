/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/str.h"
#include "media/deb/deb_plan.h"

/* Packages as a test writes them: "NAME VERSION", then lines of control data. */
struct package {
	const char *name, *version, *more;
};

/* Adds PACKAGES, which end with a NULL, in their order. The set owns no file. */
static void fill(struct deb_set *set, const struct package *packages)
{
	for (const struct package *p = packages; p->name; p++) {
		struct deb *d = xcalloc(1, sizeof(*d));

		d->name = xstrdup(p->name);
		d->version = xstrdup(p->version);
		d->arch = xstrdup("all");
		d->control = xasprintf("Package: %s\nVersion: %s\n%s", p->name, p->version,
				       p->more ? p->more : "");
		set->items = xreallocarray(set->items, set->count + 1, sizeof(*set->items));
		set->items[set->count++] = d;
	}
	set->cap = set->count;
}

static void append_names(struct str *s, const char *what, const struct deb_set *set)
{
	if (set->count)
		str_printf(s, "%s", what);
	for (size_t i = 0; i < set->count; i++)
		str_printf(s, " %s", set->items[i]->name);
	if (set->count)
		str_append(s, "; ");
}

/* "unpack a b; configure a; unpack c; ": whatever the order of the packages. */
static void planned(const struct package *packages, const char *status, const char *expected)
{
	struct deb_set set cleanup_deb_set = {0};

	fill(&set, packages);
	for (int turn = 0; turn < 2; turn++) {
		struct deb_plan plan cleanup_deb_plan = {0};
		struct str s cleanup_str = STR_INIT;

		deb_plan_make(&set, status, &plan);
		for (size_t i = 0; i < plan.steps.count; i++) {
			append_names(&s, "unpack", &plan.steps.items[i].unpack);
			append_names(&s, "configure", &plan.steps.items[i].configure);
		}
		assert_string_equal(s.buf, expected);
		for (size_t i = 0; i < set.count / 2; i++) {
			struct deb *d = set.items[i];

			set.items[i] = set.items[set.count - 1 - i];
			set.items[set.count - 1 - i] = d;
		}
	}
}

static void test_new_tree(void **state)
{
	const struct package packages[] = {
		{"dpkg", "1", "Essential: yes\nPre-Depends: libc6 (>= 2)\n"},
		{"hello", "1", "Depends: libc6\n"},
		{"libc6", "2", "Depends: libgcc\n"},
		{"libgcc", "1", "Depends: libc6\n"}, /* they need each other */
		{NULL, NULL, NULL}};
	const struct package only[] = {{"dpkg", "1", "Essential: yes\n"}, {NULL, NULL, NULL}};

	(void)state;
	planned(packages, NULL,
		"unpack libgcc libc6 dpkg; configure libgcc libc6 dpkg; unpack hello; ");
	planned(only, NULL, "unpack dpkg; ");
}

static void test_pre_depends(void **state)
{
	const struct package packages[] = {
		{"adduser", "1", "Depends: passwd\n"},
		{"app", "1", "Pre-Depends: daemon\n"},
		{"daemon", "1", "Pre-Depends: adduser\nDepends: library\n"},
		{"library", "1", NULL},
		{"other", "1", "Depends: app\n"},
		{"passwd", "1", NULL},
		{NULL, NULL, NULL}};

	(void)state;
	planned(packages, "",
		"unpack passwd adduser library other; configure passwd adduser; "
		"unpack daemon; configure library daemon; unpack app; ");
}

static void test_what_is_there(void **state)
{
	const struct package packages[] = {{"daemon", "1", "Pre-Depends: adduser, mta\n"},
					   {"mail", "1", "Provides: mta\n"},
					   {NULL, NULL, NULL}};

	(void)state;
	planned(packages, "Package: adduser\nVersion: 1\n\nPackage: x\nVersion: 1\nProvides: mta\n",
		"unpack daemon mail; ");
	planned(packages, "Package: adduser\nVersion: 1\n",
		"unpack mail; configure mail; unpack daemon; ");
}

static void test_another_version(void **state)
{
	const struct package packages[] = {{"daemon", "2", "Pre-Depends: library\n"},
					   {"library", "2", NULL},
					   {NULL, NULL, NULL}};

	(void)state;
	planned(packages, "Package: daemon\nVersion: 1\n\nPackage: library\nVersion: 1\n",
		"unpack library; configure library; unpack daemon; ");
}

static void test_alternatives(void **state)
{
	const struct package packages[] = {
		{"a", "1", "Pre-Depends: none | old (>= 2) | virtual (= 3) | b\n"},
		{"b", "1", NULL},
		{"old", "1", NULL},
		{"p", "1", "Provides: virtual\n"},
		{"q", "1", "Provides: virtual (= 3)\n"},
		{NULL, NULL, NULL}};

	(void)state;
	planned(packages, "", "unpack q b old p; configure q; unpack a; ");
}

/* base-files needs some awk: of those there, the one that every system has is its ground. */
static void test_priorities(void **state)
{
	const struct package packages[] = {{"base", "1", "Essential: yes\nPre-Depends: awk\n"},
					   {"gawk", "1", "Priority: optional\nProvides: awk\n"},
					   {"mawk", "1", "Priority: required\nProvides: awk\n"},
					   {"original-awk", "1", "Provides: awk\n"},
					   {NULL, NULL, NULL}};

	(void)state;
	planned(packages, NULL,
		"unpack mawk base; configure mawk base; unpack gawk original-awk; ");
}

/* Forbidden by policy, but no reason to hang. */
static void test_pre_depends_in_a_circle(void **state)
{
	const struct package packages[] = {{"a", "1", "Pre-Depends: b\n"},
					   {"b", "1", "Depends: a\n"},
					   {"c", "1", "Pre-Depends: c, a, nothing\n"},
					   {NULL, NULL, NULL}};

	(void)state;
	planned(packages, "", "unpack b a; configure b a; unpack c; ");
}

static void test_nothing(void **state)
{
	const struct package packages[] = {{NULL, NULL, NULL}};

	(void)state;
	planned(packages, NULL, "");
	planned(packages, "Package: a\nVersion: 1\n", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_tree),
		cmocka_unit_test(test_pre_depends),
		cmocka_unit_test(test_what_is_there),
		cmocka_unit_test(test_another_version),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_priorities),
		cmocka_unit_test(test_pre_depends_in_a_circle),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
