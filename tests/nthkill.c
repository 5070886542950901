/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nthkill [-r] N COMMAND [ARG...]
 *
 * Runs COMMAND and kills it with SIGKILL when it, or anything it started, enters its N-th system
 * call that changes something (a file, a directory, a lock, what another process reads). The call
 * itself does not happen. All processes die at that moment, or with -r only COMMAND's own first
 * process, so that the test sees what the others do about it. N = 0 kills nothing and prints the
 * number of such calls on stderr.
 *
 * Exit status: COMMAND's own; 137 when it was killed; 125 for mistakes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_KILL 0
#define MISTAKE 125

static const long mutating[] = {
	SYS_write,     SYS_pwrite64,  SYS_writev,          SYS_pwritev,   SYS_sendto,
	SYS_sendmsg,   SYS_fsync,     SYS_fdatasync,       SYS_syncfs,    SYS_renameat,
	SYS_renameat2, SYS_linkat,    SYS_symlinkat,       SYS_unlinkat,  SYS_mkdirat,
	SYS_mknodat,   SYS_ftruncate, SYS_truncate,        SYS_fallocate, SYS_sendfile,
	SYS_fchmod,    SYS_fchmodat,  SYS_fchownat,        SYS_utimensat, SYS_flock,
	SYS_setxattr,  SYS_fsetxattr, SYS_copy_file_range, SYS_clone,     SYS_exit_group,
	SYS_execve,    SYS_mount,
#ifdef SYS_rename /* the old names, where the architecture has them */
	SYS_rename,    SYS_link,      SYS_symlink,         SYS_unlink,    SYS_mkdir,
	SYS_rmdir,     SYS_chmod,     SYS_mknod,           SYS_creat,     SYS_fork,
	SYS_vfork,
#endif
};

struct tracer {
	pid_t root;
	long target, count;
	bool root_only, killed;
	int status; /* of the root, for exit */
};

static bool is_mutating(const struct __ptrace_syscall_info *s)
{
	long nr = (long)s->entry.nr;

	if (nr == SYS_openat)
		return s->entry.args[2] & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
#ifdef SYS_open
	if (nr == SYS_open)
		return s->entry.args[1] & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR);
#endif
	if (nr == SYS_fcntl) /* record locks of SQLite */
		return s->entry.args[1] == F_SETLK || s->entry.args[1] == F_SETLKW;
	for (size_t i = 0; i < sizeof(mutating) / sizeof(mutating[0]); i++) {
		if (mutating[i] == nr)
			return true;
	}
	return false;
}

/* The kernel kills every tracee when its tracer ends (PTRACE_O_EXITKILL): all at once, for good. */
static void kill_all(void)
{
	_exit(128 + SIGKILL);
}

static void at_syscall(struct tracer *t, pid_t pid)
{
	struct __ptrace_syscall_info s;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(s), &s) <= 0 ||
	    s.op != PTRACE_SYSCALL_INFO_ENTRY || !is_mutating(&s))
		return;
	if (++t->count != t->target || t->target == NO_KILL)
		return;
	t->killed = true;
	if (!t->root_only)
		kill_all();
	kill(t->root, SIGKILL);
}

/* What a stop was for; returns the signal to deliver when the process goes on. */
static int at_stop(struct tracer *t, pid_t pid, int status)
{
	int sig = WSTOPSIG(status);

	if (sig == (SIGTRAP | 0x80)) {
		at_syscall(t, pid);
		return 0;
	}
	if (status >> 16 || sig == SIGTRAP || sig == SIGSTOP) /* fork, exec and attach stops */
		return 0;
	return sig;
}

static int run(struct tracer *t)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			break; /* ECHILD: all are gone */
		if (!WIFSTOPPED(status)) {
			if (pid == t->root)
				t->status = WIFEXITED(status) ? WEXITSTATUS(status)
							      : 128 + WTERMSIG(status);
			continue;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, at_stop(t, pid, status));
	}
	if (t->target == NO_KILL)
		fprintf(stderr, "%ld\n", t->count);
	return t->status;
}

static pid_t start(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(MISTAKE);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options) < 0 ||
	    ptrace(PTRACE_SYSCALL, pid, 0, 0) < 0) {
		fprintf(stderr, "nthkill: cannot trace '%s': %s\n", argv[0], strerror(errno));
		exit(MISTAKE);
	}
	return pid;
}

int main(int argc, char **argv)
{
	struct tracer t = {0};
	char *end;

	if (argc > 1 && strcmp(argv[1], "-r") == 0) {
		t.root_only = true;
		argv++;
		argc--;
	}
	if (argc < 3 || (t.target = strtol(argv[1], &end, 10)) < 0 || *end) {
		fprintf(stderr, "usage: nthkill [-r] N COMMAND [ARG...]\n");
		return MISTAKE;
	}
	t.root = start(argv + 2);
	return run(&t);
}
