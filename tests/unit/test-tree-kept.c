/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a tree keeps of what it is given, and what it says of the rest. */
#include "media.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/acl.h"
#include "media/ext4/ext4.h"
#include "media/tree/tree.h"
#include "media/tree/tree_dir.h"
#include "tree-help.h"

#define EPOCH 1700000000

/* A tar of one file 'f' with an extended attribute, by Python, as GNU tar writes its name. */
static void make_attribute(const char *record)
{
	RUN("python3", "-c",
	    "import io, sys, tarfile\n"
	    "t = tarfile.open('x.tar', 'w', format=tarfile.PAX_FORMAT)\n"
	    "i = tarfile.TarInfo('f'); i.pax_headers = {sys.argv[1]: 'v'}\n"
	    "t.addfile(i)\n",
	    (char *)record);
}

/* GNU tar writes '%' and '=' of names as %25 and %3D, libarchive more; all of it is read back. */
static void test_attribute_names(void **state)
{
	static const struct {
		const char *record, *name;
	} names_of[] = {
		{"SCHILY.xattr.user.plain", "user.plain"},
		{"SCHILY.xattr.user.a%3Db", "user.a=b"},
		{"SCHILY.xattr.user.a%25b", "user.a%b"},
		{"SCHILY.xattr.user.a%2525", "user.a%25"},
		{"SCHILY.xattr.user.a%20b%e4", "user.a b\xe4"},
		{"SCHILY.xattr.user.50%", "user.50%"},
		{"SCHILY.xattr.user.50%x0", "user.50%x0"},
	};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(names_of); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		struct tree *again cleanup_tree = tree_new(EPOCH, dir);
		const struct tree_inode *f;

		make_attribute(names_of[i].record);
		ok(tree_read_tar(t, "/", at("x.tar"), 0, &err), &err);
		f = tree_lookup(t, "f")->inode;
		assert_int_equal(f->xattr_count, 1);
		assert_string_equal(f->xattrs[0].name, names_of[i].name);
		unlink(at("again.tar"));
		ok(tree_write_tar(t, at("again.tar"), &err), &err);
		ok(tree_read_tar(again, "/", at("again.tar"), 0, &err), &err);
		f = tree_lookup(again, "f")->inode;
		assert_int_equal(f->xattr_count, 1);
		assert_string_equal(f->xattrs[0].name, names_of[i].name);
	}
}

/* Names that no system has: ext4 kept 44 letters of one of 300, and was damaged. */
static void test_attribute_names_refused(void **state)
{
	char long_name[320] = "SCHILY.xattr.user.";
	const char *const refused_names[] = {"SCHILY.xattr.user.a%00b", "SCHILY.xattr.user.",
					     "SCHILY.xattr.com.apple.provenance", "SCHILY.xattr.x",
					     long_name};

	memset(long_name + strlen(long_name), 'n', 251);
	for (size_t i = 0; i < array_len(refused_names); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		struct err *err = NULL;

		make_attribute(refused_names[i]);
		refused(tree_read_tar(t, "/", at("x.tar"), 0, &err), &err,
			"bad extended attribute");
	}
}

/* More than Linux lists of a file, which took minutes to sort. */
static void test_too_many_attributes(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	RUN("python3", "-c",
	    "import io, sys, tarfile\n"
	    "t = tarfile.open('x.tar', 'w', format=tarfile.PAX_FORMAT)\n"
	    "i = tarfile.TarInfo('f')\n"
	    "i.pax_headers = {f'SCHILY.xattr.user.{n}': 'v' for n in range(7000)}\n"
	    "t.addfile(i)\n");
	refused(tree_read_tar(t, "/", at("x.tar"), 0, &err), &err,
		"more extended attributes than Linux lists");
}

/* An access list that the kernel would not take. */
static void test_bad_access_list(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	make_attribute("SCHILY.xattr.system.posix_acl_access");
	refused(tree_read_tar(t, "/", at("x.tar"), 0, &err), &err, "'f' has a bad access list");
}

/* A member that continues on another volume has a part of a file; it is not left out. */
static void test_member_types(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	RUN("python3", "-c",
	    "import io, tarfile\n"
	    "t = tarfile.open('m.tar', 'w', format=tarfile.GNU_FORMAT)\n"
	    "i = tarfile.TarInfo('rest'); i.size = 4; i.type = b'M'\n"
	    "t.addfile(i, io.BytesIO(b'data'))\n");
	refused(tree_read_tar(t, "/", at("m.tar"), 0, &err), &err, "'rest' is of a type");
}

