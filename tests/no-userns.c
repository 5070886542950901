/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * no-userns COMMAND...: runs it where nobody can make a user namespace, as in a container with the
 * usual seccomp filter: clone() and unshare() with CLONE_NEWUSER fail with EPERM.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(op, value, yes, no) BPF_JUMP(BPF_JMP | op | BPF_K, value, yes, no)
#define END(what) BPF_STMT(BPF_RET | BPF_K, what)

int main(int argc, char **argv)
{
	struct sock_filter code[] = {
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
	struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};

	if (argc < 2) {
		fputs("usage: no-userns COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
		perror("no-userns");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
