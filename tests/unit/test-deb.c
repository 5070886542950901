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
#include "base/proc.h"
#include "base/str.h"
#include "media/deb/deb_relations.h"
#include "media/deb/deb_seed.h"
#include "media/tree/tree_dir.h"
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
	const char *files[8]; /* a path that ends in '/' is a directory */
};

static void append_member(struct str *ar, const char *name, const struct str *data)
{
	str_printf(ar, "%-16s%-12d%-6d%-6d%-8o%-10zu`\n", name, 0, 0, 0, 0100644, data->len);
	str_append_len(ar, data->buf, data->len);
	if (data->len & 1)
		str_append_char(ar, '\n');
}

static void append_tree(struct str *ar, const char *name, struct tree *t, bool zip)
{
	char *path cleanup_free = path_join(dir, "member");
	struct str data cleanup_str = STR_INIT;
	struct err *err = NULL;

	unlink(path);
	ok(tree_write_tar(t, path, &err), &err);
	if (zip) {
		char *argv[] = {"gzip", "-f", "-S", ".z", path, NULL};
		char *zipped = xasprintf("%s.z", path);

		ok(proc_run(argv, &(struct proc_opts){0}, &err), &err);
		free(path);
		path = zipped;
	}
	ok(file_read(path, SIZE_MAX / 2, &data, &err), &err);
	append_member(ar, name, &data);
}

static mode_t directory_mode = 0755;
static bool compressed; /* the content */

/* Writes it as NAME.deb and opens it, as deb_open() does. */
static int try_add(struct deb_set *set, const char *name, const struct recipe *r,
		   struct err **ret_err)
{
	struct tree *control cleanup_tree = tree_new(EPOCH, dir),
			     *data cleanup_tree = tree_new(EPOCH, dir);
	char *path cleanup_free = xasprintf("%s/%s.deb", dir, name);
	struct str ar cleanup_str = STR_INIT, version cleanup_str = STR_INIT;
	struct err *err = NULL;

	ok(tree_add_file(control, "control", 0644, r->control, strlen(r->control), &err), &err);
	for (size_t i = 0; r->files[i]; i++) {
		if (str_ends(r->files[i], "/"))
			ok(tree_add_dir(data, r->files[i], directory_mode, &err), &err);
		else
			ok(tree_add_file(data, r->files[i], 0644, name, strlen(name), &err), &err);
	}
	str_append(&ar, "!<arch>\n");
	str_append(&version, "2.0\n");
	append_member(&ar, "debian-binary", &version);
	append_tree(&ar, "control.tar", control, false);
	append_tree(&ar, compressed ? "data.tar.gz" : "data.tar", data, compressed);
	ok(file_write(path, ar.buf, ar.len, 0644, false, &err), &err);
	return deb_open(set, path, name, ret_err);
}

static void add(struct deb_set *set, const char *name, const struct recipe *r)
{
	struct err *err = NULL;

	ok(try_add(set, name, r, &err), &err);
}

#define CONTROL(name, more) \
	"Package: " name "\nVersion: 1.0-1\nArchitecture: all\n" more "Description: test\n"

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
	const char *field = "foo | bar:any (>= 2),\n baz(<<1~), last";
	struct deb_relation r;

	(void)state;
	assert_true(deb_relation_next(&field, &r));
	assert_string_equal(r.name, "foo");
	assert_true(r.more);
	assert_true(deb_relation_allows(&r, NULL) && deb_relation_allows(&r, "1"));
	assert_true(deb_relation_next(&field, &r));
	assert_string_equal(r.name, "bar");
	assert_false(r.more);
	assert_true(deb_relation_allows(&r, "2") && deb_relation_allows(&r, "2.1"));
	assert_false(deb_relation_allows(&r, "2~") || deb_relation_allows(&r, NULL));
	assert_true(deb_relation_next(&field, &r));
	assert_string_equal(r.name, "baz");
	assert_string_equal(r.version, "1~");
	assert_false(deb_relation_allows(&r, "1~") || deb_relation_allows(&r, "1"));
	assert_true(deb_relation_next(&field, &r));
	assert_string_equal(r.name, "last");
	assert_false(deb_relation_next(&field, &r));
}

