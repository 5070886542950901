/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "media/deb.h"
#include "media/tree_dir.h"
#include "tmp.h"

#define EPOCH 1700000000

static void ok(int r, struct err **err)
{
	if (r < 0)
		fail_msg("%s", (*err)->text);
}

/* A package as a test writes it: files by path, control files by name; both end with NULL. */
struct recipe {
	const char *control;
	const char *files[8];   /* a path that ends in '/' is a folder */
	const char *scripts[8]; /* name, text, name, text, ... */
};

static void append_member(struct str *ar, const char *name, const struct str *data)
{
	str_printf(ar, "%-16s%-12d%-6d%-6d%-8o%-10zu`\n", name, 0, 0, 0, 0100644, data->len);
	str_append_len(ar, data->buf, data->len);
	if (data->len & 1)
		str_append_char(ar, '\n');
}

static void append_tree(struct str *ar, const char *name, struct tree *t)
{
	char *path cleanup_free = path_join(dir, "member");
	struct str data cleanup_str = STR_INIT;
	struct err *err = NULL;

	unlink(path);
	ok(tree_write_tar(t, path, &err), &err);
	ok(file_read(path, SIZE_MAX / 2, &data, &err), &err);
	append_member(ar, name, &data);
}

/* Writes it as NAME.deb and opens it. */
static void add(struct deb_set *set, const char *name, const struct recipe *r)
{
	struct tree *control cleanup_tree = tree_new(EPOCH, dir),
			     *data cleanup_tree = tree_new(EPOCH, dir);
	char *path cleanup_free = xasprintf("%s/%s.deb", dir, name);
	struct str ar cleanup_str = STR_INIT, version cleanup_str = STR_INIT;
	struct err *err = NULL;

	ok(tree_add_file(control, "control", 0644, r->control, strlen(r->control), &err), &err);
	for (size_t i = 0; r->scripts[i]; i += 2)
		ok(tree_add_file(control, r->scripts[i], 0755, r->scripts[i + 1],
				 strlen(r->scripts[i + 1]), &err),
		   &err);
	for (size_t i = 0; r->files[i]; i++) {
		if (str_ends(r->files[i], "/"))
			ok(tree_add_dir(data, r->files[i], 0755, &err), &err);
		else
			ok(tree_add_file(data, r->files[i], 0644, name, strlen(name), &err), &err);
	}
	str_append(&ar, "!<arch>\n");
	str_append(&version, "2.0\n");
	append_member(&ar, "debian-binary", &version);
	append_tree(&ar, "control.tar", control);
	append_tree(&ar, "data.tar", data);
	ok(file_write(path, ar.buf, ar.len, 0644, false, &err), &err);
	ok(deb_open(set, path, name, &err), &err);
}

#define CONTROL(name, more) \
	"Package: " name "\nVersion: 1.0-1\nArchitecture: all\n" more "Description: test\n"

static char *text(struct tree *t, const char *path)
{
	struct tree_entry *e = tree_resolve(t, path);

	return e ? tree_inode_text(e->inode, 1 << 20) : NULL;
}

static void test_versions(void **state)
{
	(void)state;
	assert_true(deb_version_compare("1.0", "1.0") == 0);
	assert_true(deb_version_compare("1.0-1", "1.0-2") < 0);
	assert_true(deb_version_compare("1.0~rc1", "1.0") < 0);
	assert_true(deb_version_compare("1:0.1", "2.0") > 0);
	assert_true(deb_version_compare("1.10", "1.9") > 0);
	assert_true(deb_version_compare("2.41-12+deb13u4", "2.41-12") > 0);
	assert_true(deb_version_compare("1.0+a", "1.0a") > 0);
	assert_true(deb_version_compare("0:1", "1") == 0);
	assert_true(deb_version_compare("99999999999999999999", "100000000000000000000") < 0);
}

static void test_relations(void **state)
{
	(void)state;
	assert_true(deb_relation_matches("foo", "foo", "1"));
	assert_true(deb_relation_matches("bar, foo (<< 2)", "foo", "1"));
	assert_false(deb_relation_matches("bar, foo (<< 2)", "foo", "2"));
	assert_true(deb_relation_matches("foo:any (>= 2)", "foo", "2"));
	assert_false(deb_relation_matches("foobar", "foo", "1"));
}

static void test_fields(void **state)
{
	char *a cleanup_free = deb_field("A: 1\nReplaces: x,\n y\nB: 2\n", "replaces");

	(void)state;
	assert_string_equal(a, "x,  y");
	assert_null(deb_field("A: 1\n", "B"));
}

