/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "media/tree/clean.h"

#define EPOCH (20000u * 86400 + 77)

static struct tree *sample(void)
{
	static const char *const files[] = {
		"etc/machine-id",
		"etc/passwd",
		"etc/passwd-",
		"etc/ssh/ssh_host_rsa_key",
		"etc/ssh/sshd_config",
		"var/log/dpkg.log",
		"var/log/apt/history.log",
		"var/lib/dpkg/status",
		"var/lib/dpkg/status-old",
		"var/lib/dpkg/triggers/Unincorp",
		"tmp/x/y",
		"usr/tmp/kept",
	};
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(files); i++)
		ok(tree_add_file(t, files[i], 0644, "text\n", 5, &err), &err);
	ok(tree_add_file(t, "var/log/btmp", 0660, "", 0, &err), &err);
	ok(tree_add_file(t, "etc/shadow", 0640, "root:*:19000:0:99999:7:::\nx:!:::::::\n", 37,
			 &err),
	   &err);
	tree_lookup(t, "etc/shadow")->inode->gid = 42;
	return t;
}

static void test_clean(void **state)
{
	static const char *const gone[] = {"etc/passwd-",
					   "etc/ssh/ssh_host_rsa_key",
					   "var/log/dpkg.log",
					   "var/log/apt/history.log",
					   "var/lib/dpkg/status-old",
					   "tmp/x"};
	static const char *const kept[] = {"etc/passwd",
					   "etc/ssh/sshd_config",
					   "var/log/apt",
					   "var/log/btmp",
					   "var/lib/dpkg/status",
					   "tmp",
					   "var/lib/dpkg/triggers/Unincorp",
					   "usr/tmp/kept"};
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	char *shadow cleanup_free = NULL;

	ok(tree_clean(t, &err), &err);
	for (size_t i = 0; i < array_len(gone); i++)
		assert_null(tree_lookup(t, gone[i]));
	for (size_t i = 0; i < array_len(kept); i++)
		assert_non_null(tree_lookup(t, kept[i]));
	assert_int_equal(tree_lookup(t, "etc/machine-id")->inode->size, 0);
	shadow = tree_inode_text(tree_lookup(t, "etc/shadow")->inode, 1000);
	assert_string_equal(shadow, "root:*:20000:0:99999:7:::\nx:!:::::::\n");
	assert_int_equal(tree_lookup(t, "etc/shadow")->inode->gid, 42);
	assert_int_equal(tree_lookup(t, "etc/shadow")->inode->mode & 07777, 0640);
}

static void test_machine_id(void **state)
{
	struct tree *with cleanup_tree = tree_new(EPOCH, dir);
	struct tree *without cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(tree_add_file(with, "usr/lib/systemd/systemd", 0755, "elf", 3, &err), &err);
	ok(tree_clean(with, &err), &err);
	ok(tree_clean(without, &err), &err);
	assert_int_equal(tree_lookup(with, "etc/machine-id")->inode->size, 0);
	assert_null(tree_lookup(without, "etc/machine-id"));
}

static void test_malformed(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err cleanup_err = NULL;

	ok(tree_add_file(t, "etc/shadow", 0640, "root\n", 5, &err), &err);
	assert_int_equal(tree_clean(t, &err), -1);
	assert_non_null(strstr(err->text, "etc/shadow"));
}

static void holds(struct tree *t, const char *path, const char *text)
{
	char *is cleanup_free = tree_inode_text(tree_lookup(t, path)->inode, 1000);

	assert_string_equal(is, text);
}

/* What was there is content; what programs made of it and beside it is litter. */
static void test_clean_after(void **state)
{
	struct tree *before = tree_new(EPOCH, dir);
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	(void)state;
	ok(tree_add_file(before, "var/log/shipped", 0640, "a\n", 2, &err), &err);
	ok(tree_add_file(before, "var/log/removed", 0640, "a\n", 2, &err), &err);
	ok(tree_add_dir(before, "tmp/d", 0710, &err), &err);
	ok(tree_add_file(before, "tmp/d/x", 0640, "x\n", 2, &err), &err);
	ok(tree_add_file(before, "etc/machine-id", 0644, "mine\n", 5, &err), &err);
	tree_lookup(before, "tmp/d")->inode->uid = 7;

	ok(tree_add_file(t, "var/log/shipped", 0640, "a\nb\n", 4, &err), &err);
	ok(tree_add_file(t, "var/log/new", 0640, "b\n", 2, &err), &err);
	ok(tree_add_file(t, "tmp/d/x", 0640, "x\n", 2, &err), &err);
	ok(tree_add_file(t, "tmp/d/y", 0640, "y\n", 2, &err), &err);
	ok(tree_add_file(t, "etc/machine-id", 0444, "random\n", 7, &err), &err);
	ok(tree_add_file(t, "etc/shadow", 0640, "a:*:0:::::\nb:*:1:::::\n", 22, &err), &err);
	ok(tree_clean_after(t, before, &err), &err);
	holds(t, "var/log/shipped", "a\n");
	holds(t, "tmp/d/x", "x\n");
	holds(t, "etc/machine-id", "mine\n");
	holds(t, "etc/shadow", "a:*:0:::::\nb:*:20000:::::\n");
	assert_int_equal(tree_lookup(t, "tmp/d")->inode->mode & 07777, 0710);
	assert_int_equal(tree_lookup(t, "tmp/d")->inode->uid, 7);
	assert_null(tree_lookup(t, "var/log/removed"));
	assert_null(tree_lookup(t, "var/log/new"));
	assert_null(tree_lookup(t, "tmp/d/y"));
}

static void test_uninitialized(void **state)
{
	struct tree *before = tree_new(EPOCH, dir);
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	(void)state;
	ok(tree_add_file(before, "etc/machine-id", 0444, "", 0, &err), &err);
	ok(tree_add_file(t, "etc/machine-id", 0644, "uninitialized\n", 14, &err), &err);
	ok(tree_clean_after(t, before, &err), &err);
	holds(t, "etc/machine-id", "uninitialized\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),         cmocka_unit_test(test_machine_id),
		cmocka_unit_test(test_malformed),     cmocka_unit_test(test_clean_after),
		cmocka_unit_test(test_uninitialized),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
