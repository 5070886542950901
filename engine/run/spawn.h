/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The namespaces of workers, and making sure that nothing they started outlives them.
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
 */
#include <stdbool.h>
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
 * fork() into new namespaces. SIBLING: the parent of the new process is ours, not we. By the raw
 * system call, for glibc has no fork() with flags: only while this process has one thread.
 */
pid_t spawn_fork(enum spawn_mode mode, bool sibling) warn_unused;
/*
 * In the new process: it stays who it was, and /proc shows the new pid namespace. System calls
 * only. 0, or -1.
 */
int spawn_enter(enum spawn_mode mode, uid_t uid, gid_t gid) warn_unused;
/* SIGKILL to a worker and, in plain mode, to its process group. */
void spawn_kill(pid_t pid);
/*
 * Kills and reaps all children of this process that are not among the COUNT ones of KEEP, until
 * none appears any more: orphans that were reparented to it as their subreaper.
 */
void spawn_kill_strays(const pid_t *keep, size_t count);
