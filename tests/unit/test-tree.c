/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include "media/tree/capability.h"
#include "media/tree/tree.h"
#include "media/tree/tree_acl.h"
#include "media/tree/tree_export.h"

#define EPOCH 1700000000

static struct tree *sample(void)
{
	static const unsigned char cap[20] = {1, 0, 0, 2, 0, 4};
	struct tree *t = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct tree_inode *n;

	ok(tree_add_dir(t, "usr/bin", 0755, &err), &err);
	ok(tree_add_file(t, "/usr/bin/ping", 04755, "elf", 3, &err), &err);
	tree_inode_xattr(t, tree_lookup(t, "usr/bin/ping")->inode, "security.capability", cap, 20);
	ok(tree_link(t, "/usr/bin/ping6", tree_lookup(t, "usr/bin/ping")->inode, 0, &err), &err);
	ok(tree_add_symlink(t, "bin", "usr/bin", &err), &err);
	n = tree_inode_new(t, S_IFCHR | 0620, 0, 5, EPOCH + 99);
	n->major = 4;
	n->minor = 64;
	ok(tree_link(t, "dev/ttyS0", n, 0, &err), &err);
	n = tree_inode_new(t, S_IFREG | 0640, 1000, 3000000, 1234567890);
	ok(tree_inode_append(t, n, 5, "world", 5, &err), &err);
	ok(tree_link(t, "home/caf\xc3\xa9", n, 0, &err), &err);
	return t;
}

static void test_write_is_canonical(void **state)
{
	struct tree *a cleanup_tree = sample(), *b cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char *list cleanup_free = NULL;

	ok(tree_write_tar(a, at("a.tar"), &err), &err);
	list = OUTPUT("tar", "--numeric-owner", "--utc", "--xattrs", "--xattrs-include=*",
		      "--full-time", "-tvvf", "a.tar");
	assert_non_null(strstr(list, "drwxr-xr-x  0/0               0 2023-11-14 22:13:20 ./\n"));
	assert_non_null(
		strstr(list, "lrwxrwxrwx  0/0               0 2023-11-14 22:13:20 bin -> usr/bin"));
	assert_non_null(
		strstr(list, "crw--w----  0/5            4,64 2023-11-14 22:14:59 dev/ttyS0"));
	assert_non_null(
		strstr(list, "-rw-r-----  1000/3000000     10 2009-02-13 23:31:30 home/caf"));
	assert_non_null(
		strstr(list, "-rwsr-xr-x* 0/0               3 2023-11-14 22:13:20 usr/bin/ping\n"));
	assert_non_null(strstr(list, "usr/bin/ping6 link to usr/bin/ping"));
	/* read back and written again: the same bytes */
	ok(tree_read_tar(b, "/", at("a.tar"), 0, &err), &err);
	ok(tree_write_tar(b, at("b.tar"), &err), &err);
	assert_true(same("a.tar", "b.tar"));
	assert_int_equal(tree_lookup(b, "usr/bin/ping")->inode->links, 2);
	assert_ptr_equal(tree_lookup(b, "bin/ping6")->inode,
			 tree_lookup(b, "/usr/bin/ping")->inode);
	assert_int_equal(tree_lookup(b, "usr/bin/ping")->inode->xattr_count, 1);
	assert_int_equal(tree_lookup(b, "usr/bin/ping")->inode->xattrs[0].len, 20);
	assert_memory_equal(tree_lookup(b, "home/caf\xc3\xa9")->inode->segments[0].data,
			    "\0\0\0\0\0world", 10);
}