static void test_fields(void **state)
{
	char *a cleanup_free = deb_field("A: 1\nReplaces: x,\n y\nB: 2\n", "replaces");

	(void)state;
	assert_string_equal(a, "x,  y");
	assert_null(deb_field("A: 1\n", "B"));
}

static void test_seed(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	const struct recipe a = {CONTROL("a", ""), {"bin/a", "lib64/ld.so", "lib/"}};

	(void)state;
	add(&set, "a", &a);
	ok(deb_seed(&set, t, &err), &err);
	/* merged /usr: the links are there and the files behind them */
	assert_string_equal(tree_lookup(t, "bin")->inode->target, "usr/bin");
	assert_string_equal(tree_lookup(t, "sbin")->inode->target, "usr/sbin");
	assert_string_equal(tree_lookup(t, "lib")->inode->target, "usr/lib");
	assert_string_equal(tree_lookup(t, "lib64")->inode->target, "usr/lib64");
	assert_null(tree_lookup(t, "lib32"));
	assert_true(S_ISREG(tree_lookup(t, "usr/bin/a")->inode->mode));
	assert_int_equal(tree_lookup(t, "var/lib/dpkg/status")->inode->size, 0);
}

/* What an overlay has, too, is as the first package has it; the rest of a package stays out. */
static void test_seed_dirs(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	char *overlay cleanup_free = path_join(dir, "overlay");
	char *secret cleanup_free = path_join(dir, "overlay/etc/a/secret");
	char *library cleanup_free = path_join(dir, "overlay/lib/a");
	struct err *err = NULL;
	const struct recipe a = {CONTROL("a", ""),
				 {"etc/a/", "etc/a/secret/", "etc/b/", "usr/lib/a/", "etc/a/x"}};

	(void)state;
	directory_mode = 0710;
	add(&set, "a", &a);
	directory_mode = 0750;
	add(&set, "b", &a);
	ok(path_mkdirs(secret, &err), &err);
	ok(path_mkdirs(library, &err), &err);
	ok(tree_add_dir(t, "etc/a", 0700, &err), &err);
	ok(tree_add_symlink(t, "lib", "usr/lib", &err), &err);
	ok(deb_seed_dirs(&set, overlay, t, &err), &err);
	assert_int_equal(tree_lookup(t, "etc/a")->inode->mode & 07777, 0700);
	assert_int_equal(tree_lookup(t, "etc/a/secret")->inode->mode & 07777, 0710);
	assert_int_equal(tree_lookup(t, "usr/lib/a")->inode->mode & 07777, 0710);
	assert_null(tree_lookup(t, "etc/b"));
	assert_null(tree_lookup(t, "etc/a/x"));
}

static void test_expand(void **state)
{
	struct deb_set set cleanup_deb_set = {0};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	char *path cleanup_free = path_join(dir, "expanded.deb");
	const struct recipe a = {CONTROL("a", ""), {"usr/bin/a"}};
	struct err *err = NULL;

	(void)state;
	compressed = true;
	add(&set, "a", &a);
	compressed = false;
	assert_memory_equal(set.items[0]->map + set.items[0]->data_at, "\x1f\x8b", 2);
	ok(deb_expand(set.items[0], path, &err), &err);
	ok(deb_open(&set, path, "expanded", &err), &err);
	assert_string_equal(set.items[1]->name, "a");
	assert_memory_equal(set.items[1]->map + set.items[1]->data_at + 257, "ustar", 5);
	ok(deb_unpack(set.items[1], t, &err), &err);
	assert_int_equal(tree_lookup(t, "usr/bin/a")->inode->size, 1);
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
	assert_int_equal(err->code->cls, ERR_INTEGRITY);
}

/* dpkg is told of packages by name. */
/* A reader of an index would see two packages. */
static void test_empty_line(void **state)
{
	static const char *const between[] = {"\n", " \n", "\t \r\n"};

	(void)state;
	for (size_t i = 0; i < array_len(between); i++) {
		char *control cleanup_free =
			xasprintf("%s%s%s", CONTROL("vendor", ""), between[i], CONTROL("bash", ""));
		struct deb_set set cleanup_deb_set = {0};
		struct err *err cleanup_err = NULL;

		assert_int_equal(try_add(&set, "two", &(struct recipe){control, {NULL}}, &err), -1);
		assert_non_null(strstr(err->text, "has an empty line"));
	}
}

