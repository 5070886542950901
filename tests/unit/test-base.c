/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/acl.h"
#include "base/chunks.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/near.h"
#include "base/str.h"
#include "tmp.h"

static void quoting_is_reversible(void **state)
{
	const char *text = "a \"b\"\\ \n\t\x01\x7f ü";
	struct str s cleanup_str = STR_INIT, back cleanup_str = STR_INIT;
	const char *p;

	str_quote(&s, text);
	assert_string_equal(s.buf, "\"a \\\"b\\\"\\\\ \\n\\t\\x01\\x7f ü\"");
	p = s.buf;
	assert_int_equal(str_unquote(&p, &back), 0);
	assert_string_equal(back.buf, text);
	assert_string_equal(p, "");
	p = "\"no end";
	assert_int_equal(str_unquote(&p, &back), 1);
}

static void escaping_leaves_no_terminal_control(void **state)
{
	const char text[] = "\x1b]52;c\x07 \xc2\x9b \x9b \xc3\xa9 \xe2\x82 ok\\";
	struct str s cleanup_str = STR_INIT;

	str_escape(&s, text, sizeof(text) - 1);
	assert_string_equal(s.buf, "\\x1b]52;c\\x07 \\xc2\\x9b \\x9b \xc3\xa9 \\xe2\\x82 ok\\");
}

static void escaped_as(const char *text, const char *want)
{
	struct str s cleanup_str = STR_INIT, again cleanup_str = STR_INIT;

	str_escape(&s, text, strlen(text));
	assert_string_equal(s.buf, want);
	str_escape(&again, s.buf, s.len);
	assert_string_equal(again.buf, want);
}

static void escaping_shows_what_turns_text_around(void **state)
{
	const struct {
		const char *text, *want;
	} marks[] = {
		{"\u200b", "\\xe2\\x80\\x8b"}, {"\ufeff", "\\xef\\xbb\\xbf"},
		{"\u202a", "\\xe2\\x80\\xaa"}, {"\u202e", "\\xe2\\x80\\xae"},
		{"\u2066", "\\xe2\\x81\\xa6"}, {"\u2069", "\\xe2\\x81\\xa9"},
		{"\u200e", "\\xe2\\x80\\x8e"}, {"\u200f", "\\xe2\\x80\\x8f"},
		{"\u061c", "\\xd8\\x9c"},      {"\u2028", "\\xe2\\x80\\xa8"},
		{"\u2029", "\\xe2\\x80\\xa9"},
	};

	for (size_t i = 0; i < array_len(marks); i++) {
		char *text cleanup_free = xasprintf("a%sb", marks[i].text);
		char *want cleanup_free = xasprintf("a%sb", marks[i].want);

		escaped_as(text, want);
	}
	escaped_as("\u05e9\u05dc\u05d5\u05dd \u2013 \u2025",
		   "\u05e9\u05dc\u05d5\u05dd \u2013 \u2025");
}

static void escaping_leaves_no_command_of_a_ci(void **state)
{
	escaped_as("::error file=a::b", "\\x3a:error file=a::b");
	escaped_as(" \t::set-output name=a::b", " \\t\\x3a:set-output name=a::b");
	escaped_as("\u3000\u00a0::debug::", "\u3000\u00a0\\x3a:debug::");
	escaped_as("##[group]x", "\\x23#[group]x");
	escaped_as("at the end ##[endgroup]", "at the end \\x23#[endgroup]");
	escaped_as("a##vso[task.setvariable variable=x]y",
		   "a\\x23#vso[task.setvariable variable=x]y");
	escaped_as("##teamcity[buildStatus]", "\\x23#teamcity[buildStatus]");
	escaped_as("###[x", "#\\x23#[x");
	escaped_as("std::vector, a ::b, ::: src/main.rs, ## [x] #[derive] ##",
		   "std::vector, a ::b, ::: src/main.rs, ## [x] #[derive] ##");
	escaped_as("::", "::");
}

