/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps in a sandbox with users (machine/sandbox/identity.h): attributes, access lists and
 * capabilities.
 */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "identity-help.h"

#define ACL_HELP                                                                                \
	"import os, struct\n"                                                                   \
	"A = 'system.posix_acl_access'; D = 'system.posix_acl_default'\n"                       \
	"def acl(*e): return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', t, p, i & "    \
	"0xffffffff) for t, p, i in e)\n"                                                       \
	"def show(f, n=A): v = os.getxattr(f, n); return [struct.unpack('<HHi', v[i:i+8]) for " \
	"i in range(4, len(v), 8)]\n"

static void test_access_lists(void **state)
{
	(void)state;
	python(ACL_HELP
	       "open('/f', 'w'); os.chmod('/f', 0o640)\n"
	       "os.setxattr('/f', A, acl((1,6,-1),(2,7,100),(4,4,-1),(16,5,-1),(32,0,-1)))\n"
	       "assert os.stat('/f').st_mode & 0o777 == 0o650\n"
	       "os.chmod('/f', 0o604)\n"
	       "assert show('/f') == [(1,6,-1),(2,7,100),(4,4,-1),(16,0,-1),(32,4,-1)], "
	       "show('/f')\n"
	       "assert os.listxattr('/f') == [A]\n"
	       "open('/m', 'w'); os.setxattr('/m', A, acl((1,7,-1),(4,5,-1),(32,1,-1)))\n"
	       "assert os.stat('/m').st_mode & 0o777 == 0o751 and os.listxattr('/m') == []\n"
	       "for bad in b'', acl((1,7,-1)), acl((1,7,-1),(2,7,5),(4,5,-1),(32,1,-1)), "
	       "b'\\1\\0\\0\\0':\n"
	       "    try: os.setxattr('/f', A, bad)\n"
	       "    except OSError: continue\n"
	       "    raise SystemExit('taken: %r' % bad)\n"
	       "os.removexattr('/m', A)\n");
	/* user::rw-, user:100:rwx, group::r--, mask::---, other::r-- */
	has_attr("f", ACL_ACCESS,
		 "0200000001000600ffffffff020007006400000004000400ffffffff"
		 "10000000ffffffff20000400ffffffff");
	has_mode("m", 0751);
}

static void test_default_lists(void **state)
{
	(void)state;
	python(ACL_HELP
	       "os.umask(0o077); os.mkdir('/d', 0o755)\n"
	       "d = acl((1,7,-1),(4,5,-1),(8,5,4),(16,5,-1),(32,0,-1)); os.setxattr('/d', D, d)\n"
	       "open('/d/f', 'w'); os.mkdir('/d/s', 0o777); os.symlink('x', '/d/l'); "
	       "open('/d/s/g', 'w')\n"
	       "assert show('/d/f') == [(1,6,-1),(4,5,-1),(8,5,4),(16,4,-1),(32,0,-1)], "
	       "show('/d/f')\n"
	       "assert os.stat('/d/f').st_mode & 0o777 == 0o640\n"
	       "assert show('/d/s') == [(1,7,-1),(4,5,-1),(8,5,4),(16,5,-1),(32,0,-1)], "
	       "show('/d/s')\n"
	       "assert os.getxattr('/d/s', D) == d and os.stat('/d/s').st_mode & 0o777 == 0o750\n"
	       "assert os.listxattr('/d/l', follow_symlinks=False) == []\n"
	       "try: os.setxattr('/d/f', D, d)\n"
	       "except PermissionError: pass\n"
	       "else: raise SystemExit('a file with a default list')\n"
	       "os.mkdir('/m'); os.setxattr('/m', D, acl((1,7,-1),(4,5,-1),(32,5,-1)))\n"
	       "open('/m/f', 'w'); assert os.stat('/m/f').st_mode & 0o777 == 0o644\n"
	       "assert os.listxattr('/m/f') == []\n");
	has_attr("d/s/g", ACL_ACCESS,
		 "0200000001000600ffffffff04000500ffffffff0800050004000000"
		 "10000400ffffffff20000000ffffffff");
}

