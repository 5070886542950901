/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * without WHAT COMMAND...: runs it where the kernel refuses something with EPERM, as in a container
 * with a seccomp filter. WHAT:
 *
 *	userns	clone() and unshare() with CLONE_NEWUSER
 *	ptrace	ptrace()
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(op, value, yes, no) BPF_JUMP(BPF_JMP | op | BPF_K, value, yes, no)
#define END(what) BPF_STMT(BPF_RET | BPF_K, what)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sock_filter userns[] = {
	LOAD(nr),
	IF(BPF_JEQ, SYS_clone, 2, 0),
	IF(BPF_JEQ, SYS_unshare, 1, 0),
	IF(BPF_JEQ, SYS_clone3, 3, 4),
	LOAD(args[0]), /* the low half, on a little-endian machine */
	IF(BPF_JSET, CLONE_NEWUSER, 0, 2),
	END(SECCOMP_RET_ERRNO | EPERM),
	END(SECCOMP_RET_ERRNO | ENOSYS), /* then the C library takes clone() */
	END(SECCOMP_RET_ALLOW),
};

static struct sock_filter tracing[] = {
	LOAD(nr),
	IF(BPF_JEQ, SYS_ptrace, 0, 1),
	END(SECCOMP_RET_ERRNO | EPERM),
	END(SECCOMP_RET_ALLOW),
};

int main(int argc, char **argv)
{
	struct sock_fprog filter = {COUNT(userns), userns};

	if (argc < 3 || (strcmp(argv[1], "userns") != 0 && strcmp(argv[1], "ptrace") != 0)) {
		fputs("usage: without userns|ptrace COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	if (strcmp(argv[1], "ptrace") == 0)
		filter = (struct sock_fprog){COUNT(tracing), tracing};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		perror("without");
		return 1;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 1;
}
