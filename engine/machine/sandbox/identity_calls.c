/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine/sandbox/identity_priv.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0
#endif

#define PATH(n) .path = (n)
#define AT(d, p) .dirfd = (d), .path = (p)
#define FD .dirfd = 1
#define FLAGS(n) .flags = (n)
#define NOFOLLOW .fixed = AT_SYMLINK_NOFOLLOW
#define MORE(n) .more = (n)
#define STRICT .strict = true
#define NEEDS(capability) .fixed = (capability)
#define CALL(nr, enter, exit, ...)                      \
	{                                               \
#nr, SYS_##nr, enter, exit, __VA_ARGS__ \
	}

static const struct call calls[] = {
	CALL(fstat, NULL, stat_exit, FD, MORE(2)),
	CALL(newfstatat, NULL, stat_exit, AT(1, 2), FLAGS(4), MORE(3)),
	CALL(statx, NULL, statx_exit, AT(1, 2), FLAGS(3), MORE(5)),
	CALL(openat, open_enter, open_exit, AT(1, 2), MORE(3), STRICT),
	CALL(openat2, open_enter, open_exit, AT(1, 2), MORE(3)),
	CALL(mkdirat, create_enter, create_exit, AT(1, 2), MORE(3)),
	CALL(mknodat, mknod_enter, create_exit, AT(1, 2), MORE(3)),
	CALL(symlinkat, create_enter, create_exit, AT(2, 3), MORE(0)),
	CALL(bind, NULL, bind_exit, MORE(0)),
	CALL(fchown, chown_enter, chown_exit, FD, MORE(2)),
	CALL(fchownat, chown_enter, chown_exit, AT(1, 2), FLAGS(5), MORE(3)),
	CALL(fchmod, chmod_enter, chmod_exit, FD, MORE(2)),
	CALL(fchmodat, chmod_enter, chmod_exit, AT(1, 2), MORE(3)),
	CALL(faccessat, access_enter, NULL, AT(1, 2), MORE(3)),
	CALL(execve, exec_enter, NULL, PATH(1)),
	CALL(execveat, exec_enter, NULL, AT(1, 2), FLAGS(5)),
	CALL(setxattr, attr_set_enter, NULL, PATH(1)),
	CALL(lsetxattr, attr_set_enter, NULL, PATH(1), NOFOLLOW),
	CALL(fsetxattr, attr_set_enter, NULL, FD),
	CALL(getxattr, attr_get_enter, NULL, PATH(1)),
	CALL(lgetxattr, attr_get_enter, NULL, PATH(1), NOFOLLOW),
	CALL(fgetxattr, attr_get_enter, NULL, FD),
	CALL(removexattr, attr_remove_enter, NULL, PATH(1)),
	CALL(lremovexattr, attr_remove_enter, NULL, PATH(1), NOFOLLOW),
	CALL(fremovexattr, attr_remove_enter, NULL, FD),
	CALL(listxattr, NULL, attr_list_exit, PATH(1)),
	CALL(llistxattr, NULL, attr_list_exit, PATH(1), NOFOLLOW),
	CALL(flistxattr, NULL, attr_list_exit, FD),
	CALL(getuid, id_get_enter, NULL, MORE(0)),
	CALL(geteuid, id_get_enter, NULL, MORE(0)),
	CALL(getgid, id_get_enter, NULL, MORE(0)),
	CALL(getegid, id_get_enter, NULL, MORE(0)),
	CALL(getresuid, id_get3_enter, NULL, MORE(0)),
	CALL(getresgid, id_get3_enter, NULL, MORE(0)),
	CALL(getgroups, groups_get_enter, NULL, MORE(0)),
	CALL(setgroups, groups_set_enter, NULL, MORE(0)),
	CALL(setuid, id_set_enter, NULL, MORE(0)),
	CALL(setgid, id_set_enter, NULL, MORE(0)),
	CALL(setreuid, id_set_enter, NULL, MORE(0)),
	CALL(setregid, id_set_enter, NULL, MORE(0)),
	CALL(setresuid, id_set_enter, NULL, MORE(0)),
	CALL(setresgid, id_set_enter, NULL, MORE(0)),
	CALL(setfsuid, id_set_enter, NULL, MORE(0)),
	CALL(setfsgid, id_set_enter, NULL, MORE(0)),
	CALL(capget, NULL, caps_get_exit, MORE(0)),
	CALL(capset, caps_set_enter, NULL, MORE(0)),
	CALL(prctl, prctl_enter, NULL, MORE(0)),
	CALL(getsockopt, NULL, peer_exit, MORE(0)),
	CALL(seccomp, NULL, NULL, MORE(0)), /* strict_begin() makes it */
	CALL(pipe2, NULL, pipe_exit, MORE(0), STRICT),
	CALL(unlinkat, remove_enter, NULL, AT(1, 2), STRICT),
	CALL(renameat2, rename_enter, NULL, AT(1, 2), MORE(4), STRICT),
	CALL(linkat, rename_enter, NULL, AT(1, 2), MORE(4), .fixed = 1, STRICT),
	CALL(chdir, want_enter, NULL, PATH(1), .fixed = 1, STRICT),
	CALL(fchdir, want_enter, NULL, FD, .fixed = 1, STRICT),
	CALL(truncate, truncate_enter, NULL, PATH(1), .fixed = 2),
	CALL(utimensat, times_enter, NULL, AT(1, 2), FLAGS(4), MORE(3), STRICT),
	CALL(readlinkat, NULL, NULL, AT(1, 2), STRICT),
	CALL(statfs, NULL, NULL, PATH(1), STRICT),
	CALL(kill, kill_enter, NULL, MORE(0), STRICT),
	CALL(tgkill, kill_enter, NULL, MORE(0), STRICT),
	CALL(chroot, privilege_enter, NULL, PATH(1), NEEDS(CAP_SYS_CHROOT), STRICT),
	CALL(mount, privilege_enter, NULL, NEEDS(CAP_SYS_ADMIN), STRICT),
	CALL(umount2, privilege_enter, NULL, NEEDS(CAP_SYS_ADMIN), STRICT),
	CALL(sethostname, privilege_enter, NULL, NEEDS(CAP_SYS_ADMIN), STRICT),
#ifdef SYS_fchmodat2
	CALL(fchmodat2, chmod_enter, chmod_exit, AT(1, 2), FLAGS(4), MORE(3)),
#endif
#ifdef SYS_faccessat2
	CALL(faccessat2, access_enter, NULL, AT(1, 2), FLAGS(4), MORE(3)),
#endif
#ifdef SYS_open /* what newer architectures have as *at alone */
	CALL(stat, NULL, stat_exit, PATH(1), MORE(2)),
	CALL(lstat, NULL, stat_exit, PATH(1), NOFOLLOW, MORE(2)),
	CALL(open, open_enter, open_exit, PATH(1), MORE(2), STRICT),
	CALL(creat, open_enter, open_exit, PATH(1), MORE(2), .fixed = O_CREAT),
	CALL(mkdir, create_enter, create_exit, PATH(1), MORE(2)),
	CALL(mknod, mknod_enter, create_exit, PATH(1), MORE(2)),
	CALL(symlink, create_enter, create_exit, PATH(2), MORE(0)),
	CALL(chown, chown_enter, chown_exit, PATH(1), MORE(2)),
	CALL(lchown, chown_enter, chown_exit, PATH(1), NOFOLLOW, MORE(2)),
	CALL(chmod, chmod_enter, chmod_exit, PATH(1), MORE(2)),
	CALL(access, access_enter, NULL, PATH(1), MORE(2)),
	CALL(pipe, NULL, pipe_exit, MORE(0), STRICT),
	CALL(unlink, remove_enter, NULL, PATH(1), STRICT),
	CALL(rmdir, remove_enter, NULL, PATH(1), STRICT),
	CALL(rename, rename_enter, NULL, PATH(1), MORE(2), STRICT),
	CALL(renameat, rename_enter, NULL, AT(1, 2), MORE(4), STRICT),
	CALL(link, rename_enter, NULL, PATH(1), MORE(2), .fixed = 1, STRICT),
	CALL(readlink, NULL, NULL, PATH(1), STRICT),
	CALL(utime, times_enter, NULL, PATH(1), MORE(2), STRICT),
	CALL(utimes, times_enter, NULL, PATH(1), MORE(2), STRICT),
	CALL(futimesat, times_enter, NULL, AT(1, 2), MORE(3), STRICT),
#endif
};

