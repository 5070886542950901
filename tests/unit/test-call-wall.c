/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The test starts itself again in a sandbox, where it makes calls that stand for their groups and
 * prints the errno of each. The arguments are such that this kernel would do the call, or refuse it
 * with another errno, if the wall let it through.
 */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/sandbox/sandbox.h"
#include "tmp.h"

#define TIOCSTI_HERE 0x5412
#define TIOCLINUX_HERE 0x541c
#define HIGH_BITS 0x100000000 /* of an argument that the kernel cuts to 32 bits */
#define NOWHERE "/no/such/place"

/* --- in the sandbox --- */

static void say(const char *name, long rc)
{
	printf("%s %d\n", name, rc < 0 ? errno : 0);
}

/* A child that a call made ends at once. */
static void say_clone(const char *name, long rc)
{
	if (rc == 0)
		_exit(0);
	say(name, rc);
}

static void call_natively(int file)
{
	long null = 0;

	say("ioctl-tiocsti", syscall(SYS_ioctl, file, TIOCSTI_HERE, "x"));
	say("ioctl-tiocsti-high", syscall(SYS_ioctl, file, HIGH_BITS | TIOCSTI_HERE, "x"));
	say("ioctl-tioclinux", syscall(SYS_ioctl, file, TIOCLINUX_HERE, "x"));
	say("add_key", syscall(SYS_add_key, "user", "orch", "x", 1l, -2l));
	say("keyctl", syscall(SYS_keyctl, 0l, -2l, 1l));
	say("request_key", syscall(SYS_request_key, "user", "orch-no-such", null, 0l));
	say("mount", syscall(SYS_mount, "t", "/tmp", "tmpfs", 0l, null));
	say("umount2", syscall(SYS_umount2, NOWHERE, 0l));
	say("pivot_root", syscall(SYS_pivot_root, NOWHERE, NOWHERE));
	say("move_mount", syscall(SYS_move_mount, -1l, "", -1l, "", 0l));
	say("open_tree", syscall(SYS_open_tree, -1l, "x", 0l));
	say("open_tree_attr", syscall(467, -1l, "x", 0l, null, 0l));
	say("fsopen", syscall(SYS_fsopen, "tmpfs", 0l));
	say("fsconfig", syscall(SYS_fsconfig, -1l, 6l, null, null, 0l));
	say("fsmount", syscall(SYS_fsmount, -1l, 0l, 0l));
	say("fspick", syscall(SYS_fspick, -1l, "x", 0l));
	say("mount_setattr", syscall(SYS_mount_setattr, -1l, "x", 0l, null, 0l));
	say("setns", syscall(SYS_setns, -1l, 0l));
	say("clone3", syscall(SYS_clone3, null, 0l));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1l, null));
	say("bpf", syscall(SYS_bpf, 0l, null, 0l));
	say("perf_event_open", syscall(SYS_perf_event_open, null, 0l, -1l, -1l, 0l));
	say("userfaultfd", syscall(SYS_userfaultfd, -1l));
	say("open_by_handle_at", syscall(SYS_open_by_handle_at, -1l, null, 0l));
	say("newer-than-the-wall", syscall(600));
	say("socket-vsock", socket(40, SOCK_STREAM, 0));
	say("socket-vsock-high", syscall(SYS_socket, HIGH_BITS | 40, (long)SOCK_STREAM, 0l));
	say("socket-alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
	say("socket-packet", socket(AF_PACKET, SOCK_RAW, 0));
	say("socketpair-tipc", syscall(SYS_socketpair, 30l, (long)SOCK_STREAM, 0l, null));
}

/* Namespaces, each kind by each way. */
static void call_for_namespaces(void)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} kinds[] = {{"user", CLONE_NEWUSER},     {"mount", CLONE_NEWNS}, {"pid", CLONE_NEWPID},
		     {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
		     {"cgroup", CLONE_NEWCGROUP}, {"time", 0x80}};

	for (size_t i = 0; i < array_len(kinds); i++) {
		char *unshared cleanup_free = xasprintf("unshare-%s", kinds[i].name);
		char *cloned cleanup_free = xasprintf("clone-%s", kinds[i].name);

		if (kinds[i].flag != 0x80) /* there part of the signal */
			say_clone(cloned,
				  syscall(SYS_clone, kinds[i].flag | SIGCHLD, 0l, 0l, 0l, 0l));
		say(unshared, syscall(SYS_unshare, kinds[i].flag));
	}
}

