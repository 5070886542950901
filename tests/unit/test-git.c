/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/git.h"
#include "base/path.h"
#include "base/proc.h"
#include "recipe/git_version.h"

struct fixture {
	char *top, *repository, *out;
};

/* Runs shell lines in the repository. */
static void in_repository(const struct fixture *f, const char *lines)
{
	char *text cleanup_free =
		xasprintf("set -e; export HOME=$PWD GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a "
			  "GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a; %s",
			  lines);
	char *const argv[] = {"sh", "-c", text, NULL};
	struct err *err = NULL;

	assert_int_equal(proc_run(argv, &(struct proc_opts){.cwd = f->repository}, &err), 0);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct err *err = NULL;

	f->top = xstrdup("/tmp/test-git.XXXXXX");
	assert_non_null(mkdtemp(f->top));
	f->repository = path_join(f->top, "repository");
	f->out = path_join(f->top, "out");
	assert_int_equal(path_mkdirs(f->repository, &err), 0);
	assert_int_equal(path_mkdirs(f->out, &err), 0);
	in_repository(f, "git init -q .; echo one >one; mkdir sub; echo two >sub/two; "
			 "ln -s one link; chmod +x sub/two; echo /ignored >.gitignore; git add .; "
			 "git commit -q -m one");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	struct err *err = NULL;

	assert_int_equal(path_remove(f->top, &err), 0);
	free(f->top);
	free(f->repository);
	free(f->out);
	free(f);
	return 0;
}

/* Exports REV of DIR; returns what git_export() does, its error in *RET. */
static int export(const struct fixture *f, const char *dir, const char *rev, bool *ret_found,
		  struct err **ret)
{
	char *at cleanup_free = path_join(f->repository, dir), *commit cleanup_free = NULL;
	struct git g cleanup_git = {0};

	assert_int_equal(git_open(at, &g, ret), 0);
	assert_int_equal(git_commit(&g, rev, &commit, ret), 0);
	return git_export(&g, commit, f->out, ret_found, ret);
}

static void holds(const struct fixture *f, const char *name, const char *text)
{
	char *path cleanup_free = path_join(f->out, name);
	struct str got cleanup_str = STR_INIT;
	struct err *err = NULL;

	assert_int_equal(file_read(path, 1000, &got, &err), 0);
	assert_string_equal(got.buf, text);
}

static void test_export(void **state)
{
	const struct fixture *f = *state;
	char *link cleanup_free = path_join(f->out, "link");
	char *program cleanup_free = path_join(f->out, "sub/two"), target[16] = "";
	struct err *err = NULL;
	bool found = false;

	in_repository(f, "echo other >one");
	assert_int_equal(export(f, "", "HEAD", &found, &err), 0);
	assert_true(found);
	holds(f, "one", "one\n");
	holds(f, "sub/two", "two\n");
	assert_int_equal(access(program, X_OK), 0);
	assert_int_equal(readlink(link, target, sizeof(target) - 1), 3);
	assert_string_equal(target, "one");
}

static void test_directory(void **state)
{
	const struct fixture *f = *state;
	struct err *err = NULL;
	bool found = false;

	assert_int_equal(export(f, "sub", "HEAD", &found, &err), 0);
	assert_true(found);
	holds(f, "two", "two\n");
	in_repository(f, "mkdir new; echo x >new/x; git add .; git commit -q -m new");
	assert_int_equal(export(f, "new", "HEAD~1", &found, &err), 0);
	assert_false(found);
}

static void test_ignored(void **state)
{
	const struct fixture *f = *state;
	struct git g cleanup_git = {0};
	struct strv got cleanup_strv = {0};
	struct strs paths = {0};
	struct err *err = NULL;

	in_repository(f, "mkdir ignored; echo a >ignored/a; echo b >b");
	strs_push(&paths, "ignored");
	strs_push(&paths, "b");
	strs_push(&paths, "*");
	assert_int_equal(git_open(f->repository, &g, &err), 0);
	assert_int_equal(git_ignored(&g, &paths, &got, &err), 0);
	assert_int_equal(got.count, 1);
	assert_string_equal(got.items[0], "ignored/a");
	strs_clear(&paths);
}

static void test_names(void **state)
{
	const struct fixture *f = *state;
	struct git g cleanup_git = {0};
	struct strv got cleanup_strv = {0};
	struct err *err = NULL;

	in_repository(f, "git branch -m trunk; git tag v1; git branch a/b");
	assert_int_equal(git_open(f->repository, &g, &err), 0);
	assert_int_equal(git_names(&g, &got, &err), 0);
	assert_int_equal(got.count, 3);
	assert_string_equal(got.items[0], "a/b");
	assert_string_equal(got.items[1], "trunk");
	assert_string_equal(got.items[2], "v1");
}