/* What fails to allocate gives NULL, as without a sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void out_of_memory_is_an_exit(void **state)
{
	volatile size_t much = SIZE_MAX / 4;

	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();
		int status = 0;

		if (pid == 0) {
			struct str s cleanup_str = STR_INIT;

			close(STDERR_FILENO);
			if (i == 0)
				free(xmalloc(much));
			else if (i == 1)
				free(xreallocarray(NULL, much, 16));
			else if (i == 2)
				str_reserve(&s, much);
			else
				arena_alloc(arena_new(), SIZE_MAX);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 8);
	}
}

static void near_words_are_found(void **state)
{
	const char *const words[] = {"packages", "size", "arch"};

	assert_string_equal(str_nearest("pakages", words, 3), "packages");
	assert_string_equal(str_nearest("szie", words, 3), "size");
	assert_null(str_nearest("kernel", words, 3));
	assert_null(str_nearest("ashc", words, 3));
	assert_int_equal(str_distance("ab", "ba", 2), 1);
}

static void words_of_other_programs_are_known(void **state)
{
	const char *const keys[] = {"run", "inputs", "env", "to"}, *const types[] = {"esp", "vfat"};

	assert_string_equal(near_word("depends", keys, 4), "inputs");
	assert_string_equal(near_word("Script", keys, 4), "run");
	assert_string_equal(near_word("dest", keys, 4), "to");
	assert_string_equal(near_word("input", keys, 4), "inputs");
	assert_string_equal(near_word("fat32", types, 2), "vfat");
	assert_null(near_word("depend", types, 2));
	assert_null(near_word("", keys, 4));
}

static void numbers_are_strict(void **state)
{
	uint64_t n;

	assert_int_equal(str_u64("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(str_u64("18446744073709551616", &n), 1);
	assert_int_equal(str_u64("", &n), 1);
	assert_int_equal(str_u64("+1", &n), 1);
}

static void map_keeps_order_and_finds_all(void **state)
{
	struct map m cleanup_map = {0};
	static char keys[5000][8];

	for (int i = 0; i < 5000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%d", i);
		assert_null(map_set(&m, keys[i], keys[i]));
	}
	for (int i = 0; i < 5000; i++) {
		assert_ptr_equal(map_get(&m, keys[i]), keys[i]);
		assert_ptr_equal(m.entries[i].key, keys[i]);
	}
	assert_null(map_get(&m, "none"));
	assert_ptr_equal(map_set(&m, "k7", dir), keys[7]);
	assert_int_equal(m.count, 5000);
}

static void errors_carry_context_and_code(void **state)
{
	struct err *err cleanup_err = NULL;
	char *text cleanup_free = NULL;
	struct pos pos = {"recipes/a.yaml", 3, 7};

	assert_int_equal(err_at(&err, E_UNKNOWN_KEY, pos, "unknown key '%s'", "x"), -1);
	assert_int_equal(err_wrap(&err, "node '%s'", "a"), -1);
	text = err_string(err);
	assert_string_equal(text, "recipes/a.yaml:3:7: node 'a': unknown key 'x' [unknown-key]");
	assert_int_equal(err_exit_code(err->code->cls), 2);
	err_errno(&err, E_WRITE_FAILED, EACCES, "cannot write");
	assert_ptr_equal(err->code, E_WRITE_FAILED);
	err_errno(&err, E_WRITE_FAILED, ENOSPC, "cannot write");
	assert_ptr_equal(err->code, E_DISK_FULL);
	err_errno(&err, E_FILE_UNREADABLE, EIO, "cannot read");
	assert_ptr_equal(err->code, E_IO_ERROR);
	err_errno(&err, E_STORE_INACCESSIBLE, EIO, "cannot read");
	assert_ptr_equal(err->code, E_STORE_INACCESSIBLE);
	assert_ptr_equal(err_code_find("disk-full"), E_DISK_FULL);
	assert_null(err_code_find("disk"));
}

/* 'ü' has two bytes, of which the cut must take both or none. */
static void errors_are_short_lines(void **state)
{
	char name[100001];

	for (size_t shift = 0; shift < 2; shift++) {
		struct err *err cleanup_err = NULL;

		for (size_t i = 0; i + 1 < sizeof(name); i += 2)
			memcpy(name + i, "\xc3\xbc", 2);
		name[sizeof(name) - 1] = 0;
		name[3000] = name[3001] = '\n';
		err_set(&err, E_UNKNOWN_KEY, "%sfile '%s' is wrong: remove it", shift ? "x" : "",
			name);
		assert_true(strlen(err->text) < 8192);
		assert_null(strchr(err->text, '\n'));
		assert_non_null(strstr(err->text, "\xbc[... 9"));
		assert_non_null(strstr(err->text, " bytes ...]\xc3"));
		assert_non_null(strstr(err->text, "' is wrong: remove it"));
		err_wrap(&err, "node '%s'", name);
		assert_true(strlen(err->text) < 8192);
	}
}