static void test_merge(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	const struct recipe a = {CONTROL("a", ""),
				 {"bin/a", "etc/a.conf", "lib64/ld.so"},
				 {"conffiles", "/etc/a.conf\n", "postinst", "#!/bin/sh\n",
				  "triggers", "interest-noawait /usr/share/b\ninterest tick\n"}};
	const struct recipe b = {CONTROL("b", "Multi-Arch: same\n"), {"usr/share/b/x"}, {0}};
	char *status cleanup_free = NULL, *list cleanup_free = NULL, *file cleanup_free = NULL;

	(void)state;
	add(&set, "b", &b);
	add(&set, "a", &a);
	ok(deb_merge(&set, t, &err), &err);
	/* merged /usr: the links are there and the files behind them */
	assert_string_equal(tree_lookup(t, "bin")->inode->target, "usr/bin");
	assert_string_equal(tree_lookup(t, "lib64")->inode->target, "usr/lib64");
	assert_non_null(tree_lookup(t, "usr/bin/a"));
	/* a conffile waits for dpkg --configure */
	assert_null(tree_lookup(t, "etc/a.conf"));
	assert_non_null(tree_lookup(t, "etc/a.conf.dpkg-new"));
	status = text(t, "var/lib/dpkg/status");
	assert_non_null(strstr(status, "Package: a\nStatus: install ok unpacked\n"));
	assert_non_null(strstr(status, "Conffiles:\n /etc/a.conf newconffile\nDescription:"));
	list = text(t, "var/lib/dpkg/info/a.list");
	assert_non_null(strstr(list, "/.\n"));
	assert_non_null(strstr(list, "\n/bin/a\n"));
	assert_non_null(strstr(list, "\n/etc/a.conf\n"));
	assert_non_null(tree_lookup(t, "var/lib/dpkg/info/b:all.list"));
	assert_true(tree_lookup(t, "var/lib/dpkg/info/a.postinst")->inode->mode & 0100);
	file = text(t, "var/lib/dpkg/triggers/File");
	assert_string_equal(file, "/usr/share/b a/noawait\n");
	assert_non_null(tree_lookup(t, "var/lib/dpkg/triggers/tick"));
	assert_null(tree_lookup(t, "var/lib/dpkg/triggers/Unincorp"));
}

static void test_conflict_is_refused(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err cleanup_err = NULL;
	const struct recipe a = {CONTROL("a", ""), {"usr/bin/same"}, {0}};
	const struct recipe b = {
		CONTROL("b", ""), {"bin/same"}, {0}}; /* the same file behind a link */

	(void)state;
	add(&set, "a", &a);
	add(&set, "b", &b);
	assert_int_equal(deb_merge(&set, t, &err), -1);
	assert_non_null(strstr(err->text, "'a'"));
	assert_non_null(strstr(err->text, "'b'"));
	assert_non_null(strstr(err->text, "/usr/bin/same"));
}

static void replaces_in_order(const char *replacing, const char *replaced)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct recipe r = {NULL, {"usr/bin/same"}, {0}};
	char *control cleanup_free =
		xasprintf("Package: %s\nVersion: 1\nArchitecture: all\nReplaces: %s (<< 9)\n",
			  replacing, replaced);
	char *other cleanup_free =
		xasprintf("Package: %s\nVersion: 1\nArchitecture: all\n", replaced);
	char *content cleanup_free = NULL, *list cleanup_free = NULL;
	char *path cleanup_free = xasprintf("var/lib/dpkg/info/%s.list", replaced);

	r.control = control;
	add(&set, replacing, &r);
	r.control = other;
	add(&set, replaced, &r);
	ok(deb_merge(&set, t, &err), &err);
	content = text(t, "usr/bin/same");
	assert_string_equal(content, replacing);
	list = text(t, path);
	assert_null(strstr(list, "same"));
}

static void test_replaces(void **state)
{
	(void)state;
	replaces_in_order("a", "b");
	replaces_in_order("b", "a");
}

static void test_base_with_diversion_and_triggers(void **state)
{
	struct deb_set base cleanup_deb_set = {0}, more cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	const char diversions[] = "/usr/bin/tool\n/usr/bin/tool.real\na\n";
	const struct recipe a = {
		CONTROL("a", ""), {"usr/bin/a"}, {"triggers", "interest /usr/share/b\n"}};
	const struct recipe b = {CONTROL("b", ""),
				 {"usr/bin/tool", "usr/share/b/x"},
				 {"triggers", "activate-noawait ldconfig\n"}};
	char *pulled cleanup_free = NULL, *status cleanup_free = NULL;

	(void)state;
	add(&base, "a", &a);
	ok(deb_merge(&base, t, &err), &err);
	ok(tree_add_file(t, "var/lib/dpkg/diversions", 0644, diversions, strlen(diversions), &err),
	   &err);
	add(&more, "b", &b);
	ok(deb_merge(&more, t, &err), &err);
	assert_non_null(tree_lookup(t, "usr/bin/tool.real"));
	assert_null(tree_lookup(t, "usr/bin/tool"));
	pulled = text(t, "var/lib/dpkg/triggers/Unincorp");
	assert_string_equal(pulled, "/usr/share/b -\nldconfig -\n");
	status = text(t, "var/lib/dpkg/status");
	assert_non_null(strstr(status, "Package: a\n"));
	assert_non_null(strstr(status, "Package: b\n"));
}