static void test_compressed_and_foreign(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	char *text cleanup_free = NULL;
	struct str data cleanup_str = STR_INIT;

	put("in/etc/hello", "hello");
	put("in/etc/g\xc3\xbcn", "umlaut");
	RUN("truncate", "-s", "3M", "in/etc/hello");
	RUN("tar", "-C", "in", "--format=pax", "-SczPf", "in.tar.gz", ".");
	ok(file_read(at("in.tar.gz"), 1 << 20, &data, &err), &err);
	ok(tree_read_tar_data(t, "/sub", "in.tar.gz", data.buf, data.len, 0, &err), &err);
	assert_int_equal(tree_lookup(t, "sub/etc/hello")->inode->size, 3 << 20);
	assert_true(tree_lookup(t, "sub/etc/hello")->inode->segments[0].len < 1 << 20);
	assert_non_null(tree_lookup(t, "/sub/etc/g\xc3\xbcn"));
	text = tree_inode_text(tree_lookup(t, "sub/etc/hello")->inode, 4 << 20);
	assert_string_equal(text, "hello");
	assert_null(tree_inode_text(tree_lookup(t, "sub/etc/hello")->inode, 100));
}

static void test_hostile(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	put("h/f", "x");
	RUN("ln", "-s", "/etc", "h/l");
	RUN("ln", "h/f", "h/hard");
	RUN("tar", "-C", "h", "-Pcf", "dots.tar", "--transform", "s,f,a/../../f,", "f");
	refused(tree_read_tar(t, "/", at("dots.tar"), TREE_FOLLOW, &err), &err, "'..'");
	RUN("tar", "-C", "h", "-cf", "through.tar", "l");
	RUN("tar", "-C", "h", "-rf", "through.tar", "--transform", "s,f,l/f,", "f");
	refused(tree_read_tar(t, "/", at("through.tar"), TREE_FOLLOW, &err), &err, "symbolic link");
	RUN("tar", "-C", "h", "-cf", "hard.tar", "f", "hard");
	RUN("tar", "--delete", "-f", "hard.tar", "f");
	refused(tree_read_tar(t, "/", at("hard.tar"), TREE_FOLLOW, &err), &err, "not there");
	RUN("truncate", "-s", "700", "hard.tar");
	put("junk.tar",
	    "this is no tar, but it has some bytes in it to be looked at, more than a few");
	refused(tree_read_tar(t, "/", at("junk.tar"), 0, &err), &err, "junk.tar");
}

/* A sparse file of a tar may claim what no disk has: it must not become zeros. */
static void test_holes(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	blank("sparse", 1ull << 40);
	RUN("tar", "-Scf", "sparse.tar", "sparse");
	ok(tree_read_tar(t, "/", at("sparse.tar"), 0, &err), &err);
	assert_int_equal(tree_lookup(t, "sparse")->inode->size, 1ull << 40);
	refused(tree_write_tar(t, at("sparse-out.tar"), &err), &err, "'/sparse' has holes");
	assert_false(path_exists(at("sparse-out.tar")));
	blank("large", 2ull << 30);
	RUN("tar", "-Scf", "large.tar", "large");
	tree_free(steal_ptr(t));
	t = tree_new(EPOCH, dir);
	ok(tree_read_tar(t, "/", at("large.tar"), 0, &err), &err);
	refused(tree_write_tar(t, at("sparse-out.tar"), &err), &err, "holes of more than 1.0 GiB");
	assert_false(path_exists(at("sparse-out.tar")));
}

/* tar -P: names and targets of hard links begin with '/'. */
static void test_absolute_names(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	put("p/f", "x");
	RUN("ln", "p/f", "p/hard");
	RUN("tar", "-C", "p", "-Pcf", "abs.tar", "--transform", "s,^,/etc/,", "f", "hard");
	ok(tree_read_tar(t, "/sub", at("abs.tar"), TREE_FOLLOW, &err), &err);
	assert_non_null(tree_lookup(t, "sub/etc/f"));
	assert_ptr_equal(tree_lookup(t, "sub/etc/f")->inode, tree_lookup(t, "sub/etc/hard")->inode);
}