static void uuids_depend_on_their_parts(void **state)
{
	unsigned char a[16], b[16], c[16];
	char text[37];

	uuid_derive(a, "p", "root", NULL);
	uuid_derive(b, "p", "root", NULL);
	uuid_derive(c, "pr", "oot", NULL);
	assert_memory_equal(a, b, 16);
	assert_memory_not_equal(a, c, 16);
	assert_int_equal(uuid_format(a, text)[14], '8');
}

static void project_paths_are_checked(void **state)
{
	const char *why;

	assert_true(path_is_project("rootfs/etc/fstab", &why));
	assert_false(path_is_project("/etc", &why));
	assert_false(path_is_project("a/../b", &why));
	assert_string_equal(why, "contains '..'");
	assert_false(path_is_project("a//b", &why));
	assert_false(path_is_project("./a", &why));
	assert_false(path_is_project("a\nb", &why));
	assert_true(path_is_project("a..b", &why));
}

static void links_may_not_lead_out(void **state)
{
	struct err *err cleanup_err = NULL;
	char *link cleanup_free = path_join(dir, "out");
	int fd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int got cleanup_fd = -1;

	assert_int_equal(symlink("/etc", link), 0);
	got = path_open_beneath(fd, "out/passwd", O_RDONLY, &err);
	assert_int_equal(got, -1);
	assert_int_equal(err->code->cls, ERR_USER);
}

static void files_are_replaced_whole(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "f");
	struct str s cleanup_str = STR_INIT;
	struct stat st;

	assert_int_equal(file_write(path, "one", 3, 0600, true, &err), 0);
	assert_int_equal(file_write(path, "two!", 4, 0444, false, &err), 0);
	assert_int_equal(file_read(path, 4, &s, &err), 0);
	assert_string_equal(s.buf, "two!");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_int_equal(file_read(path, 3, &s, &err), -1);
}

static char *sparse_file(const char *name, off_t size, off_t at, const char *data)
{
	char *path = path_join(dir, name);
	int fd cleanup_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct err *err cleanup_err = NULL;

	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(fd_pwrite_all(fd, path, data, strlen(data), (uint64_t)at, &err), 0);
	return path;
}