/* raw OID: its bytes; tree: a tree object of what it reads; $blob: a file. */
#define FORGE                                                          \
	"raw() { for x in $(echo $1 | sed 's/../& /g'); do "           \
	"printf \"\\\\$(printf %o 0x$x)\"; done; }; "                  \
	"tree() { git hash-object -t tree -w --literally --stdin; }; " \
	"blob=$(git rev-parse HEAD:one); "

/* Trees that git itself would not make: a name that leads out, and a file below a link. */
static void test_forged(void **state)
{
	const struct fixture *f = *state;
	char *outside cleanup_free = path_join(f->top, "outside");
	struct err *err cleanup_err = NULL, *below cleanup_err = NULL;
	bool found;

	in_repository(f, FORGE "file=$( (printf '100644 outside\\0'; raw $blob) | tree); "
			       "up=$( (printf '40000 ..\\0'; raw $file) | tree); "
			       "git tag up $(git commit-tree -m up $up)");
	assert_int_equal(export(f, "", "up", &found, &err), -1);
	assert_ptr_equal(err->code, E_NO_REPOSITORY);
	assert_false(path_exists(outside));
	in_repository(f, FORGE "to=$(printf .. | git hash-object -w --stdin); "
			       "file=$( (printf '100644 outside\\0'; raw $blob) | tree); "
			       "both=$( (printf '120000 a\\0'; raw $to; printf '40000 a\\0'; "
			       "raw $file) | tree); "
			       "git tag both $(git commit-tree -m both $both)");
	assert_int_equal(export(f, "", "both", &found, &below), -1);
	assert_false(path_exists(outside));
}

static bool is_clean(const struct fixture *f, const char *dir)
{
	char *at cleanup_free = path_join(f->repository, dir);
	struct git g cleanup_git = {0};
	struct err *err = NULL;
	bool clean;

	assert_int_equal(git_open(at, &g, &err), 0);
	assert_int_equal(git_clean(&g, &clean, &err), 0);
	return clean;
}

static void test_clean(void **state)
{
	const struct fixture *f = *state;

	assert_true(is_clean(f, ""));
	in_repository(f, "touch -d 2001-01-01 one; echo new >untracked; echo new >ignored");
	assert_true(is_clean(f, ""));
	in_repository(f, "echo more >>one");
	assert_false(is_clean(f, ""));
	assert_true(is_clean(f, "sub"));
	in_repository(f, "git checkout -q one; git rm -q --cached one");
	assert_false(is_clean(f, ""));
	in_repository(f, "git reset -q; rm sub/two");
	assert_false(is_clean(f, "sub"));
}

/* What git was told not to look at. */
static void test_flags(void **state)
{
	const struct fixture *f = *state;

	in_repository(f, "git update-index --assume-unchanged one");
	assert_false(is_clean(f, ""));
	in_repository(f, "git update-index --no-assume-unchanged one; "
			 "git update-index --skip-worktree one");
	assert_false(is_clean(f, ""));
	in_repository(f, "rm one"); /* as a sparse checkout has it */
	assert_true(is_clean(f, ""));
}

static void test_submodule(void **state)
{
	const struct fixture *f = *state;

	in_repository(f,
		      "git clone -q . ../lib; "
		      "git -c protocol.file.allow=always submodule -q add ../lib lib 2>/dev/null; "
		      "git commit -q -m lib");
	assert_true(is_clean(f, ""));
	in_repository(f, "echo more >>lib/one");
	assert_false(is_clean(f, ""));
	in_repository(f, "git -C lib checkout -q one; rm -rf lib; mkdir lib");
	assert_true(is_clean(f, "")); /* not checked out */
}

/* What a repository names as a filter would be run on a file with other times. */
static void test_no_filter(void **state)
{
	const struct fixture *f = *state;
	char *ran cleanup_free = path_join(f->top, "ran");

	in_repository(f, "echo 'one filter=f.g=h' >.gitattributes; git add .; "
			 "git commit -q -m two; git config filter.f.g=h.clean 'touch ../ran; cat'; "
			 "git config filter.f.g=h.required true; touch -d 2001-01-01 one");
	assert_true(is_clean(f, ""));
	assert_false(path_exists(ran));
	in_repository(f, "git config filter.f.g=h.process 'touch ../ran; cat'; "
			 "touch -d 2002-01-01 one");
	assert_true(is_clean(f, ""));
	assert_false(path_exists(ran));
	in_repository(f, "git status >/dev/null 2>&1 || true"); /* the trap itself works */
	assert_true(path_exists(ran));
}

static void test_lfs_clean(void **state)
{
	const struct fixture *f = *state;

	in_repository(f, "echo large >large; sum=$(sha256sum <large | cut -c 1-64); cp large kept; "
			 "printf 'version https://git-lfs.example/spec/v1\\noid sha256:%s\\n"
			 "size 6\\n' $sum >large; git add large; git commit -q -m two; "
			 "cp kept large");
	assert_true(is_clean(f, ""));
	in_repository(f, "echo other >large");
	assert_false(is_clean(f, ""));
}