/* Written by tar --acls: names, which the passwd and group of the same tree explain. */
static void test_acl_by_name(void **state)
{
	static const char make[] =
		"import tarfile, io\n"
		"def add(t, name, data, pax={}):\n"
		"    i = tarfile.TarInfo(name); i.size = len(data); i.pax_headers = pax\n"
		"    t.addfile(i, io.BytesIO(data))\n"
		"acl = {'SCHILY.acl.access': 'user::rwx\\nuser:app:r-x\\ngroup::r-x\\n'\n"
		"       'group:mail:rw-\\nmask::rwx\\nother::r--\\n'}\n"
		"for name, ids in (('named.tar', True), ('nobody.tar', False)):\n"
		"    t = tarfile.open(name, 'w', format=tarfile.PAX_FORMAT)\n"
		"    add(t, 'f', b'x', acl)\n"
		"    add(t, 'etc/passwd', b'apps:x:1:1\\napp:x:990:7::/:\\n' if ids else b'')\n"
		"    add(t, 'etc/group', b'mail:*:8:')\n"
		"    t.close()\n";
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct tree_inode *inode;

	RUN("python3", "-c", (char *)make);
	ok(tree_read_tar(t, "/sub", at("named.tar"), 0, &err), &err);
	inode = tree_lookup(t, "sub/f")->inode;
	assert_int_equal(inode->xattr_count, 1);
	ok(tree_acl_text(inode->xattrs[0].value, inode->xattrs[0].len, "f", &text, &err), &err);
	assert_string_equal(text.buf, "u::rwx,u:990:r-x,g::r-x,g:8:rw-,m::rwx,o::r--");
	refused(tree_read_tar(t, "/", at("nobody.tar"), 0, &err), &err,
		"'f' has an ACL for user 'app', which the tree's own /etc/passwd does not have");
}

/* An access list that cannot be read would be lost, and who may read the file would change. */
static void test_acl_garbled(void **state)
{
	static const char make[] =
		"import tarfile, sys\n"
		"i = tarfile.TarInfo('f'); i.pax_headers = {sys.argv[1]: sys.argv[2]}\n"
		"t = tarfile.open('garbled.tar', 'w', format=tarfile.PAX_FORMAT)\n"
		"t.addfile(i); t.close()\n";
	static const char *const lists[] = {
		"user::rw-,user:5:rQ-,group::r--,mask::r--,other::---",
		"user::rw-,user:5:r--,group::r--,mask::r--,other",
		"nothing of the kind",
	};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(lists); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);

		RUN("python3", "-c", (char *)make, "SCHILY.acl.access", (char *)lists[i]);
		refused(tree_read_tar(t, "/", at("garbled.tar"), 0, &err), &err,
			"'f' has an attribute that cannot be read (Parse error");
	}
}

/*
 * Makes pax.tar and, compressed, pax.tgz of one file 'f' whose pax header (TYPE "x"; "g": that of
 * all members) has RECORDS, lines that get their lengths; or that stand there as they are, after a
 * '!'.
 */
static void make_pax(const char *type, const char *records)
{
	static const char make[] =
		"import gzip, os, sys\n"
		"def block(type, data):\n"
		"    h = bytearray(512); h[0:1] = b'f'; h[156:157] = type\n"
		"    h[257:265] = b'ustar\\00000'\n"
		"    h[100:108] = b'0000644\\0'; h[124:136] = b'%011o\\0' % len(data)\n"
		"    h[148:156] = b' ' * 8; h[148:156] = b'%06o\\0 ' % sum(h)\n"
		"    return bytes(h) + data + bytes(-len(data) % 512)\n"
		"def record(line):\n"
		"    if line[:1] == b'!': return line[1:] + b'\\n'\n"
		"    n = len(line) + 4 if len(line) < 96 else 0\n"
		"    assert 10 <= n <= 99\n"
		"    return b'%d %s\\n' % (n, line)\n"
		"pax = b''.join(map(record, os.fsencode(sys.argv[1]).split(b'\\n')))\n"
		"tar = block(sys.argv[2].encode(), pax) + block(b'0', b'text') + bytes(1024)\n"
		"open('pax.tar', 'wb').write(tar); gzip.open('pax.tgz', 'wb').write(tar)\n";

	RUN("python3", "-c", (char *)make, (char *)records, (char *)type);
}