static void copies_stay_sparse(void **state)
{
	struct err *err cleanup_err = NULL;
	char *src cleanup_free = sparse_file("sparse", 64 << 20, 33 << 20, "payload");
	char *dst cleanup_free = path_join(dir, "copy");
	struct digest a, b;
	struct stat st;

	assert_int_equal(file_copy(src, dst, 0600, &err), 0);
	assert_int_equal(stat(dst, &st), 0);
	assert_int_equal(st.st_size, 64 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	assert_int_equal(digest_file(src, &a, &err), 0);
	assert_int_equal(digest_file(dst, &b, &err), 0);
	assert_true(digest_eq(&a, &b));
	assert_int_equal(file_copy(src, dst, 0600, &err), -1);
}

static void chunk_maps_ignore_where_holes_are(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = sparse_file("img", (3 << 20) + 5, 2 << 20, "x");
	char *zeros cleanup_free = xcalloc(1, 1 << 20);
	struct str map cleanup_str = STR_INIT;
	struct chunk_info holes, full;
	int fd cleanup_fd = open(path, O_RDWR | O_CLOEXEC);

	assert_int_equal(chunks_digest(fd, path, &map, &holes, &err), 0);
	assert_true(str_skip(map.buf, "orch-chunks 1\nsize 3145733\n2 "));
	assert_int_equal(holes.allocated, 4096);
	assert_int_equal(fd_pwrite_all(fd, path, zeros, 1 << 20, 0, &err), 0);
	assert_int_equal(chunks_digest(fd, path, NULL, &full, &err), 0);
	assert_true(digest_eq(&holes.digest, &full.digest));
	assert_int_equal(fd_pwrite_all(fd, path, "y", 1, (3 << 20) + 4, &err), 0);
	assert_int_equal(chunks_digest(fd, path, NULL, &full, &err), 0);
	assert_false(digest_eq(&holes.digest, &full.digest));
	assert_int_equal(full.allocated, 4096 + 5); /* the last block is short */
}

/* File systems lay small files far apart: what counts is what the disk has to hold. */
static void scattered_data_is_counted_by_block(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = sparse_file("scattered", 64 << 20, 0, "x");
	char *zeros cleanup_free = xcalloc(1, 1 << 20);
	struct chunk_info info;
	int fd cleanup_fd = open(path, O_RDWR | O_CLOEXEC);

	for (uint64_t at = 0; at < 64 << 20; at += 256 << 10) /* each across two blocks */
		assert_int_equal(fd_pwrite_all(fd, path, "data", 4, at + 4094, &err), 0);
	assert_int_equal(chunks_digest(fd, path, NULL, &info, &err), 0);
	assert_int_equal(info.size, 64 << 20);
	assert_int_equal(info.allocated, 256 * 2 * 4096);
	assert_int_equal(fd_pwrite_all(fd, path, zeros, 64 << 10, 64 << 10, &err), 0);
	assert_int_equal(chunks_digest(fd, path, NULL, &info, &err), 0);
	assert_int_equal(info.allocated, 256 * 2 * 4096); /* zeros on disk are no data */
}

static void left_overs_are_swept(void **state)
{
	struct err *err cleanup_err = NULL;
	char *mine cleanup_free = NULL, *dead cleanup_free = NULL;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	dead = xasprintf("%s/work.%ld.abcdef", dir, (long)pid);
	assert_null(tmp_find(dir, "work"));
	assert_int_equal(tmp_dir(dir, "work", &mine, &err), 0);
	for (int reaped = 0; reaped < 2; reaped++) {
		char *found cleanup_free = NULL;

		/* dead but not reaped counts as gone, too */
		assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | (reaped ? 0 : WNOWAIT)),
				 0);
		assert_int_equal(mkdir(dead, 0700), 0);
		found = tmp_find(dir, "work");
		assert_string_equal(found, mine);
		assert_true(tmp_alive(mine));
		assert_false(tmp_alive(dead));
		assert_null(tmp_find(dir, "wor"));
		assert_int_equal(tmp_sweep(dir, &err), 0);
		assert_false(path_exists(dead));
		assert_true(path_exists(mine));
	}
}

static void locks_exclude(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "lock");
	int a cleanup_fd = -1, b cleanup_fd = -1;

	assert_int_equal(lock_file(path, LOCK_SHARED, false, &a, &err), 0);
	assert_int_equal(lock_file(path, LOCK_EXCLUSIVE, false, &b, &err), -1);
	assert_int_equal(err->code->cls, ERR_LOCKED);
}