/* ext4's times, before 1970 as well, through a tar and an image. */
static void test_times(void **state)
{
	static const int64_t given[] = {-1, -86400, TREE_TIME_MIN, TREE_TIME_MAX, 1ll << 31};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct tree *tar cleanup_tree = tree_new(EPOCH, dir);
	struct tree *image cleanup_tree = tree_new(EPOCH, dir);
	static const unsigned char uuid[16] = {1};
	struct ext4_opts opts = {.size = 1 << 20, .uuid = uuid, .seed = uuid};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(given); i++) {
		char name[2] = {(char)('a' + i)};

		ok(tree_link(t, name, tree_inode_new(t, S_IFREG | 0644, 0, 0, given[i]), 0, &err),
		   &err);
	}
	ok(tree_write_tar(t, at("times.tar"), &err), &err);
	ok(tree_read_tar(tar, "/", at("times.tar"), 0, &err), &err);
	blank("times.img", opts.size);
	ok(ext4_write(tar, at("times.img"), 0, "test", &opts, &err), &err);
	ok(ext4_read_tree(image, at("times.img"), 0, &err), &err);
	for (size_t i = 0; i < array_len(given); i++) {
		char name[2] = {(char)('a' + i)};

		assert_int_equal(tree_lookup(image, name)->inode->mtime, given[i]);
	}
	assert_int_equal(tree_inode_new(t, S_IFREG, 0, 0, INT64_MAX)->mtime, TREE_TIME_MAX);
	assert_int_equal(tree_inode_new(t, S_IFREG, 0, 0, INT64_MIN)->mtime, TREE_TIME_MIN);
}

static void set_list(struct tree *t, struct tree_inode *n, const struct acl_item *items,
		     size_t count)
{
	struct acl acl cleanup_acl = {0};
	struct str value cleanup_str = STR_INIT;

	for (size_t i = 0; i < count; i++)
		acl_push(&acl, items[i]);
	acl_format(&acl, &value);
	tree_inode_xattr(t, n, ACL_ACCESS, value.buf, value.len);
}

/* Permissions and access list are one thing: chmod takes from whom the list names as well. */
static void test_permissions(void **state)
{
	static const struct acl_item items[] = {{0x01, 7, UINT32_MAX},
						{0x02, 7, 33},
						{0x04, 5, UINT32_MAX},
						{0x10, 7, UINT32_MAX},
						{0x20, 0, UINT32_MAX}};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct acl acl cleanup_acl = {0};
	struct tree_inode *n = add(t, "f", S_IFREG | S_ISVTX | 0600);

	set_list(t, n, items, array_len(items));
	assert_int_equal(n->mode, S_IFREG | S_ISVTX | 0770);
	tree_inode_chmod(t, n, 04604);
	assert_int_equal(n->mode, S_IFREG | 04604);
	assert_int_equal(n->xattr_count, 1);
	assert_int_equal(acl_parse(n->xattrs[0].value, n->xattrs[0].len, &acl), 0);
	assert_int_equal(acl.items[0].perm, 6);
	assert_int_equal(acl.items[1].perm, 7);
	assert_int_equal(acl.items[3].perm, 0); /* the mask */
	assert_int_equal(acl.items[4].perm, 4);
}

/* A socket that a program has left is nothing that a tar can hold: the tree says so. */
static void test_sockets(void **state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	const struct strv *left_out;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(mkdir(at("left"), 0700), 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", at("left/talk"));
	assert_int_equal(bind(s, (struct sockaddr *)&to, sizeof(to)), 0);
	ok(tree_from_dir(t, at("left"), NULL, INT64_MAX, &err), &err);
	close(s);
	assert_null(tree_lookup(t, "talk"));
	left_out = tree_left_out(t);
	assert_int_equal(left_out->count, 1);
	assert_string_equal(left_out->items[0], "talk");
}

static void put_time(const char *path, int64_t mtime)
{
	const struct timespec times[] = {{mtime, 0}, {mtime, 0}};
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

/* A package's own time stays, also where the clock says that it is still to come. */
static void test_times_to_come(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	int64_t now = time(NULL);

	assert_int_equal(mkdir(at("timed"), 0700), 0);
	put_time(at("timed/made"), now);
	put_time(at("timed/old"), now - 1000);
	put_time(at("timed/to-come"), now + 1000);
	ok(tree_from_dir(t, at("timed"), NULL, now - 10, &err), &err);
	assert_int_equal(tree_lookup(t, "made")->inode->mtime, EPOCH);
	assert_int_equal(tree_lookup(t, "old")->inode->mtime, now - 1000);
	assert_int_equal(tree_lookup(t, "to-come")->inode->mtime, now + 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attribute_names),
		cmocka_unit_test(test_attribute_names_refused),
		cmocka_unit_test(test_too_many_attributes),
		cmocka_unit_test(test_bad_access_list),
		cmocka_unit_test(test_member_types),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_times_to_come),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