static void test_pax_attributes(void **state)
{
	static const char *const good[] = {
		"LIBARCHIVE.xattr.user.%61=QUJDRA",
		"LIBARCHIVE.xattr.user.a=QUJDRA==", "SCHILY.xattr.user.a=ABCD",
		"SCHILY.xattr.user.a=ABCD\nSCHILY.xattr.user.a=ABCD"};
	static const struct {
		const char *records, *why;
	} bad[] = {
		{"LIBARCHIVE.xattr.user.a=QU!DRA", "LIBARCHIVE.xattr.user.a is not base64"},
		{"LIBARCHIVE.xattr.user.a=Q", "is not base64"},
		{"LIBARCHIVE.xattr.user.a=????", "is not base64"},
		{"LIBARCHIVE.xattr.user.a=QUJD=AAA", "is not base64"},
		{"LIBARCHIVE.xattr.user.%6=QUJDRA", "has a name with a wrong %XX"},
		{"LIBARCHIVE.xattr.=QUJDRA", "LIBARCHIVE.xattr. has no name"},
		{"SCHILY.xattr.=ABCDE", "SCHILY.xattr. has no name"},
		{"uid=abcdef", "uid is not a number"},
		{"uid=1234x", "uid is not a number"},
		{"uid= 1234", "uid is not a number"},
		{"uid=-1234", "uid is not a number"},
		{"gid=+1234", "gid is not a number"},
		{"!7 gid=", "gid is not a number"},
		{"gid=12345\ngid=12346", "gid has two values"},
		{"size=4444z", "size is not a number"},
		{"mtime=12.5x", "mtime is not a time"},
		{"mtime=1.2.3", "mtime is not a time"},
		{"mtime=9999999999999999999", "mtime is not a time"},
		{"SCHILY.realsize=x", "SCHILY.realsize is not a number"},
		{"SCHILY.devmajor=0x8", "SCHILY.devmajor is not a number"},
		{"GNU.sparse.size=10\nGNU.sparse.numblocks=1\nGNU.sparse.map=0,x",
		 "GNU.sparse.map is not a list of pairs"},
		{"GNU.sparse.size=10\nGNU.sparse.numblocks=1\nGNU.sparse.map=0,1,2",
		 "GNU.sparse.map is not a list of pairs"},
		{"GNU.sparse.size=10\nGNU.sparse.numblocks=2\nGNU.sparse.map=4,1,0,1",
		 "not in order"},
		{"GNU.sparse.size=10\nGNU.sparse.numblocks=2\nGNU.sparse.map=0,2,1,2",
		 "not in order"},
		{"GNU.sparse.size=10\nGNU.sparse.numblocks=1\nGNU.sparse.map=20,1", "larger than"},
		{"SCHILY.xattr.user.a=ABCD\nSCHILY.xattr.user.a=ABCE",
		 "SCHILY.xattr.user.a has two values"},
		{"!99 SCHILY.xattr.user.a=ABCD", "alformed pax"},
		{"!SCHILY.xattr.user.a=ABCD", "alformed pax"},
		{"!27 SCHILY.xattr.user.aABC", "alformed pax"},
		{"path=g\xff\n!999 SCHILY.xattr.user.a=ABCD", "malformed"},
		{"GNU.sparse.major=9\nGNU.sparse.minor=0", "sparse"},
	};
	struct err *err = NULL;

	for (size_t i = 0; i < 2 * array_len(good); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		const struct tree_inode *f;

		make_pax("x", good[i / 2]);
		ok(tree_read_tar(t, "/", at(i % 2 ? "pax.tgz" : "pax.tar"), 0, &err), &err);
		f = tree_lookup(t, "f")->inode;
		assert_int_equal(f->xattr_count, 1);
		assert_string_equal(f->xattrs[0].name, "user.a");
		assert_int_equal(f->xattrs[0].len, 4);
		assert_memory_equal(f->xattrs[0].value, "ABCD", 4);
	}
	for (size_t i = 0; i < 2 * array_len(bad); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);

		make_pax("x", bad[i / 2].records);
		refused(tree_read_tar(t, "/", at(i % 2 ? "pax.tgz" : "pax.tar"), 0, &err), &err,
			bad[i / 2].why);
	}
}