static void test_name_is_no_option(void **state)
{
	static const char *const controls[] = {CONTROL("--force-all", ""), CONTROL("a/b", ""),
					       CONTROL("a b", ""),
					       "Package: a\nVersion: 1\nArchitecture: -x\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++) {
		struct deb_set set cleanup_deb_set = {0};
		struct err *err cleanup_err = NULL;

		assert_int_equal(try_add(&set, "x", &(struct recipe){controls[i], {0}}, &err), -1);
		assert_int_equal(err->code->cls, ERR_INTEGRITY);
		assert_non_null(strstr(err->text, "calls itself"));
	}
}

/* ---- tree_dir ---- */

static void test_directory_and_back(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir),
		       *back cleanup_tree = tree_new(EPOCH, dir);
	char *directory cleanup_free = path_join(dir, "root"),
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
	ok(tree_to_dir(t, directory, owners, &err), &err);
	ok(tree_from_dir(back, directory, owners, INT64_MAX, &err), &err);
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

/* ---- dependencies ---- */

static void join_name(void *arg, const struct deb_package *p)
{
	str_printf(arg, "%s ", p->name);
}

static void test_dependencies(void **state)
{
	static const char *const stanzas[] = {
		"Package: mawk\nVersion: 1.3\nArchitecture: amd64\nProvides: awk, tool (= 2:3)\n",
		"Package: libc6\nVersion: 2.41-1\nArchitecture: amd64\nSource: glibc (2.41-0)\n"
		"Installed-Size: 77\nEssential: yes\nPre-Depends: a\nDepends: b,\n c\n",
	};
	static const struct {
		const char *relations, *missing, *satisfiers;
	} cases[] = {
		{"", "", ""},
		{"libc6", "", "libc6 "},
		{"libc6:any (>= 2.41)", "", "libc6 "},
		{"libc6 (>= 2.41-1~), awk", "", "libc6 mawk "},
		{"gawk | mawk (<<1.4)", "", "mawk "},
		{"libc6 (>> 2.41-1), x", "libc6 (>> 2.41-1)", ""},
		{"awk (>= 1)", "awk (>= 1)", ""}, /* provided without a version */
		{"tool (= 2:3)", "", "mawk "},
		{"tool (>= 2:4) | nothing", "tool (>= 2:4) | nothing", ""},
		{" libc6 ,\n gawk  |\n original-awk", "gawk  |\n original-awk", "libc6 "},
	};
	struct arena *arena cleanup_arena = arena_new();
	struct deb_packages all = {0};
	struct deb_index *index;

	(void)state;
	for (size_t i = 0; i < array_len(stanzas); i++)
		assert_int_equal(deb_package_parse(arena, stanzas[i], deb_packages_at_end(&all)),
				 0);
	assert_string_equal(all.items[0].source, "mawk");
	assert_string_equal(all.items[0].source_version, "1.3");
	assert_false(all.items[0].essential);
	assert_string_equal(all.items[1].source, "glibc");
	assert_string_equal(all.items[1].source_version, "2.41-0");
	assert_int_equal(all.items[1].installed_kib, 77);
	assert_true(all.items[1].essential);
	assert_string_equal(all.items[1].depends, "a, b,  c");
	index = deb_index_new(&all);
	for (size_t i = 0; i < array_len(cases); i++) {
		struct str missing cleanup_str = STR_INIT, satisfiers cleanup_str = STR_INIT;

		assert_int_equal(deb_index_missing(index, cases[i].relations, &missing),
				 *cases[i].missing != '\0');
		assert_string_equal(missing.buf, cases[i].missing);
		deb_index_each(index, cases[i].relations, join_name, &satisfiers);
		assert_string_equal(satisfiers.buf, cases[i].satisfiers);
	}
	deb_index_free(index);
	deb_packages_clear(&all);
	assert_int_equal(
		deb_package_parse(arena, "Package: x\nVersion: 1\n", &(struct deb_package){0}), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_dependencies),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_fields),
		DIR_TEST(test_seed),
		DIR_TEST(test_seed_dirs),
		DIR_TEST(test_expand),
		DIR_TEST(test_no_deb),
		DIR_TEST(test_empty_line),
		DIR_TEST(test_name_is_no_option),
		DIR_TEST(test_directory_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