const struct call *call_find(uint64_t nr)
{
	static const struct call *by_number[512];
	static bool filled;

	for (size_t i = 0; !filled && i < array_len(calls); i++)
		by_number[calls[i].nr] = &calls[i];
	filled = true;
	return nr < array_len(by_number) ? by_number[nr] : NULL;
}

bool calls_is_native(uint32_t arch)
{
	return arch == ARCH;
}

/* --- the filter --- */

/* A call to which something happens only if argument ARG has one of BITS, or is VALUE. */
struct rule {
	int nr;
	unsigned arg; /* from 1; 0: always */
	uint32_t bits, value;
	uint32_t action;
};
#define TMPFILE (O_TMPFILE & ~O_DIRECTORY)
#define REFUSE(e) (SECCOMP_RET_ERRNO | (e))
#define NEWER_THAN_HEADERS(nr)              \
	{                                   \
		nr, 0, 0, 0, REFUSE(ENOSYS) \
	}

static const struct rule rules[] = {
	{SYS_openat, 3, O_ACCMODE | O_CREAT | TMPFILE | O_TRUNC, 0, SECCOMP_RET_TRACE},
#ifdef SYS_open
	{SYS_open, 2, O_ACCMODE | O_CREAT | TMPFILE | O_TRUNC, 0, SECCOMP_RET_TRACE},
#endif
	{SYS_getsockopt, 3, 0, SO_PEERCRED, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_GET_KEEPCAPS, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_SET_KEEPCAPS, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_GET_SECUREBITS, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_SET_SECUREBITS, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_GET_NO_NEW_PRIVS, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_SET_NO_NEW_PRIVS, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_CAPBSET_READ, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_CAPBSET_DROP, SECCOMP_RET_TRACE},
	{SYS_prctl, 1, 0, PR_CAP_AMBIENT, SECCOMP_RET_TRACE},
	/* What could not be answered for: libraries know what to do without. */
	{SYS_clone3, 0, 0, 0, REFUSE(ENOSYS)},
	{SYS_io_uring_setup, 0, 0, 0, REFUSE(ENOSYS)},
	{SYS_clone, 1, CLONE_NEWUSER, 0, REFUSE(EPERM)},
	{SYS_unshare, 1, CLONE_NEWUSER, 0, REFUSE(EPERM)},
	NEWER_THAN_HEADERS(463), /* setxattrat, getxattrat, listxattrat, removexattrat */
	NEWER_THAN_HEADERS(464),
	NEWER_THAN_HEADERS(465),
	NEWER_THAN_HEADERS(466),
};