/* What a member is: in its own header it counts, in one for all members nobody would look at it. */
static void test_pax_fields(void **state)
{
	static const char *const good[] = {"uid=123456\ngid=234567\nmtime=77.5\natime=x y z",
					   "uid=123456\nuid=123456\ngid=234567\nmtime=77.000"};
	static const char *const all[] = {"uid=123456", "SCHILY.xattr.user.a=ABCD", "size=1234"};
	struct err *err = NULL;

	for (size_t i = 0; i < 2 * array_len(good); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		const struct tree_inode *f;

		make_pax("x", good[i / 2]);
		ok(tree_read_tar(t, "/", at(i % 2 ? "pax.tgz" : "pax.tar"), 0, &err), &err);
		f = tree_lookup(t, "f")->inode;
		assert_true(f->uid == 123456 && f->gid == 234567 && f->mtime == 77);
	}
	for (size_t i = 0; i < 2 * array_len(all); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);

		make_pax("g", all[i / 2]);
		refused(tree_read_tar(t, "/", at(i % 2 ? "pax.tgz" : "pax.tar"), 0, &err), &err,
			"is given for all members at once");
	}
	make_pax("g", "comment=0123456789abcdef");
	for (size_t i = 0; i < 2; i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);

		ok(tree_read_tar(t, "/", at(i ? "pax.tgz" : "pax.tar"), 0, &err), &err);
	}
}

static void test_overlay_follows_links(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	struct tree_entry *e;

	put("over/bin/tool", "#!/bin/sh\n");
	put("over/etc/conf", "x");
	RUN("chmod", "0700", "over/bin/tool");
	RUN("chmod", "0600", "over/etc/conf");
	RUN("ln", "-s", "/usr/share/zoneinfo/UTC", "over/etc/localtime");
	ok(tree_copy_path(t, "/", at("over"), 0, &err), &err);
	e = tree_lookup(t, "usr/bin/tool");
	assert_non_null(e);
	assert_int_equal(e->inode->mode, S_IFREG | 0755);
	assert_int_equal(tree_lookup(t, "etc/conf")->inode->mode, S_IFREG | 0644);
	assert_int_equal(tree_lookup(t, "etc/conf")->inode->uid, 0);
	assert_int_equal(tree_lookup(t, "etc/conf")->inode->mtime, EPOCH);
	assert_string_equal(tree_lookup(t, "etc/localtime")->inode->target,
			    "/usr/share/zoneinfo/UTC");
	assert_true(S_ISLNK(tree_lookup(t, "bin")->inode->mode));
	RUN("mkfifo", "over/pipe");
	refused(tree_copy_path(t, "/", at("over"), 0, &err), &err, "neither file");
	RUN("rm", "over/pipe");
	/* an archive may write through the link of an earlier layer, when asked to */
	RUN("tar", "-C", "over", "-cf", "over.tar", ".");
	refused(tree_read_tar(t, "/", at("over.tar"), 0, &err), &err, "'/bin'");
	ok(tree_read_tar(t, "/", at("over.tar"), TREE_FOLLOW, &err), &err);
	assert_int_equal(tree_lookup(t, "usr/bin/tool")->inode->mode, S_IFREG | 0700);
	/* a directory does not silently become a file */
	put("bad/usr", "x");
	refused(tree_copy_path(t, "/", at("bad"), 0, &err), &err, "directory with content");
}

static void test_links_stay_inside(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(tree_add_symlink(t, "a", "../../b", &err), &err);
	ok(tree_add_symlink(t, "b", "/a", &err), &err);
	assert_null(tree_resolve(t, "a"));
	assert_int_equal(tree_add_file(t, "a/x", 0644, "", 0, &err), -1);
	err_free(err);
	err = NULL;
	ok(tree_add_symlink(t, "up", "../../../etc", &err), &err);
	ok(tree_add_file(t, "up/passwd", 0644, "root", 4, &err), &err);
	assert_non_null(tree_lookup(t, "etc/passwd"));
	refused(tree_add_file(t, "x/../../y", 0644, "", 0, &err), &err, "'..'");
}

