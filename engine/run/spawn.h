/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Starting `orch worker`, and making sure that nothing it started outlives it.
 *
 * Where the machine allows it, a worker is the init process of a pid namespace of its own (as root:
 * pid and mount namespace; else with a user namespace that maps only the caller to itself). When
 * the init process dies, by whatever, the kernel kills everything in the namespace and lets the
 * worker's end be seen only afterwards. The worker itself has PR_SET_PDEATHSIG, so even SIGKILL to
 * the orchestrator leaves nothing behind.
 *
 * Elsewhere (SPAWN_PLAIN) the worker is a subreaper and kills its descendants when it is told to or
 * its socket closes; the orchestrator is one too and kills what a killed worker leaves. Only both
 * being killed at the same moment can then leave a process that cut all its ties.
 *
 * A worker has a session and a session keyring of its own: nothing it starts has the user's
 * terminal to type into (TIOCSTI), or sees the keys of his login.
 */
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum spawn_mode { SPAWN_PLAIN, SPAWN_PID_NS, SPAWN_USER_NS };

#define WORKER_FD 3

/*
 * The best mode that works here, found by trying it in a child. ORCH_SPAWN=plain in the environment
 * forces plain (for tests); with ORCH_SANDBOX=guest user namespaces count as missing.
 */
enum spawn_mode spawn_probe(void);
/*
 * Starts SELF worker (NULL: /proc/self/exe) with its end of a socketpair on WORKER_FD, stdin from
 * /dev/null, stdout and stderr to LOG_FD. The caller's end is non-blocking.
 */
int spawn_worker(enum spawn_mode mode, const char *self, int log_fd, pid_t *ret_pid, int *ret_sock,
		 struct err **err) warn_unused;
/* SIGKILL to a worker and, in plain mode, to its process group. */
void spawn_kill(pid_t pid);
/*
 * Kills and reaps all children of this process that are not among the COUNT ones of KEEP, until
 * none appears any more: orphans that were reparented to it as their subreaper.
 */
void spawn_kill_strays(const pid_t *keep, size_t count);
