/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "media/tree/accounts.h"

#define EPOCH (20000u * 86400 + 77)

static void write_text(struct tree *t, const char *path, const char *text)
{
	struct err *err = NULL;

	ok(tree_add_file(t, path, 0640, text, strlen(text), &err), &err);
}

static void holds(struct tree *t, const char *path, const char *text)
{
	char *is cleanup_free = tree_inode_text(tree_resolve(t, path)->inode, 10000);

	assert_string_equal(is, text);
}

static struct tree *sample(void)
{
	struct tree *t = tree_new(EPOCH, dir);

	write_text(t, "etc/passwd", "root:x:0:0:root:/root:/bin/bash\ngames:x:5:60::/g:/bin/sh");
	write_text(t, "etc/group", "root:x:0:\ntty:x:5:a,bc\ngames:x:60:\n");
	write_text(t, "etc/shadow", "root:*:19000:0:99999:7:::\n");
	write_text(t, "etc/gshadow", "root:*::\ntty:*::a,bc\n");
	tree_lookup(t, "etc/shadow")->inode->gid = 42;
	return t;
}

static void test_add(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct account app = {.name = "app", .home = "/h", .shell = "/s", .uid = 990, .gid = 991};
	struct account found;
	struct err *err = NULL;
	uint32_t gid = 0;

	(void)state;
	ok(accounts_add_group(t, "app", 991, &err), &err);
	ok(accounts_add_group(t, "app", 991, &err), &err); /* is there */
	ok(accounts_add_user(t, &app, &err), &err);
	ok(accounts_add_user(t, &app, &err), &err);
	ok(accounts_join(t, "app", "tty", &err), &err);
	ok(accounts_join(t, "app", "tty", &err), &err);
	ok(accounts_join(t, "b", "tty", &err), &err); /* "bc" is another */
	ok(accounts_join(t, "app", "games", &err), &err);
	holds(t, "etc/passwd",
	      "root:x:0:0:root:/root:/bin/bash\ngames:x:5:60::/g:/bin/sh\napp:x:990:991::/h:/s\n");
	holds(t, "etc/group", "root:x:0:\ntty:x:5:a,bc,app,b\ngames:x:60:app\napp:x:991:\n");
	holds(t, "etc/shadow", "root:*:19000:0:99999:7:::\napp:*:20000:0:99999:7:::\n");
	holds(t, "etc/gshadow", "root:*::\ntty:*::a,bc,app,b\napp:*::\n");
	assert_int_equal(tree_lookup(t, "etc/shadow")->inode->gid, 42);
	assert_int_equal(tree_lookup(t, "etc/shadow")->inode->mode & 07777, 0640);
	assert_int_equal(accounts_find_group(t, "app", &gid), 0);
	assert_int_equal(gid, 991);
	assert_int_equal(accounts_find_group(t, "nobody", &gid), 1);
	assert_int_equal(accounts_find_user(t, "games", &found), 0);
	assert_int_equal(found.gid, 60);
	assert_string_equal(found.home, "/g");
	assert_int_equal(accounts_find_user(t, "game", &found), 1);
}

static void test_clashes(void **state)
{
	static const struct {
		struct account user;
		const char *said;
	} cases[] = {
		{{"x", "/", "/s", 5, 0}, "uid 5 is user 'games'"},
		{{"games", "/g", "/bin/sh", 6, 60}, "uid '5', not '6'"},
		{{"games", "/g", "/bin/sh", 5, 61}, "gid '60', not '61'"},
		{{"games", "/h", "/bin/sh", 5, 60}, "home '/g', not '/h'"},
		{{"games", "/g", "/bin/no", 5, 60}, "shell '/bin/sh', not '/bin/no'"},
	};
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;

	(void)state;
	for (size_t i = 0; i < array_len(cases); i++)
		refused(accounts_add_user(t, &cases[i].user, &err), &err, cases[i].said);
	refused(accounts_add_group(t, "x", 60, &err), &err, "gid 60 is group 'games'");
	refused(accounts_add_group(t, "tty", 6, &err), &err, "'tty' with gid 5, not 6");
	refused(accounts_join(t, "app", "ttty", &err), &err, "did you mean 'tty'?");
}

static void test_nothing(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct account app = {.name = "app", .home = "/h", .shell = "/s", .uid = 1, .gid = 1};
	struct err *err = NULL;

	(void)state;
	ok(accounts_add_group(t, "app", 1, &err), &err);
	ok(accounts_add_user(t, &app, &err), &err);
	holds(t, "etc/passwd", "app:*:1:1::/h:/s\n");
	holds(t, "etc/group", "app:x:1:\n");
	assert_null(tree_lookup(t, "etc/shadow"));
	assert_int_equal(tree_lookup(t, "etc/passwd")->inode->mode & 07777, 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {DIR_TEST(test_add), DIR_TEST(test_clashes),
					   DIR_TEST(test_nothing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
