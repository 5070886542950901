/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a directory shows that repositories are published in. */
#include "media.h"

#include "kinds/repository/publish.h"
#include "media/tree/tree.h"

#define EPOCH 1700000000
#define NOW 1769860800 /* 2026-01-31 */

#define LISTS "dists/stable/main/binary-amd64/"
#define POOL "pool/main/e/edge/edge_1.0_all.deb"

static void add_text(struct tree *t, const char *path, const char *text)
{
	struct err *err = NULL;

	ok(tree_add_file(t, path, 0644, text, strlen(text), &err), &err);
}

/* A repository of day DAY, 01 to 28: NAME is its tar. LIST is what its list says. */
static void make(const char *name, const char *day, const char *list)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;
	char *by_hash cleanup_free = NULL, *release cleanup_free = NULL;

	digest_data(list, strlen(list), &d);
	by_hash = xasprintf(LISTS "by-hash/SHA256/%s", digest_hex(&d, hex));
	release = xasprintf("Origin: maker\nSuite: stable\n"
			    "Date: Thu, %s Jan 2026 00:00:00 UTC\n"
			    "Valid-Until: Sat, 28 Feb 2026 00:00:00 UTC\n"
			    "SHA256:\n %s %zu main/binary-amd64/Packages\n",
			    day, hex, strlen(list));
	add_text(t, "dists/stable/Release", release);
	add_text(t, "dists/stable/InRelease", release);
	add_text(t, "dists/stable/Release.gpg", day);
	add_text(t, LISTS "Packages", list);
	add_text(t, by_hash, list);
	add_text(t, POOL, "package");
	unlink(at(name));
	ok(tree_write_tar(t, at(name), &err), &err);
}

static int publish(const char *name, struct published *ret, struct err **err)
{
	return repository_publish(at(name), at("www"), NOW, ret, err);
}

static void publishes(const char *name)
{
	struct published p;
	struct err *err = NULL;

	ok(publish(name, &p, &err), &err);
	assert_false(p.unchanged);
}

static int64_t mtime_of(const char *path)
{
	char *name cleanup_free = path_join("www", path);
	struct stat st;

	assert_int_equal(stat(at(name), &st), 0);
	return st.st_mtim.tv_sec;
}

static void set_mtime(const char *path, int64_t when)
{
	char *name cleanup_free = path_join("www", path);
	struct timespec times[2] = {{when, 0}, {when, 0}};

	assert_int_equal(utimensat(AT_FDCWD, at(name), times, 0), 0);
}

/* A server tells its files' times in whole seconds, and 'not modified' of equal ones. */
static void test_younger_each_time(void **state)
{
	static const char *const served[] = {"dists/stable/InRelease", "dists/stable/Release",
					     "dists/stable/Release.gpg", LISTS "Packages"};
	int64_t before[array_len(served)], ahead = (int64_t)time(NULL) + 1000;

	make("a.tar", "01", "one");
	make("b.tar", "02", "two");
	make("c.tar", "03", "one");
	publishes("a.tar");
	for (size_t i = 0; i < array_len(served); i++)
		set_mtime(served[i], before[i] = ahead + (int64_t)i);
	publishes("b.tar");
	for (size_t i = 0; i < array_len(served); i++)
		assert_true(mtime_of(served[i]) > before[i]);
	/* A list that was gone for a state is not the one of before that, either. */
	before[0] = mtime_of(served[0]);
	assert_int_equal(unlink(at("www/" LISTS "Packages")), 0);
	publishes("c.tar");
	for (size_t i = 0; i < array_len(served); i++)
		assert_true(mtime_of(served[i]) > before[0]);
}

/* Not more than that: a time to come is told by servers as that of the answer. */
static void test_not_younger_than_now(void **state)
{
	int64_t now = (int64_t)time(NULL);

	make("a.tar", "01", "one");
	make("b.tar", "02", "two");
	publishes("a.tar");
	set_mtime("dists/stable/InRelease", now - 1000);
	set_mtime(LISTS "Packages", now - 1000);
	publishes("b.tar");
	assert_true(mtime_of("dists/stable/InRelease") >= now);
	assert_true(mtime_of("dists/stable/InRelease") <= (int64_t)time(NULL) + 1);
}

static void set_text(const char *path, const char *text)
{
	char *name cleanup_free = path_join("www", path);

	put(name, text);
}

/* What has its name and size is not what it was, for that. */
static void test_bytes_are_compared(void **state)
{
	static const char *const lists[] = {"dists/stable/Release.gpg", LISTS "Packages"};
	struct published p;
	struct err *err = NULL;

	make("a.tar", "01", "one");
	publishes("a.tar");
	ok(publish("a.tar", &p, &err), &err);
	assert_true(p.unchanged);
	for (size_t i = 0; i < array_len(lists); i++) {
		char *name cleanup_free = path_join("www", lists[i]);
		char *good cleanup_free = OUTPUT("cat", name), *now cleanup_free = NULL;

		set_text(lists[i], "eno");
		publishes("a.tar");
		now = OUTPUT("cat", name);
		assert_string_equal(now, good);
	}
	set_text(POOL, "packagf");
	refused(publish("a.tar", &p, &err), &err, "was published with other bytes");
	set_text(POOL, "pack");
	refused(publish("a.tar", &p, &err), &err, "was published with other bytes");
	assert_int_equal(unlink(at("www/" POOL)), 0);
	assert_int_equal(mkdir(at("www/" POOL), 0755), 0);
	refused(publish("a.tar", &p, &err), &err, "is not a file");
	assert_int_equal(rmdir(at("www/" POOL)), 0);
	publishes("a.tar");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_younger_each_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_younger_than_now, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bytes_are_compared, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