static void is_version(const struct fixture *f, const char *expected)
{
	char *version cleanup_free = NULL;
	struct err *err = NULL;

	assert_int_equal(git_version(f->repository, &version, &err), 0);
	assert_string_equal(version, expected);
}

static void test_version(void **state)
{
	const struct fixture *f = *state;

	is_version(f, "0.0.1-dev");
	in_repository(f, "git tag v1.2.9; git tag 9.9.9; git tag v01.3.0; git tag v2; "
			 "git tag v1.3.0-rc1; git tag v1.2.3.4");
	is_version(f, "1.2.9");
	in_repository(f, "git tag -a -m ten v1.2.10"); /* a number, not a text; annotated */
	is_version(f, "1.2.10");
	in_repository(f, "git tag v18446744073709551615.0.0; "
			 "git tag v1.2.18446744073709551615; git tag v18446744073709551616.0.0");
	is_version(f, "1.2.10"); /* there is no next one */
	in_repository(f, "echo more >>one");
	is_version(f, "1.2.11-dev");
	in_repository(f, "git commit -q -a -m two");
	is_version(f, "1.2.11-dev");
	in_repository(f, "git commit -q --allow-empty -m three; git branch other");
	is_version(f, "1.2.11-dev");
	in_repository(f, "git commit -q --allow-empty -m four; git tag v1.3.0; "
			 "git checkout -q other");
	is_version(f, "1.2.11-dev"); /* HEAD does not descend from v1.3.0 */
	in_repository(f, "echo 7.0.0 >.tarball-version");
	is_version(f, "7.0.0");
}

static void refuses(const struct fixture *f, const char *dir, const char *text)
{
	char *at cleanup_free = path_join(f->repository, dir), *version cleanup_free = NULL;
	struct err *err cleanup_err = NULL;

	assert_int_equal(git_version(at, &version, &err), -1);
	assert_non_null(strstr(err->text, text));
}

static void test_no_version(void **state)
{
	const struct fixture *f = *state;

	in_repository(f, "git tag v1.0.0; git commit -q --allow-empty -m two; "
			 "git clone -q --depth 1 file://$PWD shallow 2>&1; git init -q empty");
	refuses(f, "shallow", "fetch-depth: 0");
	refuses(f, "empty", "nothing is committed");
	refuses(f, "..", "in no git repository");
	in_repository(f, "echo >.tarball-version");
	refuses(f, "", "has no version");
	in_repository(f, "rm .tarball-version; git tag v1.0.1; "
			 "echo deadbeefdeadbeefdeadbeefdeadbeefdeadbeef >.git/refs/tags/v1.0.2");
	refuses(f, "", "malformed object at 'refs/tags/v1.0.2'"); /* git's own words */
}

/* A copy asks the repository of what it is a copy of. */
static void test_copy(void **state)
{
	const struct fixture *f = *state;
	char *copy cleanup_free = path_join(f->top, "copy"), *sub cleanup_free = NULL;
	char *version cleanup_free = NULL;
	struct err *err = NULL;

	in_repository(f, "git tag v1.2.3; cp -R sub ../copy; git init -q ../copy/own");
	sub = path_join(f->repository, "sub");
	git_copied(copy, sub);
	assert_int_equal(git_version(copy, &version, &err), 0);
	assert_string_equal(version, "1.2.3");
	git_copied(NULL, NULL);
	refuses(f, "../copy", "in no git repository");
	git_copied(copy, sub);
	refuses(f, "../copy/own", "nothing is committed");
	refuses(f, "../copy-of-another", "in no git repository");
	git_copied(NULL, NULL);
}

static void check_state(const struct fixture *f, const char *branch, bool dirty)
{
	static const char *const ignored[] = {"out", NULL};
	struct git g cleanup_git = {0};
	struct git_state s cleanup_git_state = {0};
	char *head cleanup_free = NULL, *log cleanup_free = NULL;
	struct err *err = NULL;

	assert_int_equal(git_open(f->repository, &g, &err), 0);
	assert_int_equal(git_state(&g, ignored, &s, &err), 0);
	assert_int_equal(git_commit(&g, "HEAD", &head, &err), 0);
	assert_string_equal(s.commit, head);
	assert_string_equal(s.branch ? s.branch : "", branch);
	assert_int_equal(s.dirty, dirty);
	log = path_join(f->repository, s.log);
	assert_true(path_exists(log));
}

static void test_state(void **state)
{
	const struct fixture *f = *state;

	in_repository(f, "git checkout -q -b topic; mkdir out; echo x >out/x; echo x >ignored");
	check_state(f, "topic", false);
	in_repository(f, "echo x >outer");
	check_state(f, "topic", true);
	in_repository(f, "rm outer; chmod -x sub/two");
	check_state(f, "topic", true);
	in_repository(f, "git checkout -q -- sub; git rm -q --cached one");
	check_state(f, "topic", true);
	in_repository(f, "git commit -q -m less; rm one; git checkout -q --detach");
	check_state(f, "", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_export, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_submodule, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_filter, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lfs_clean, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
