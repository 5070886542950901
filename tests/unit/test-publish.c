/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a directory shows that repositories are published in. */
#include "media.h"

#include <ftw.h>
#include <sys/syscall.h>

#include "kinds/repository/publish.h"
#include "media/tree/tree.h"

/* ---- what is durable when ---- */

DEFINE_VEC(inodes, ino_t)
static struct inodes synced; /* since they were made or, of a directory, got another entry */
static struct str unsynced;  /* what was not, when the description was placed */
static bool exchanging;      /* whether the file system can */

static void forget(ino_t inode)
{
	for (size_t i = 0; i < synced.count; i++)
		if (synced.items[i] == inode)
			synced.items[i] = 0;
}

static int note_unsynced(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	for (size_t i = 0; i < synced.count; i++)
		if (synced.items[i] == st->st_ino)
			return 0;
	if (!strstr(path, "/.orch-publish.lock"))
		str_printf(&unsynced, "%s\n", path);
	return 0;
}

/* The suite in DIRECTORY is about to name what is published. */
static void note_all_unsynced(const char *directory)
{
	char *suite cleanup_free = NULL;
	int fd cleanup_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* By descriptor: the name of the stage is none of what is looked at. */
	suite = xasprintf("/proc/self/fd/%d/.", fd);
	assert_true(fd >= 0);
	assert_int_equal(nftw(suite, note_unsynced, 8, 0), 0);
	assert_int_equal(nftw(at("www/pool"), note_unsynced, 8, FTW_PHYS), 0);
}

/* These take the place of the C library's. */
int fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	inodes_push(&synced, st.st_ino);
	return 0;
}

int mkdirat(int dirfd, const char *name, mode_t mode)
{
	struct stat st;

	assert_int_equal(fstat(dirfd, &st), 0);
	forget(st.st_ino);
	return (int)syscall(SYS_mkdirat, dirfd, name, mode);
}

int rename(const char *from, const char *to)
{
	char *above cleanup_free = path_dir(to);
	struct stat st;

	assert_int_equal(lstat(from, &st), 0);
	if (S_ISREG(st.st_mode) && strstr(to, "/www/"))
		note_unsynced(from, &st, FTW_F, NULL);
	if (str_ends(to, "/dists/stable"))
		note_all_unsynced(from);
	if (str_ends(to, "/dists/stable/Release.gpg"))
		note_all_unsynced(above);
	assert_int_equal(stat(above, &st), 0);
	forget(st.st_ino);
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
	char *above cleanup_free = path_dir(to);
	struct stat st;

	if (!exchanging) {
		errno = EINVAL;
		return -1;
	}
	note_all_unsynced(from);
	assert_int_equal(stat(above, &st), 0);
	forget(st.st_ino);
	return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
}

/* ---- repositories ---- */

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

/* A description is placed when all that it names is durable, and is durable in the end. */
static void check_durable(bool can_exchange)
{
	exchanging = can_exchange;
	make("a.tar", "01", "one");
	make("b.tar", "02", "two");
	publishes("a.tar");
	publishes("b.tar");
	assert_int_equal(nftw(at("www"), note_unsynced, 8, FTW_PHYS), 0);
	if (unsynced.len)
		fail_msg("not synced:\n%s", unsynced.buf);
}

static void test_durable(void **state)
{
	check_durable(true);
}

static void test_durable_one_by_one(void **state)
{
	check_durable(false);
}

static int setup_all(void **state)
{
	exchanging = true;
	return setup(state);
}

static int teardown_all(void **state)
{
	inodes_clear(&synced);
	str_release(&unsynced);
	return teardown(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_all, teardown_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_younger_each_time),  TEST(test_not_younger_than_now),
		TEST(test_bytes_are_compared), TEST(test_durable),
		TEST(test_durable_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
