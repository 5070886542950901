/* SPDX-License-Identifier: GPL-3.0-or-later */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/owners.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/sandbox/sandbox.h"
#include "machine/sandbox/sandbox_limits.h"
#include "tmp.h"

static char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "ONLY=this", NULL};

static int shell(const char *script, struct sandbox_opts opts, struct err **err)
{
	struct sandbox_bind bind = {dir, "/work", true};
	char *const argv[] = {"sh", "-ec", (char *)script, NULL};
	int status = -1;

	opts.env = env;
	opts.cwd = "/work";
	opts.binds = &bind;
	opts.bind_count = 1;
	if (sandbox_run(argv, &opts, &status, err) < 0)
		return -1;
	return status;
}

static int run(const char *script)
{
	struct err *err cleanup_err = NULL;
	int status = shell(script, (struct sandbox_opts){0}, &err);

	if (err)
		fail_msg("%s", err->text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(run("exit 0"), 0);
	assert_int_equal(run("exit 3"), 3);
	assert_int_equal(run("kill -SEGV $$"), 1000 + SIGSEGV);
}

static void test_sees_only_what_it_was_given(void **state)
{
	(void)state;
	assert_int_equal(run("test \"$ONLY\" = this; test -z \"$HOME\"; test $(pwd) = /work"), 0);
	assert_int_equal(run("test $(id -u) = 1000; test ! -e /home; test ! -e /var/log"), 0);
	assert_int_equal(run("echo x > /work/out; echo y > /tmp/scratch; echo > /dev/null"), 0);
	assert_int_equal(run("if touch /usr/x || touch /etc/x; then exit 1; fi"), 0);
	assert_int_equal(run("test $(cat out) = x; test ! -e /tmp/scratch"), 0);
}

/* Of the host's /etc, what programs need. */
static void test_named_files_of_etc(void **state)
{
	(void)state;
	assert_int_equal(
		run("for f in shadow machine-id hostname fstab resolv.conf ssh sudoers "
		    "subuid apt ssl/private pam.d; do\n"
		    "  [ ! -e /etc/$f ] || { echo \"/etc/$f\"; exit 1; }\n"
		    "done\n"
		    "[ \"$(id -un):$(id -gn)\" = build:build ]; [ -r /etc/ld.so.cache ]\n"
		    "[ \"$(getent passwd 0 | cut -d: -f1,6)\" = root:/root ]\n"
		    "getent hosts localhost >/dev/null; [ -d /etc/alternatives ]\n"
		    "[ ! -d /usr/share/ca-certificates ] || [ -d /etc/ssl/certs ]\n"
		    "if touch /etc/passwd || touch /etc/alternatives/x; then exit 2; fi\n"),
		0);
}

/* Even root is only the owner of the host's devices, not allowed to change them. */
static void test_devices_stay_as_they_are(void **state)
{
	(void)state;
	assert_int_equal(run("for d in null zero full random urandom; do "
			     "if chmod 600 /dev/$d || touch -d @0 /dev/$d; then exit 1; fi; done"),
			 0);
	assert_int_equal(run("echo x > /dev/null; echo y >> /dev/null; : > /dev/zero; "
			     "head -c 4 /dev/urandom > /work/r; test $(stat -c %s r) = 4"),
			 0);
}

static void test_no_network(void **state)
{
	(void)state;
	assert_int_equal(run("test $(grep -c : /proc/net/dev) = 1; grep -q lo: /proc/net/dev"), 0);
}

static void test_root(void **state)
{
	struct err *err = NULL;
	struct sandbox_opts opts = {.as_root = true}, nested = {.as_root = true, .nested = true};

	(void)state;
	assert_int_equal(shell("test $(id -u) = 0; chroot / true; mkdir m; ! mount -t tmpfs t m",
			       opts, &err),
			 0);
	assert_int_equal(shell("mount -t tmpfs t m; umount m", nested, &err), 0);
}

/* Looked at with access(2) alone. To root of the namespace its own network would obey. */
static void test_proc_is_guarded(void **state)
{
	static const char script[] =
		"for f in sys/net/ipv4/ip_default_ttl sys/kernel/core_pattern sysrq-trigger irq "
		"bus fs; do\n"
		"  [ ! -w /proc/$f ] || { echo \"/proc/$f can be written\"; exit 1; }\n"
		"done\n"
		"for f in kcore keys key-users kmsg timer_list kpagecount interrupts; do\n"
		"  [ ! -e /proc/$f ] || [ -z \"$(head -c 1 /proc/$f)\" ] || exit 2\n"
		"done\n"
		"for d in acpi asound scsi; do\n"
		"  [ -z \"$(ls -A /proc/$d 2>/dev/null)\" ] || exit 3\n"
		"done\n"
		"[ -z \"$(ls -A /sys)\" ]; [ -r /proc/sys/kernel/pid_max ]\n"
		"[ -w /proc/self/oom_score_adj ]\n";
	struct sandbox_opts root = {.as_root = true}, nested = {.as_root = true, .nested = true};
	struct err *err = NULL;

	(void)state;
	assert_int_equal(run(script), 0);
	assert_int_equal(shell(script, root, &err), 0);
	if (getuid() == 0)
		assert_int_equal(shell(script, nested, &err), 0);
}

/* What nested steps are for, and what they cannot do either. */
static void test_nested(void **state)
{
#define LOCKED "if umount /usr || mount -o remount,rw,bind /usr || umount /work; then exit 4; fi\n"
	static const char script[] =
		"unshare -r -m -p -f --mount-proc sh -ec 'test $$ = 1; test -e /proc/1/stat; "
		"mount -t tmpfs t /tmp; mkdir /tmp/x; mount --bind /usr /tmp/x; "
		"test -e /tmp/x/bin'\n"
		"unshare -r -m sh -ec '" LOCKED "'\n";
	static const char as_root[] = "mount -t tmpfs t /tmp\n" LOCKED;
	struct sandbox_opts plain = {.nested = true}, root = {.as_root = true, .nested = true};
	struct err *err = NULL;

	(void)state;
	assert_int_not_equal(run("unshare -r true"), 0);
	assert_int_equal(shell(as_root, root, &err), 0);
	if (getuid() != 0) /* whose /proc is guarded */
		assert_int_equal(shell(script, plain, &err), 0);
}

/* The first process is a copy of the caller: its memory, with all that he knows, is nobody's. */
static void test_first_process_is_closed(void **state)
{
	static const char script[] =
		"sleep 60 & for i in 1 2 3 4 5 6 7 8 9; do\n"
		"  [ \"$(cat /proc/$!/comm)\" = sleep ] || sleep 0.1\n"
		"done\n"
		"cat /proc/$!/environ >/dev/null || exit 1\n"
		"if cat /proc/1/environ || readlink /proc/1/fd/0; then exit 2; fi\n"
		"if true <>/proc/1/mem; then exit 3; fi\n"
		"kill $!\n";
	char *list cleanup_free = path_join(dir, "owners");
	struct sandbox_opts all[] = {{0},
				     {.nested = true},
				     {.as_root = true},
				     {.as_root = true, .nested = true},
				     {.as_root = true, .owners = list}};

	(void)state;
	for (size_t i = 0; i < array_len(all); i++) {
		struct err *err cleanup_err = NULL;
		struct owners *none cleanup_owners = owners_new();
		struct str text cleanup_str = STR_INIT;

		owners_format(none, false, &text);
		assert_int_equal(file_write(list, text.buf, text.len, 0600, false, &err), 0);
		assert_int_equal(shell(script, all[i], &err), 0);
	}
}

/* What SCRIPT is stopped with. */
static void stopped(const char *script, struct sandbox_limits limits, const char *key)
{
	struct err *err cleanup_err = NULL;

	assert_int_equal(shell(script, (struct sandbox_opts){.limits = limits}, &err), -1);
	assert_int_equal(err->code->cls, ERR_RESOURCE);
	if (!strstr(err->text, key))
		fail_msg("%s", err->text);
}

#define MB (1024ull * 1024)

static void test_memory(void **state)
{
	const struct sandbox_limits some = {.memory = 128 * MB};
	/* What four processes share counts once. */
	static const char shared[] = "exec python3 -c 'import os, time\n"
				     "b = bytearray(b\"x\") * (80 << 20)\n"
				     "for i in range(3):\n"
				     "    if os.fork() == 0: time.sleep(1); os._exit(0)\n"
				     "time.sleep(1)'\n";
	struct err *err cleanup_err = NULL;

	(void)state;
	stopped("head -c 400M /dev/zero | tail -n 1 >/dev/null; sleep 20", some, "'memory:'");
	stopped("(head -c 400M /dev/zero | tail -n 1 >/dev/null; sleep 20) & sleep 20", some,
		"'memory:'");
	stopped("head -c 200M /dev/zero >/tmp/x; sleep 20", some, "files in /tmp");
	assert_int_equal(shell(shared, (struct sandbox_opts){.limits = some}, &err), 0);
}

static void test_scratch(void **state)
{
	const struct sandbox_limits some = {.scratch = 16 * MB};
	struct sandbox_opts opts = {.limits = some};
	struct err *err cleanup_err = NULL;

	(void)state;
	assert_int_not_equal(shell("head -c 30M /dev/zero >/tmp/x", opts, &err), 0);
	assert_int_not_equal(shell("head -c 30M /dev/zero >/work/x", opts, &err), 0);
	assert_null(err);
	stopped("i=0; while [ $i -lt 40 ]; do head -c 4M /dev/urandom >/work/$i; i=$((i+1)); done; "
		"sync; sleep 20",
		some, "'scratch:'");
	/* A file needs no name to take room. */
	stopped("for f in 3 4 5; do\n"
		"eval \"exec $f>/work/n; rm /work/n; head -c 12M /dev/urandom >&$f\"\n"
		"done; sync; sleep 20",
		some, "'scratch:'");
	/* What was there before is not the step's. */
	assert_int_equal(shell("rm x; head -c 1M /dev/urandom >/work/x; sync; sleep 1", opts, &err),
			 0);
}

/* A file of SIZE bytes that no file system makes smaller, on the disk. */
static void fill(const char *path, const char *size)
{
	char *const argv[] = {
		"sh", "-ec",        "head -c \"$2\" /dev/urandom >\"$1\"; sync \"$1\"",
		"sh", (char *)path, (char *)size,
		NULL};
	struct err *err cleanup_err = NULL;

	if (proc_run(argv, NULL, &err) < 0)
		fail_msg("%s", err->text);
}

/* Others may make room on the same disk while a step writes. */
static void test_scratch_while_the_disk_empties(void **state)
{
	char *own cleanup_free = path_join(dir, "own");
	char *theirs cleanup_free = path_join(dir, "theirs"), *file cleanup_free = NULL;
	struct sandbox_bind bind = {own, "/work", true};
	const struct sandbox_opts opts = {
		.limits = {.memory = INT64_MAX, .scratch = 16 * MB},
		.binds = &bind,
		.bind_count = 1,
	};
	struct err *err cleanup_err = NULL;
	struct limits_watch watch;

	(void)state;
	assert_int_equal(mkdir(own, 0700), 0);
	fill(theirs, "64M");
	limits_watch(&watch, getpid(), &opts, NULL);
	assert_int_equal(unlink(theirs), 0);
	file = path_join(own, "file");
	fill(file, "24M");
	assert_int_equal(limits_check(&watch, "it", &err), -1);
	assert_int_equal(err->code->cls, ERR_RESOURCE);
	assert_non_null(strstr(err->text, "'scratch:'"));
}

static void test_processes(void **state)
{
	(void)state;
	if (getuid() == 0) /* whom the kernel does not limit */
		skip();
	assert_int_equal(run("python3 -c 'import os, signal\n"
			     "n = 0\n"
			     "try:\n"
			     "    while n < 5000:\n"
			     "        if os.fork() == 0: signal.pause()\n"
			     "        n += 1\n"
			     "except BlockingIOError: pass\n"
			     "assert 4000 < n < 4096, n'\n"),
			 0);
}

/* What programs are told of limits and of the processor does not depend on who starts orch. */
static void test_limits_of_the_caller(void **state)
{
	static const char script[] =
		"test \"$(ulimit -Sn) $(ulimit -Ss) $(uname -m)\" = \"$(cat want)\"";
	struct rlimit files, stack, less;
	struct utsname machine;
	char want[128], *path cleanup_free = path_join(dir, "want");
	struct err *err = NULL;

	(void)state;
	assert_int_equal(uname(&machine), 0);
	snprintf(want, sizeof(want), "1024 8192 %s", machine.machine);
	assert_int_equal(file_write(path, want, strlen(want), 0644, false, &err), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	assert_int_equal(getrlimit(RLIMIT_STACK, &stack), 0);
	less = (struct rlimit){200, files.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
	less = (struct rlimit){4 << 20, stack.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_STACK, &less), 0);
	assert_true(personality(PER_LINUX32) >= 0);
	assert_int_equal(run(script), 0);
	assert_true(personality(PER_LINUX) >= 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
	assert_int_equal(setrlimit(RLIMIT_STACK, &stack), 0);
}

static void test_deadline(void **state)
{
	struct err *err cleanup_err = NULL;

	(void)state;
	assert_int_equal(shell("sleep 60 & sleep 60", (struct sandbox_opts){.timeout_s = 1}, &err),
			 -1);
	assert_int_equal(err->code->cls, ERR_TIMEOUT);
}

static void test_missing_command(void **state)
{
	struct err *err cleanup_err = NULL;
	struct sandbox_opts opts = {.env = env};
	char *const argv[] = {"no-such-command", NULL};
	int status;

	(void)state;
	assert_int_equal(sandbox_run(argv, &opts, &status, &err), -1);
	assert_non_null(strstr(err->text, "cannot run 'no-such-command'"));
}

static void test_missing_bind(void **state)
{
	struct err *err cleanup_err = NULL;
	struct sandbox_bind bind = {"/no/such/directory", "/x", false};
	struct sandbox_opts opts = {.env = env, .binds = &bind, .bind_count = 1};
	char *const argv[] = {"true", NULL};
	int status;

	(void)state;
	assert_int_equal(sandbox_run(argv, &opts, &status, &err), -1);
	assert_non_null(strstr(err->text, "'/no/such/directory'"));
}

/* Whatever happens to the caller, nothing of the sandbox survives it. */
static void test_no_orphans(void **state)
{
	char *flag cleanup_free = path_join(dir, "started");
	char *tick cleanup_free = path_join(dir, "tick");
	struct stat a, b;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		struct err *err = NULL;

		_exit(shell(
			"(while :; do date +%N > tick; sleep 0.02; done) & touch started; sleep 60",
			(struct sandbox_opts){0}, &err));
	}
	for (int i = 0; i < 500 && (!path_exists(flag) || !path_exists(tick)); i++)
		usleep(20000);
	assert_true(path_exists(tick));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	usleep(300000);
	assert_int_equal(stat(tick, &a), 0);
	usleep(300000);
	assert_int_equal(stat(tick, &b), 0);
	assert_int_equal(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(sandbox_emulator_name("arm64"), "qemu-aarch64");
	assert_null(sandbox_emulator_name("pdp11"));
	assert_true(sandbox_is_native(sandbox_host_arch()));
	assert_true(sandbox_is_native("all"));
	assert_false(sandbox_is_native("s390x") && sandbox_is_native("arm64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(test_status),
		DIR_TEST(test_sees_only_what_it_was_given),
		DIR_TEST(test_named_files_of_etc),
		DIR_TEST(test_devices_stay_as_they_are),
		DIR_TEST(test_no_network),
		DIR_TEST(test_root),
		DIR_TEST(test_proc_is_guarded),
		DIR_TEST(test_nested),
		DIR_TEST(test_first_process_is_closed),
		DIR_TEST(test_memory),
		DIR_TEST(test_scratch),
		DIR_TEST(test_scratch_while_the_disk_empties),
		DIR_TEST(test_processes),
		DIR_TEST(test_limits_of_the_caller),
		DIR_TEST(test_deadline),
		DIR_TEST(test_missing_command),
		DIR_TEST(test_missing_bind),
		DIR_TEST(test_no_orphans),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