static void test_diverting_package_is_left_to_dpkg(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	const struct recipe a = {
		CONTROL("a", ""),
		{"usr/bin/x"},
		{"preinst", "dpkg-divert --package a --add --rename --divert /x /y\n"}};
	const struct recipe b = {CONTROL("b", ""), {"usr/bin/x"}, {0}};

	(void)state;
	add(&set, "a", &a);
	add(&set, "b", &b);
	ok(deb_merge(&set, t, &err), &err);
	assert_true(set.items[0]->by_dpkg);
	assert_false(set.items[1]->by_dpkg);
	assert_null(tree_lookup(t, "var/lib/dpkg/info/a.list"));
}

static void test_no_deb(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "x");
	const char ar[] = "!<arch>\n"
			  "control.tar     0           0     0     100644  "
			  "9999999999`\n012345678901234567890";

	(void)state;
	ok(file_write(path, ar, sizeof(ar), 0644, false, &err), &err);
	assert_int_equal(deb_open(&set, path, "x", &err), -1);
	assert_int_equal(err->cls, ERR_INTEGRITY);
}

/* ---- tree_dir ---- */

static void test_folder_and_back(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir),
		       *back cleanup_tree = tree_new(EPOCH, dir);
	char *folder cleanup_free = path_join(dir, "root"),
		     *owners cleanup_free = path_join(dir, "owners");
	struct err *err = NULL;
	struct tree_inode *inode;
	const unsigned char cap[20] = {1, 0, 0, 2};

	(void)state;
	ok(tree_add_file(t, "etc/shadow", 0640, "x", 1, &err), &err);
	tree_lookup(t, "etc/shadow")->inode->gid = 42;
	ok(tree_add_file(t, "usr/bin/su", 04755, "su", 2, &err), &err);
	ok(tree_link(t, "usr/bin/su2", tree_lookup(t, "usr/bin/su")->inode, 0, &err), &err);
	ok(tree_add_symlink(t, "bin", "usr/bin", &err), &err);
	ok(tree_add_file(t, "usr/bin/ping", 0000, "ping", 4, &err), &err);
	tree_inode_xattr(t, tree_lookup(t, "usr/bin/ping")->inode, "security.capability", cap,
			 sizeof(cap));
	inode = tree_inode_new(t, S_IFCHR | 0660, 0, 5, EPOCH);
	inode->major = 4;
	inode->minor = 7;
	ok(tree_link(t, "dev/x", inode, 0, &err), &err);
	ok(tree_add_dir(t, "shut", 02000, &err), &err);
	ok(tree_add_file(t, "shut/in", 0040, "", 0, &err), &err);
	tree_inode_xattr(t, tree_lookup(t, "shut/in")->inode, "user.a b", "x\0y", 3);
	tree_inode_xattr(t, tree_lookup(t, "shut")->inode, "trusted.empty", "", 0);
	ok(tree_to_dir(t, folder, owners, &err), &err);
	ok(tree_from_dir(back, folder, owners, INT64_MAX, &err), &err);
	assert_int_equal(tree_lookup(back, "etc/shadow")->inode->gid, 42);
	assert_int_equal(tree_lookup(back, "etc/shadow")->inode->mode, S_IFREG | 0640);
	assert_int_equal(tree_lookup(back, "usr/bin/su")->inode->mode, S_IFREG | 04755);
	assert_ptr_equal(tree_lookup(back, "usr/bin/su")->inode,
			 tree_lookup(back, "usr/bin/su2")->inode);
	assert_string_equal(tree_lookup(back, "bin")->inode->target, "usr/bin");
	assert_int_equal(tree_lookup(back, "usr/bin/ping")->inode->mode, S_IFREG);
	assert_int_equal(tree_lookup(back, "usr/bin/ping")->inode->xattr_count, 1);
	assert_int_equal(tree_lookup(back, "shut")->inode->mode, S_IFDIR | 02000);
	assert_int_equal(tree_lookup(back, "shut")->inode->xattrs[0].len, 0);
	assert_int_equal(tree_lookup(back, "shut/in")->inode->mode, S_IFREG | 0040);
	assert_string_equal(tree_lookup(back, "shut/in")->inode->xattrs[0].name, "user.a b");
	assert_memory_equal(tree_lookup(back, "shut/in")->inode->xattrs[0].value, "x\0y", 3);
	inode = tree_lookup(back, "dev/x")->inode;
	assert_int_equal(inode->mode, S_IFCHR | 0660);
	assert_int_equal(inode->major, 4);
	assert_int_equal(inode->minor, 7);
	assert_int_equal(inode->gid, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_fields),
		DIR_TEST(test_merge),
		DIR_TEST(test_conflict_is_refused),
		DIR_TEST(test_replaces),
		DIR_TEST(test_base_with_diversion_and_triggers),
		DIR_TEST(test_diverting_package_is_left_to_dpkg),
		DIR_TEST(test_no_deb),
		DIR_TEST(test_folder_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