static void test_remove(void **state)
{
	struct tree *t cleanup_tree = sample();
	struct err *err = NULL;
	size_t n, count;

	ok(tree_add_file(t, "usr/share/doc/a/copyright", 0644, "c", 1, &err), &err);
	ok(tree_add_file(t, "usr/share/doc/a/readme.gz", 0644, "c", 1, &err), &err);
	ok(tree_add_file(t, "usr/share/doc.txt", 0644, "c", 1, &err), &err);
	ok(tree_remove(t, "/usr/share/**/*.gz", &n, &err), &err);
	assert_int_equal(n, 1);
	ok(tree_remove(t, "/usr/share/doc/**", &n, &err), &err);
	assert_int_equal(n, 2);
	assert_non_null(tree_lookup(t, "usr/share/doc"));
	assert_int_equal(tree_lookup(t, "usr/share/doc")->children, 0);
	ok(tree_remove(t, "/usr/bin/ping", &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(tree_lookup(t, "usr/bin/ping6")->inode->links, 1);
	ok(tree_remove(t, "/*r", &n, &err), &err);
	assert_null(tree_lookup(t, "usr/bin/ping6"));
	ok(tree_remove(t, "/nothing", &n, &err), &err);
	assert_int_equal(n, 0);
	refused(tree_remove(t, "etc", &n, &err), &err, "absolute");
	/* a removed name can come back */
	ok(tree_add_file(t, "usr/bin/ping", 0755, "new", 3, &err), &err);
	tree_entries(t, &count);
	assert_int_equal(tree_lookup(t, "usr/bin")->children, 1);
	assert_int_equal(count, 9);
	assert_true(tree_glob("/**/x", "x"));
	assert_true(tree_glob("/a/**/x", "a/b/c/x"));
	assert_false(tree_glob("/a/*", "a/b/c"));
	assert_false(tree_glob("/a/**", "a"));
	assert_true(tree_glob("/**/a/**/b/c", "b/a/a/b/b/c"));
	/* 10^13 ways to divide it */
	assert_false(tree_glob("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/b",
			       "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"
			       "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"));
}

static void test_copy_tree(void **state)
{
	struct tree *src = sample(), *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(tree_copy_tree(t, "/opt", src, "/bin", 0, &err), &err);
	assert_ptr_equal(tree_lookup(t, "opt/ping")->inode, tree_lookup(t, "opt/ping6")->inode);
	assert_int_equal(tree_lookup(t, "opt/ping")->inode->xattr_count, 1);
	ok(tree_copy_tree(t, "/opt/one", src, "/bin/ping", 0, &err), &err);
	assert_int_equal(tree_lookup(t, "opt/one")->inode->links, 1);
	refused(tree_copy_tree(t, "/", src, "/nope", 0, &err), &err, "'/nope'");
	tree_keep(t, src);
}

static void test_acl(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	static const unsigned char want[] = {
		2, 0,    0,    0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
		0, 0x31, 0xd4, 0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
		4, 0,    255,  255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
	struct str text cleanup_str = STR_INIT;
	struct tree_inode *n;

	put("acl/f", "x");
	RUN("chmod", "0640", "acl/f");
	RUN("setfacl", "-m", "u:54321:r", "acl/f");
	RUN("tar", "-C", "acl", "--acls", "--numeric-owner", "-cf", "acl.tar", "f");
	ok(tree_read_tar(t, "/", at("acl.tar"), 0, &err), &err);
	n = tree_lookup(t, "f")->inode;
	assert_int_equal(n->xattr_count, 1);
	assert_string_equal(n->xattrs[0].name, "system.posix_acl_access");
	assert_int_equal(n->xattrs[0].len, sizeof(want));
	assert_memory_equal(n->xattrs[0].value, want, sizeof(want));
	ok(tree_acl_text(want, sizeof(want), "f", &text, &err), &err);
	assert_string_equal(text.buf, "u::rw-,u:54321:r--,g::r--,m::r--,o::---");
	assert_int_equal(tree_acl_text(want, sizeof(want) - 1, "f", &text, &err), -1);
	err_free(err);
}

/* As an ordinary user would get it: no owner, no device, no setuid, and all of it readable. */
static void test_directory(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;
	struct tree_inode *n;
	struct stat a, b;
	char text[16];

	ok(tree_add_file(t, "closed/secret", 0, "data", 4, &err), &err);
	tree_lookup(t, "closed")->inode->mode = S_IFDIR | 0555;
	ok(tree_add_symlink(t, "link", "/etc/passwd", &err), &err);
	n = tree_inode_new(t, S_IFREG | 04755, 12, 34, EPOCH - 5);
	ok(tree_inode_append(t, n, 1 << 20, "end", 3, &err), &err);
	n->size = (1 << 20) + 3;
	ok(tree_link(t, "bin", n, 0, &err), &err);
	ok(tree_link(t, "bin2", n, 0, &err), &err);
	n = tree_inode_new(t, S_IFCHR | 0666, 0, 0, EPOCH);
	ok(tree_link(t, "null", n, 0, &err), &err);
	assert_int_equal(mkdir(at("directory"), 0700), 0);
	ok(tree_export(t, at("directory"), &err), &err);
	assert_int_equal(stat(at("directory/closed/secret"), &a), 0);
	assert_int_equal(a.st_mode, S_IFREG | 0400);
	assert_int_equal(stat(at("directory/closed"), &a), 0);
	assert_int_equal(a.st_mode, S_IFDIR | 0755);
	assert_int_equal(a.st_mtime, EPOCH);
	assert_int_equal(readlink(at("directory/link"), text, sizeof(text)), 11);
	assert_int_equal(stat(at("directory/bin"), &a), 0);
	assert_int_equal(stat(at("directory/bin2"), &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_mode, S_IFREG | 0755);
	assert_int_equal(a.st_mtime, EPOCH - 5);
	assert_int_equal(a.st_size, (1 << 20) + 3);
	assert_true(a.st_blocks * 512 < 1 << 20);
	assert_false(path_exists(at("directory/null")));
	assert_int_equal(tree_export(t, at("directory"), &err), -1); /* not empty */
	err_free(err);
}

/* What somebody changed since a time of his clock is what was made; the rest keeps its own. */
static void test_settle_times(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	ok(tree_link(t, "old", tree_inode_new(t, S_IFREG | 0644, 0, 0, EPOCH + 9), 0, &err), &err);
	ok(tree_link(t, "new", tree_inode_new(t, S_IFREG | 0644, 0, 0, EPOCH + 10), 0, &err), &err);
	ok(tree_link(t, "given", tree_inode_new(t, S_IFREG | 0644, 0, 0, EPOCH + 30), 0, &err),
	   &err);
	tree_lookup(t, "new")->inode->ctime = EPOCH + 10;
	tree_lookup(t, "given")->inode->ctime = EPOCH + 20;
	tree_settle_times(t, EPOCH + 10);
	assert_int_equal(tree_lookup(t, "old")->inode->mtime, EPOCH + 9);
	assert_int_equal(tree_lookup(t, "new")->inode->mtime, EPOCH);
	assert_int_equal(tree_lookup(t, "given")->inode->mtime, EPOCH + 30);
}

static void test_capabilities(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		const char *text;
	} rows[] = {
		{"\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, " cap_net_raw=ep"},
		{"\0\0\0\2\1\0\0\0\0\x10\0\0\0\1\0\0\0\0\0\x80", 20,
		 " cap_chown=p cap_net_admin=i cap_checkpoint_restore=p 63=i"},
		{"\1\0\0\1\1\0\0\0\1\0\0\0", 12, " cap_chown=eip"},
		{"\1\0\0\3\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7\0\0\0", 24,
		 " cap_chown=ep [rootid=7]"},
		{"\1\2\3", 3, " 010203"},
		{"", 0, " "},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		struct str s cleanup_str = STR_INIT;

		capability_text(&s, rows[i].value, rows[i].len);
		assert_string_equal(s.buf, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_is_canonical),
		cmocka_unit_test(test_compressed_and_foreign),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_absolute_names),
		cmocka_unit_test(test_acl_by_name),
		cmocka_unit_test(test_acl_garbled),
		cmocka_unit_test(test_pax_attributes),
		cmocka_unit_test(test_pax_fields),
		cmocka_unit_test(test_overlay_follows_links),
		cmocka_unit_test(test_links_stay_inside),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_copy_tree),
		cmocka_unit_test(test_acl),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_settle_times),
		cmocka_unit_test(test_capabilities),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