/* What builds need and the wall must leave. */
static void call_what_is_allowed(void)
{
	pid_t pid;
	int status;

	say("socket-unix", socket(AF_UNIX, SOCK_STREAM, 0));
	say("socket-inet", socket(AF_INET, SOCK_STREAM, 0));
	say("socket-inet6", socket(AF_INET6, SOCK_STREAM, 0));
	say("socket-netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	say("unshare-fs", syscall(SYS_unshare, (long)CLONE_FS));
	say("personality", syscall(SYS_personality, 0xffffffffl));
	say("chroot", chroot("/"));
	pid = fork();
	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0);
	say("ptrace", waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1);
}

#ifdef __x86_64__
/* The interface of i386, which 64-bit programs have as well; arguments are below 4 GiB. */
static long call32(long nr, long a, long b, long c, long d)
{
	long rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0l)
			 : "memory", "r8", "r9", "r10", "r11");
	if (rc < 0) {
		errno = (int)-rc;
		return -1;
	}
	return rc;
}

static char *put_low(char *low, size_t at, const char *text)
{
	return memcpy(low + at, text, strlen(text) + 1);
}

static void call_as_i386(int file)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	char *name = put_low(low, 0, "tmpfs"), *to = put_low(low, 64, "/tmp");
	char *key = put_low(low, 128, "user");
	uint32_t *vsock = (uint32_t *)(low + 256);

	vsock[0] = 40;
	vsock[1] = SOCK_STREAM;
	vsock[2] = 0;
	say("i386-getppid", call32(64, 0, 0, 0, 0));
	say("i386-mount", call32(21, (long)name, (long)to, (long)name, 0));
	say("i386-umount", call32(22, (long)key, 0, 0, 0));
	say("i386-umount2", call32(52, (long)key, 0, 0, 0));
	say("i386-ioctl-tiocsti", call32(54, file, TIOCSTI_HERE, (long)low, 0));
	say("i386-keyctl", call32(288, 0, -2, 1, 0));
	say("i386-setns", call32(346, -1, 0, 0, 0));
	say("i386-unshare", call32(310, CLONE_NEWUTS, 0, 0, 0));
	say_clone("i386-clone", call32(120, CLONE_NEWUTS | SIGCHLD, 0, 0, 0));
	say("i386-clone3", call32(435, 0, 0, 0, 0));
	say("i386-io_uring_setup", call32(425, 1, 0, 0, 0));
	say("i386-move_mount", call32(429, -1, (long)key, -1, (long)key));
	say("i386-socket-vsock", call32(359, 40, SOCK_STREAM, 0, 0));
	say("i386-socketcall-vsock", call32(102, 1, (long)vsock, 0, 0));
	say("x32-getppid", syscall(0x40000000l | SYS_getppid));
	say("x32-mount", syscall(0x40000000l | SYS_mount, "t", "/tmp", "tmpfs", 0l, 0l));
}
#endif

static int __attribute__((noreturn)) make_calls(void)
{
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);

	setvbuf(stdout, NULL, _IONBF, 0);
	call_natively(file);
#ifdef __x86_64__
	call_as_i386(file);
#endif
	call_what_is_allowed();
	call_for_namespaces();
	_exit(0);
}

/* --- outside --- */

struct answer {
	const char *name;
	int error;
};

static const struct answer walled[] = {
	{"ioctl-tiocsti", EPERM},
	{"ioctl-tiocsti-high", EPERM},
	{"ioctl-tioclinux", EPERM},
	{"add_key", EPERM},
	{"keyctl", EPERM},
	{"request_key", EPERM},
	{"clone3", ENOSYS},
	{"io_uring_setup", ENOSYS},
	{"bpf", EPERM},
	{"perf_event_open", EPERM},
	{"userfaultfd", EPERM},
	{"open_by_handle_at", EPERM},
	{"newer-than-the-wall", ENOSYS},
	{"socket-vsock", EAFNOSUPPORT},
	{"socket-vsock-high", EAFNOSUPPORT},
	{"socket-alg", EAFNOSUPPORT},
	{"socket-packet", EAFNOSUPPORT},
	{"socketpair-tipc", EAFNOSUPPORT},
#ifdef __x86_64__
	{"i386-ioctl-tiocsti", EPERM},
	{"i386-keyctl", EPERM},
	{"i386-clone3", ENOSYS},
	{"i386-io_uring_setup", ENOSYS},
	{"i386-socket-vsock", EAFNOSUPPORT},
	{"i386-socketcall-vsock", EAFNOSUPPORT},
	{"x32-getppid", ENOSYS},
	{"x32-mount", ENOSYS},
#endif
};