static void processes_report_how_they_ended(void **state)
{
	struct err *err cleanup_err = NULL;
	struct str out cleanup_str = STR_INIT;
	char *const echo[] = {"echo", "hi", NULL};
	char *const fails[] = {"sh", "-c", "exit 3", NULL};
	char *const dies[] = {"sh", "-c", "kill -SEGV $$", NULL};
	char *const missing[] = {"no-such-program-here", NULL};

	assert_int_equal(proc_output(echo, NULL, 100, &out, &err), 0);
	assert_string_equal(out.buf, "hi\n");
	assert_int_equal(proc_run(fails, NULL, &err), -1);
	assert_string_equal(err->text, "'sh' exited with 3");
	assert_int_equal(proc_run(dies, NULL, &err), -1);
	assert_string_equal(err->text, "'sh' was killed by SIGSEGV");
	assert_int_equal(proc_run(missing, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_ENV);
}

static void processes_have_deadlines(void **state)
{
	struct err *err cleanup_err = NULL;
	struct proc_opts opts = {.timeout_s = 1};
	struct str out cleanup_str = STR_INIT;
	char *const argv[] = {"sh", "-c", "sleep 60 & wait", NULL};

	assert_int_equal(proc_run(argv, &opts, &err), -1);
	assert_int_equal(err->code->cls, ERR_TIMEOUT);
	assert_int_equal(proc_output(argv, &opts, 100, &out, &err), -1);
	assert_int_equal(err->code->cls, ERR_TIMEOUT);
}

/* Between file systems the kernel copies nothing: holes and bytes arrive all the same. */
static void files_are_copied_between_file_systems(void **state)
{
	char *src cleanup_free = xasprintf("/dev/shm/orch-test.%d", (int)getpid());
	char *dst cleanup_free = xasprintf("/var/tmp/orch-test.%d", (int)getpid());
	struct err *err cleanup_err = NULL;
	struct digest before, after;
	struct stat st, other;
	int fd cleanup_fd = open(src, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "start", 5, 0), 5);
	assert_int_equal(pwrite(fd, "end", 3, 9000000), 3);
	unlink(dst);
	assert_int_equal(digest_file(src, &before, &err), 0);
	assert_int_equal(file_copy(src, dst, 0600, &err), 0);
	assert_int_equal(digest_file(dst, &after, &err), 0);
	assert_int_equal(stat(src, &other), 0);
	assert_int_equal(stat(dst, &st), 0);
	unlink(src);
	unlink(dst);
	if (st.st_dev == other.st_dev)
		skip();
	assert_true(digest_eq(&before, &after));
	assert_true(st.st_blocks < 9000000 / 512);
}

static bool in_ten(const void *arg, uint32_t gid)
{
	return gid == 10;
}

/* acl(5), the algorithm of access checks: entries of acl_item are tag, bits, id. */
static void lists_grant_what_they_say(void **state)
{
	enum { OWNER = 1, USER = 2, GROUP = 4, GROUPS = 8, MASK = 16, OTHERS = 32 };
	struct acl acl cleanup_acl = {0};
	static const struct acl_item items[] = {{OWNER, 6, 0},   {USER, 7, 5}, {GROUP, 4, 0},
						{GROUPS, 7, 10}, {MASK, 5, 0}, {OTHERS, 2, 0}};
	static const struct {
		uint32_t uid, group;
		unsigned want;
		bool granted;
	} cases[] = {
		{1, 1, 6, true},   /* the owner, whom no mask limits */
		{1, 10, 1, false}, /* is no member and none of the others */
		{5, 1, 5, true},   /* a user within the mask */
		{5, 1, 2, false},  /* what the mask takes from him */
		{7, 1, 5, true},   /* by a group of the list */
		{7, 10, 4, true},  /* by the file's own */
		{7, 10, 2, false}, /* a member is none of the others */
	};

	for (size_t i = 0; i < array_len(items); i++)
		acl_push(&acl, items[i]);
	for (size_t i = 0; i < array_len(cases); i++)
		assert_int_equal(acl_grants(&acl, 1, cases[i].group, cases[i].uid, in_ten, NULL,
					    cases[i].want),
				 cases[i].granted);
	acl.items[3].id = 11; /* now nobody is in any group of it */
	assert_true(acl_grants(&acl, 1, 1, 7, in_ten, NULL, 2));
	assert_false(acl_grants(&acl, 1, 1, 7, in_ten, NULL, 4));
	assert_int_equal(acl_to_mode(&acl, 04000), 04652); /* the mask is the group's part */
	acl_chmod(&acl, 0710);
	assert_int_equal(acl_to_mode(&acl, 0), 0710);
	assert_int_equal(acl.items[2].perm, 4); /* the group's own entry stays */
}