struct program {
	struct sock_filter code[4 * array_len(calls) + 6 * array_len(rules) + 16];
	unsigned short len;
};

static void emit(struct program *p, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	p->code[p->len++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
	emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void give(struct program *p, uint32_t action)
{
	emit(p, BPF_RET | BPF_K, 0, 0, action);
}

/* The low half of an argument: x86-64 and arm64 are little-endian. */
static size_t arg_offset(unsigned arg)
{
	return offsetof(struct seccomp_data, args) + 8 * (size_t)(arg - 1);
}

static bool has_rule(int nr)
{
	for (size_t i = 0; i < array_len(rules); i++)
		if (rules[i].nr == nr)
			return true;
	return false;
}

/* The accumulator holds the number of the call before and after. */
static void emit_rule(struct program *p, const struct rule *r)
{
	if (!r->arg) {
		emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)r->nr);
		give(p, r->action);
		return;
	}
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)r->nr);
	load(p, arg_offset(r->arg));
	emit(p, BPF_JMP | (r->bits ? BPF_JSET : BPF_JEQ) | BPF_K, 0, 1,
	     r->bits ? r->bits : r->value);
	give(p, r->action);
	load(p, offsetof(struct seccomp_data, nr));
}

int strict_filter(struct tracee *t, uint64_t ret_args[6], struct str *ret_was)
{
	struct program p = {.len = 0};
	struct sock_fprog prog;
	uint64_t at;

	load(&p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < array_len(calls); i++)
		if (calls[i].strict)
			emit_rule(&p, &(struct rule){calls[i].nr, 0, 0, 0, SECCOMP_RET_TRACE});
	give(&p, SECCOMP_RET_ALLOW);
	/* The header of the program stands before it. */
	prog.len = p.len;
	memmove((char *)p.code + sizeof(prog), p.code, p.len * sizeof(p.code[0]));
	if (tracee_put(t, p.code, sizeof(prog) + p.len * sizeof(p.code[0]), &at, ret_was) < 0)
		return -1;
	prog.filter = (struct sock_filter *)(uintptr_t)(at + sizeof(prog));
	if (tracee_write(t, at, &prog, sizeof(prog)) < 0)
		return -1;
	ret_args[0] = SECCOMP_SET_MODE_FILTER;
	ret_args[1] = 0;
	ret_args[2] = at;
	return 0;
}

#if IDENTITY_POSSIBLE
int calls_filter(struct err **err)
{
	struct program p = {.len = 0};
	struct sock_fprog prog;

	load(&p, offsetof(struct seccomp_data, arch));
	emit(&p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ARCH);
	give(&p, SECCOMP_RET_TRACE);
	load(&p, offsetof(struct seccomp_data, nr));
#ifdef __X32_SYSCALL_BIT
	emit(&p, BPF_JMP | BPF_JSET | BPF_K, 0, 1, __X32_SYSCALL_BIT);
	give(&p, REFUSE(ENOSYS));
#endif
	for (size_t i = 0; i < array_len(rules); i++)
		emit_rule(&p, &rules[i]);
	for (size_t i = 0; i < array_len(calls); i++)
		if (!has_rule(calls[i].nr) && !calls[i].strict)
			emit_rule(&p, &(struct rule){calls[i].nr, 0, 0, 0, SECCOMP_RET_TRACE});
	give(&p, SECCOMP_RET_ALLOW);
	prog = (struct sock_fprog){p.len, p.code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot filter system calls (seccomp) in the sandbox");
	return 0;
}
#else
int calls_filter(struct err **err)
{
	return err_set(err, E_SANDBOX_OWNERS, "the sandbox holds owners on amd64 and arm64 only");
}
#endif
