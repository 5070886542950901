/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed archives: which compressions there are, damage, and how much may come out. */
#include "media.h"

#include "media/tree/tree.h"

#define EPOCH 1700000000

static void test_compressions(void **state)
{
	static const char *const programs[] = {"gzip", "xz", "zstd", "bzip2", "lz4"};
	struct err *err = NULL;

	put("z/f", "hello");
	RUN("tar", "-C", "z", "-cf", "z.tar", "f");
	for (size_t i = 0; i < array_len(programs); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		char *program cleanup_free = path_program(programs[i]);

		if (!program)
			continue;
		RUN("sh", "-c", "exec \"$1\" -c <z.tar >z.tar.z", "sh", (char *)programs[i]);
		ok(tree_read_tar(t, "/", at("z.tar.z"), 0, &err), &err);
		assert_int_equal(tree_lookup(t, "f")->inode->size, 5);
	}
}

/* A file that its own program refuses is refused: cut anywhere, or with a wrong check sum. */
static void test_damaged(void **state)
{
	static const char *const programs[] = {"gzip", "xz", "zstd", "bzip2", "lz4"};
	static const char *const damages[] = {
		"truncate -s -8 d.z",
		"truncate -s 20 d.z",
	};
	static const char *const gzip_only[] = {
		"printf 'h\\377l' | dd of=d.z bs=1 seek=4000 conv=notrunc status=none",
		"printf '\\0\\0\\0\\0' | dd of=d.z bs=1 conv=notrunc status=none "
		"seek=$(($(stat -c %s d.z) - 8))",
		"truncate -s -1 d.z",
		"head -c 100000 /dev/urandom | gzip >second; truncate -s -4 second; "
		"cat second >>d.z",
	};
	struct err *err = NULL;

	RUN("sh", "-c", "mkdir -p d; head -c 8000 /dev/urandom >d/f; tar -C d -cf d.tar f");
	for (size_t i = 0; i < array_len(programs); i++) {
		char *program cleanup_free = path_program(programs[i]);

		for (size_t k = 0; program && k < array_len(damages); k++) {
			struct tree *t cleanup_tree = tree_new(EPOCH, dir);

			RUN("sh", "-c", "\"$1\" -c <d.tar >d.z; eval \"$2\"", "sh",
			    (char *)programs[i], (char *)damages[k]);
			refused(tree_read_tar(t, "/", at("d.z"), 0, &err), &err, "d.z");
		}
	}
	for (size_t k = 0; k < array_len(gzip_only); k++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);

		RUN("sh", "-c", "gzip -c <d.tar >d.z; eval \"$1\"", "sh", (char *)gzip_only[k]);
		refused(tree_read_tar(t, "/", at("d.z"), 0, &err), &err, "d.z");
	}
}

/* Members one after the other are one file, and zeros behind the last are nothing: gzip(1). */
static void test_gzip_members(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	put("z/f", "hello");
	RUN("sh", "-c",
	    "tar -C z -cf z.tar f; { head -c 700 z.tar | gzip; tail -c +701 z.tar | "
	    "gzip; head -c 1000 /dev/zero; } >m.tar.gz");
	ok(tree_read_tar(t, "/", at("m.tar.gz"), 0, &err), &err);
	assert_int_equal(tree_lookup(t, "f")->inode->size, 5);
}

/*
 * Nothing is started to read an archive: not what is first in PATH with the name of a compression
 * that libarchive knows by its magic number.
 */
static void test_no_program_is_started(void **state)
{
	static const struct {
		const char *name, *magic;
	} foreign[] = {
		{"lrzip", "LRZI\\0\\6"},
		{"grzip", "GRZipII\\0\\2\\4:)"},
		{"lzop", "\\211LZO\\0\\r\\n\\032\\n"},
	};
	char *path cleanup_free = xstrdup(getenv("PATH"));
	char *first cleanup_free = xasprintf("%s:%s", at("bin"), path);
	struct err *err = NULL;

	assert_int_equal(setenv("PATH", first, 1), 0);
	for (size_t i = 0; i < array_len(foreign); i++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		char *program cleanup_free = xasprintf("bin/%s", foreign[i].name);
		char *script cleanup_free =
			xasprintf("#!/bin/sh\ntouch %s\nexec cat\n", at("started"));
		char *archive cleanup_free =
			xasprintf("{ printf '%s'; head -c 4096 /dev/zero; } >m", foreign[i].magic);

		put(program, script);
		RUN("chmod", "755", program);
		RUN("sh", "-c", archive);
		refused(tree_read_tar(t, "/", at("m"), 0, &err), &err, "m'");
		assert_false(path_exists(at("started")));
	}
	assert_int_equal(setenv("PATH", path, 1), 0);
}

/* One header that promises more than a compressed file may become; refused before it is read. */
static void test_bomb(void **state)
{
	struct tree *t cleanup_tree = tree_new(EPOCH, dir);
	struct err *err = NULL;

	blank("huge", 3ull << 30);
	RUN("sh", "-c", "tar -cf - huge | head -c 70000 | gzip >bomb.tar.gz");
	refused(tree_read_tar(t, "/", at("bomb.tar.gz"), 0, &err), &err, "more than 1.0 GiB");
	/* An archive in an archive is none: no compression is looked for under another. */
	RUN("sh", "-c", "tar -cf - z | gzip | gzip >twice.tar.gz");
	refused(tree_read_tar(t, "/", at("twice.tar.gz"), 0, &err), &err, "twice.tar.gz");
}

/* What no entry says is counted as it comes. */
static void test_bomb_without_names(void **state)
{
	struct str data cleanup_str = STR_INIT;
	int fd cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct err *err = NULL;
	uint64_t size;

	RUN("sh", "-c", "head -c 1300000000 /dev/zero | gzip -1 >zeros.gz");
	ok(file_read(at("zeros.gz"), 1 << 26, &data, &err), &err);
	ok(tree_expand("zeros.gz", data.buf, data.len, fd, 0, &size, &err), &err);
	assert_int_equal(size, 1300000000);
	str_clear(&data);
	RUN("sh", "-c", "head -c 1300000000 /dev/zero | bzip2 >zeros.bz2");
	ok(file_read(at("zeros.bz2"), 1 << 26, &data, &err), &err);
	refused(tree_expand("zeros.bz2", data.buf, data.len, fd, 0, &size, &err), &err,
		"more than 1.0 GiB");
	assert_true(size < 1100000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compressions), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_gzip_members), cmocka_unit_test(test_no_program_is_started),
		cmocka_unit_test(test_bomb),         cmocka_unit_test(test_bomb_without_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
