/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Child processes of known programs: an argv, never a shell line. A child started here dies with
 * its parent (PR_SET_PDEATHSIG), leads its own process group unless told otherwise, and inherits no
 * descriptor but those given.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

struct proc_opts {
	const char *cwd;    /* NULL: the parent's */
	char *const *env;   /* NULL: the parent's environment */
	int in, out, errfd; /* 0: /dev/null for in, the parent's for out and err */
	const int *pass; /* descriptors that stay open under their numbers, ended by -1; or NULL */
	bool same_group; /* stay in the parent's process group */
	bool no_core;    /* leave none: secrets pass through its memory */
	/*
	 * CLONE_NEW*: namespaces of its own, a pid namespace among them, whose first process it is;
	 * and what is called there before it becomes the program (machine/sandbox/confined.h): 0,
	 * or -1 with *err. It has a session of its own then, and no keys of the user's login.
	 */
	int namespaces;
	int (*enter)(void *arg, struct err **err);
	void *enter_arg;
	/* proc_run only: SIGKILL to the group and ERR_TIMEOUT after it; 0: none. */
	unsigned timeout_s;
};

/* Starts ARGV[0] (looked up with path_program) and returns its pid in *ret_pid. */
int proc_start(char *const argv[], const struct proc_opts *opts, pid_t *ret_pid,
	       struct err **err) warn_unused;
/* Waits and puts wait(2)'s status into *ret_status; EINTR is retried. */
int proc_wait(pid_t pid, int *ret_status, struct err **err) warn_unused;
/* 0 for exit status 0; else ERR_BUILD "'mkfs.vfat' exited with 3" / "... was killed by SIGSEGV". */
int proc_check(const char *name, int status, struct err **err) warn_unused;
/*
 * Start, wait, check. stdout and stderr go where OPTS says. Of a program that fails and whose
 * stderr is the parent's, the error has the reason too, as it said it last: "'rauc' exited with 1:
 * Failed to create bundle: ..."; and the class is ERR_RESOURCE when that is a full disk.
 */
int proc_run(char *const argv[], const struct proc_opts *opts, struct err **err) warn_unused;
/* As proc_run, and gathers stdout (at most LIMIT bytes) into *RET. */
int proc_output(char *const argv[], const struct proc_opts *opts, size_t limit, struct str *ret,
		struct err **err) warn_unused;
/*
 * For a process that only waits: from here on its children's ends and TERM, INT and HUP come by
 * *RET_FD (signalfd(2), not blocking), and a reader that is gone is an error and no signal. What it
 * starts inherits that, unless proc_start() does.
 */
int proc_watch_signals(int *ret_fd, struct err **err) warn_unused;
/* SIGNAL to the whole process group of PID. */
void proc_kill_group(pid_t pid, int signal);
/*
 * Leaves what a process has from the user's login beside its descriptors: the controlling terminal,
 * into which it could type (TIOCSTI), and the session keyring, whose keys it could read; it leads a
 * session with an empty keyring from now on. Where the machine lets nobody use keyrings there is
 * nothing to leave. System calls only. 0, or -1 with errno.
 */
int proc_leave_login(void) warn_unused;
/* "exit 3", "SIGKILL": into heap text. */
char *proc_status_string(int status);