/* With nested steps these are made, and the kernel has an answer of its own. */
static const struct answer walled_unless_nested[] = {
	{"mount", EPERM},          {"umount2", EPERM},
	{"pivot_root", EPERM},     {"move_mount", ENOSYS},
	{"open_tree", ENOSYS},     {"open_tree_attr", ENOSYS},
	{"fsopen", ENOSYS},        {"fsconfig", ENOSYS},
	{"fsmount", ENOSYS},       {"fspick", ENOSYS},
	{"mount_setattr", ENOSYS}, {"unshare-user", EPERM},
	{"unshare-mount", EPERM},  {"unshare-pid", EPERM},
	{"unshare-net", EPERM},    {"unshare-ipc", EPERM},
	{"unshare-uts", EPERM},    {"unshare-cgroup", EPERM},
	{"unshare-time", EPERM},   {"clone-user", EPERM},
	{"clone-mount", EPERM},    {"clone-pid", EPERM},
	{"clone-net", EPERM},      {"clone-ipc", EPERM},
	{"clone-uts", EPERM},      {"clone-cgroup", EPERM},
#ifdef __x86_64__
	{"i386-mount", EPERM},     {"i386-umount", EPERM},
	{"i386-umount2", EPERM},   {"i386-move_mount", ENOSYS},
	{"i386-setns", EPERM},     {"i386-unshare", EPERM},
	{"i386-clone", EPERM},
#endif
};

/* What the kernel says to some of them. */
static const struct answer when_nested[] = {
	{"mount", 0},       {"umount2", ENOENT}, {"fsopen", 0},        {"open_tree", EBADF},
	{"setns", EBADF},   {"unshare-user", 0}, {"unshare-mount", 0}, {"unshare-pid", 0},
	{"unshare-net", 0}, {"unshare-ipc", 0},  {"unshare-uts", 0},   {"unshare-cgroup", 0},
	{"clone-user", 0},  {"clone-mount", 0},  {"clone-pid", 0},     {"clone-net", 0},
};

static const struct answer allowed[] = {
	{"socket-unix", 0},  {"socket-inet", 0}, {"socket-inet6", 0}, {"socket-netlink", 0},
	{"unshare-fs", 0},   {"personality", 0}, {"chroot", 0},       {"ptrace", 0},
#ifdef __x86_64__
	{"i386-getppid", 0},
#endif
};

/* What the calls ended with, as lines. */
static void calls_in(struct sandbox_opts opts, struct str *ret)
{
	struct err *err cleanup_err = NULL;
	static char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	char *said cleanup_free = path_join(dir, "said"), self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int out cleanup_fd = open(said, O_RDWR | O_CREAT | O_CLOEXEC | O_TRUNC, 0644);
	struct sandbox_bind bind = {self, "/run/calls", false};
	char *const argv[] = {"/run/calls", "calls", NULL};
	int status = -1;

	assert_true(n > 0 && out >= 0);
	self[n] = '\0';
	opts.env = env;
	opts.binds = &bind;
	opts.bind_count = 1;
	opts.out = out;
	opts.timeout_s = 60;
	if (sandbox_run(argv, &opts, &status, &err) < 0)
		fail_msg("%s", err->text);
	assert_int_equal(status, 0);
	assert_int_equal(file_read(said, 65536, ret, &err), 0);
}

static int answer_in(const struct str *said, const char *name)
{
	char *line cleanup_free = xasprintf("\n%s ", name);
	char *whole cleanup_free = xasprintf("\n%s", said->buf);
	const char *at = strstr(whole, line);

	if (!at)
		fail_msg("nothing was said of %s", name);
	return atoi(at + strlen(line));
}

static void expect(const struct str *said, const struct answer *v, size_t count)
{
	int wrong = 0;

	for (size_t i = 0; i < count; i++) {
		int got = answer_in(said, v[i].name);

		if (got == v[i].error)
			continue;
		print_error("%s: %s, not %s\n", v[i].name, strerrorname_np(got),
			    strerrorname_np(v[i].error));
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_calls_that_are_refused(void **state)
{
	struct str said cleanup_str = STR_INIT;

	(void)state;
	calls_in((struct sandbox_opts){.as_root = true}, &said);
	expect(&said, allowed, array_len(allowed));
	expect(&said, walled, array_len(walled));
	expect(&said, walled_unless_nested, array_len(walled_unless_nested));
}

static void test_nested_steps_may_mount(void **state)
{
	struct str said cleanup_str = STR_INIT;

	(void)state;
	calls_in((struct sandbox_opts){.as_root = true, .nested = true}, &said);
	expect(&said, allowed, array_len(allowed));
	expect(&said, walled, array_len(walled));
	expect(&said, when_nested, array_len(when_nested));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(test_calls_that_are_refused),
		DIR_TEST(test_nested_steps_may_mount),
	};

	if (argc > 1 && strcmp(argv[1], "calls") == 0)
		make_calls();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
