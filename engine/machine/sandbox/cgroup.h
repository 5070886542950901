/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Control groups of version 2 (Documentation/admin-guide/cgroup-v2.rst), where a part of their
 * hierarchy has been delegated to this user with the controllers memory and pids: a scope or
 * service of systemd with Delegate=, the root of a container. Everywhere else there is none, and
 * no error: sandbox_limits.h looks itself then.
 *
 *	BASE/orch-run-PID    orch and its workers: what hands controllers on has no processes
 *	BASE/orch-step-N     one sandbox, with its limits
 *	BASE/orch-step-N/in  its processes: what has a namespace of groups has this one as its root,
 *	                     and finds no limit that it could change
 *
 * BASE is the group that orch was started in, alone: processes of others are not moved.
 *
 *	struct cgroup_run *run = cgroup_run_open(&cgroup_own);      // in orch, before its workers
 *	struct cgroup *g = cgroup_new(&cgroup_own, bytes, count);   // in a worker, for a sandbox
 *	clone3(CLONE_INTO_CGROUP, cgroup_fd(g));
 *	cgroup_killed(g);
 *	cgroup_free(g);
 *	cgroup_run_close(run);
 *
 * Whoever is killed leaves empty groups; the next cgroup_run_open() there removes them.
 */
#include <stdint.h>

struct cgroup_hierarchy {
	const char *root; /* where it is mounted */
	const char *self; /* a file that names this process' group, as /proc/self/cgroup */
};
extern const struct cgroup_hierarchy cgroup_own;

/* Makes BASE of this process' group, and moves it out. NULL: nothing is delegated. */
struct cgroup_run *cgroup_run_open(const struct cgroup_hierarchy *h);
/* Puts everything back, if no other process is left in the run's group; NULL is fine. */
void cgroup_run_close(struct cgroup_run *r);

/* A group for a sandbox, of a process below such a run; else NULL. MEMORY: bytes, never swapped. */
struct cgroup *cgroup_new(const struct cgroup_hierarchy *h, uint64_t memory, unsigned processes);
/* Descriptor of the directory for CLONE_INTO_CGROUP; the group's own. */
int cgroup_fd(const struct cgroup *g);
/* Whether the kernel has ended processes of it since they needed more memory, and whose. */
enum cgroup_killed {
	CGROUP_NOT_KILLED,
	CGROUP_KILLED_BY_LIMIT,
	CGROUP_KILLED_FOR_OTHERS, /* a group above, or the machine, has no more */
};
enum cgroup_killed cgroup_killed(const struct cgroup *g);
/* Kills what is in it and removes it; NULL is fine. */
void cgroup_free(struct cgroup *g);
static inline void cgroup_freep(struct cgroup **g)
{
	cgroup_free(*g);
}
#define cleanup_cgroup __attribute__((cleanup(cgroup_freep)))