static void trees_are_removed_even_without_permission(void **state)
{
	struct err *err cleanup_err = NULL;
	char *top cleanup_free = path_join(dir, "t");
	char *deep cleanup_free = path_join(dir, "t/a/b");
	char *out cleanup_free = path_join(dir, "t/a/link");

	assert_int_equal(path_mkdirs(deep, &err), 0);
	assert_int_equal(symlink("/etc", out), 0);
	assert_int_equal(chmod(deep, 0), 0);
	assert_int_equal(path_remove(top, &err), 0);
	assert_false(path_exists(top));
	assert_int_equal(path_remove(top, &err), 0);
}

/* Deeper than a path is long and than there are descriptors. */
static void trees_are_removed_however_deep(void **state)
{
	struct err *err cleanup_err = NULL;
	char *top cleanup_free = path_join(dir, "deep");
	int fd = AT_FDCWD;

	for (int i = 0; i < 5000; i++) {
		const char *name = i ? "d" : top;
		int sub;

		assert_int_equal(mkdirat(fd, name, 0755), 0);
		sub = openat(fd, name, O_PATH | O_CLOEXEC);
		assert_true(sub >= 0);
		if (i) {
			assert_int_equal(mkdirat(fd, "e", 0), 0);
			close(fd);
		}
		fd = sub;
	}
	close(fd);
	assert_int_equal(path_remove(top, &err), 0);
	assert_false(path_exists(top));
}

static void directories_are_made_through_no_link(void **state)
{
	struct err *err cleanup_err = NULL;
	char *top cleanup_free = path_join(dir, "within");
	char *leads cleanup_free = path_join(top, "out/x");
	char *made cleanup_free = path_join(top, "out/y/z");
	char *leak cleanup_free = path_join(dir, "z");
	char *file cleanup_free = path_join(top, "file");

	assert_int_equal(path_mkdirs(top, &err), 0);
	assert_int_equal(path_mkdirs_within(top, "out/y/z", &err), 0);
	assert_true(path_exists(made));
	assert_int_equal(path_mkdirs_within(top, "out/y/z", &err), 0);
	assert_int_equal(symlink("../..", leads), 0);
	assert_int_equal(path_mkdirs_within(top, "out/x/z", &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
	assert_non_null(strstr(err->text, "within/out/x' is a link"));
	assert_false(path_exists(leak));
	err_free(steal_ptr(err));
	assert_int_equal(symlink("nowhere", file), 0);
	assert_int_equal(path_mkdirs_within(top, "file", &err), -1);
	err_free(steal_ptr(err));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(mknod(file, S_IFREG | 0600, 0), 0);
	assert_int_equal(path_mkdirs_within(top, "file/z", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting_is_reversible),
		cmocka_unit_test(escaping_leaves_no_terminal_control),
		cmocka_unit_test(escaping_shows_what_turns_text_around),
		cmocka_unit_test(escaping_leaves_no_command_of_a_ci),
		cmocka_unit_test(out_of_memory_is_an_exit),
		cmocka_unit_test(near_words_are_found),
		cmocka_unit_test(words_of_other_programs_are_known),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(map_keeps_order_and_finds_all),
		cmocka_unit_test(errors_carry_context_and_code),
		cmocka_unit_test(errors_are_short_lines),
		cmocka_unit_test(uuids_depend_on_their_parts),
		cmocka_unit_test(project_paths_are_checked),
		cmocka_unit_test(links_may_not_lead_out),
		cmocka_unit_test(files_are_replaced_whole),
		cmocka_unit_test(copies_stay_sparse),
		cmocka_unit_test(chunk_maps_ignore_where_holes_are),
		cmocka_unit_test(scattered_data_is_counted_by_block),
		cmocka_unit_test(left_overs_are_swept),
		cmocka_unit_test(locks_exclude),
		cmocka_unit_test(processes_report_how_they_ended),
		cmocka_unit_test(processes_have_deadlines),
		cmocka_unit_test(files_are_copied_between_file_systems),
		cmocka_unit_test(lists_grant_what_they_say),
		cmocka_unit_test(trees_are_removed_even_without_permission),
		cmocka_unit_test(trees_are_removed_however_deep),
		cmocka_unit_test(directories_are_made_through_no_link),
	};

	return cmocka_run_group_tests_name("base", tests, dir_setup, dir_teardown);
}