static void test_attributes(void **state)
{
	(void)state;
	python("import os\n"
	       "open('/f', 'w'); os.symlink('f', '/l')\n"
	       "os.setxattr('/l', 'user.a', b'1'); os.setxattr('/f', 'trusted.b', b'')\n"
	       "os.setxattr('/f', 'security.c', b'x' * 3000); os.setxattr('/f', 'user.gone', "
	       "b'1')\n"
	       "os.removexattr('/f', 'user.gone')\n"
	       "assert sorted(os.listxattr('/f')) == ['security.c', 'trusted.b', 'user.a']\n"
	       "assert os.getxattr('/f', 'user.a') == b'1' and len(os.getxattr('/f', "
	       "'security.c')) == 3000\n"
	       "os.mkfifo('/p')\n"
	       "def no(e, f, *a, **k):\n"
	       "    try: f(*a, **k)\n"
	       "    except OSError as x:\n"
	       "        assert x.errno == e, x\n"
	       "        return\n"
	       "    raise SystemExit('not refused: %r' % (a,))\n"
	       "no(1, os.setxattr, '/p', 'user.a', b'1'); no(61, os.getxattr, '/f', 'user.no')\n"
	       "no(1, os.setxattr, '/l', 'user.a', b'1', follow_symlinks=False)\n"
	       "no(95, os.setxattr, '/f', 'other.a', b'1'); no(61, os.removexattr, '/f', "
	       "'user.no')\n"
	       "no(17, os.setxattr, '/f', 'user.a', b'1', os.XATTR_CREATE)\n"
	       "no(61, os.setxattr, '/f', 'user.b', b'1', os.XATTR_REPLACE)\n"
	       "os.unlink('/p'); open('/o', 'w'); os.setuid(5)\n"
	       "no(1, os.setxattr, '/f', 'trusted.b', b'1'); no(13, os.setxattr, '/f', 'user.a', "
	       "b'1')\n"
	       "assert sorted(os.listxattr('/f')) == ['security.c', 'user.a']\n");
	python("import os\n"
	       "def no(e, *a):\n"
	       "    try: os.setxattr(*a)\n"
	       "    except OSError as x: return x.errno == e\n"
	       "open('/big', 'w'); os.setxattr('/big', 'user.a', b'x' * 3000)\n"
	       "assert no(28, '/big', 'user.b', b'x' * 1100) and no(28, '/big', 'user.a', b'x' * "
	       "5000)\n"
	       "os.setxattr('/big', 'user.a', b'x' * 2000); os.setxattr('/big', 'user.b', b'x' * "
	       "2000)\n"
	       "os.mkdir('/s'); os.chmod('/s', 0o1777); os.mkdir('/t'); os.chmod('/t', 0o777)\n"
	       "os.setuid(5); os.setxattr('/t', 'user.a', b'1')\n"
	       "assert no(1, '/s', 'user.a', b'1')\n");
	has_attr("f", "user.a", "31");
	has_attr("f", "trusted.b", "");
	has_attr("o", "user.a", "none");
}

/* On the file itself, where the kernel drops them in time. */
static void test_capabilities(void **state)
{
	(void)state;
	python("import os, struct\n"
	       "v = struct.pack('<5I', 0x02000001, 1 << 13, 0, 0, 0); C = 'security.capability'\n"
	       "for f in 'keep', 'written', 'given', 'mode':\n"
	       "    open('/' + f, 'w'); os.setxattr('/' + f, C, v); assert os.getxattr('/' + f, "
	       "C) == v\n"
	       "open('/written', 'a').write('x'); os.chown('/given', 3, -1); os.chmod('/mode', "
	       "0o700)\n"
	       "assert os.listxattr('/written') == [] and os.listxattr('/given') == []\n"
	       "assert os.listxattr('/keep') == [C] and os.listxattr('/mode') == [C]\n");
}

/* A guest can set them, and it takes the sandbox's place. */
static void test_capabilities_of_another_root(void **state)
{
	static const char script[] =
		"import os, struct\n"
		"open('/f', 'w'); v = struct.pack('<6I', 0x03000001, 1 << 13, 0, 0, 0, 0)\n"
		"os.setxattr('/f', 'security.capability', v); os.setuid(5)\n"
		"try: os.setxattr('/f', 'security.capability', v[:20] + b'\\1\\0\\0\\0')\n"
		"except PermissionError: pass\n"
		"else: raise SystemExit('set')\n";
	char *const argv[] = {"python3", "-c",
			      "import os, struct; open('/f', 'w'); os.setxattr('/f', "
			      "'security.capability', struct.pack('<6I', 0x03000001, 1 << 13, 0, "
			      "0, 0, 1000))",
			      NULL};
	struct err *err cleanup_err = NULL;

	(void)state;
	python(script);
	assert_int_equal(run_argv(argv, &err), -1);
	assert_int_equal(err->code->cls, ERR_ENV);
	assert_non_null(strstr(err->text, "setxattr of '"));
	assert_non_null(strstr(err->text, "sets capabilities for another root than user 0"));
}

/* What the caller's file system cannot hold for an ordinary user is set before the command. */
static void test_sets(void **state)
{
	static const char text[] = "orch-owners 1\nset \"bin-ping\" \"security.capability\" "
				   "0100000200200000000000000000000000000000\n";
	struct err *err cleanup_err = NULL;

	(void)state;
	assert_int_equal(put("bin-ping", "x"), 0);
	assert_int_equal(file_write(list, text, strlen(text), 0600, false, &err), 0);
	python("import os\n"
	       "assert os.getxattr('/bin-ping', 'security.capability')[4:8] == "
	       "b'\\0\\x20\\0\\0'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOT_TEST(test_access_lists), ROOT_TEST(test_default_lists),
		ROOT_TEST(test_attributes),   ROOT_TEST(test_capabilities),
		ROOT_TEST(test_sets),         ROOT_TEST(test_capabilities_of_another_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
