/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a sandbox may take of the machine, so that a step that runs away ends alone. No rights are
 * needed. Where control groups are delegated (cgroup.h), the kernel limits memory, all of it (files
 * that are written to a store in memory, too), and processes; everywhere else:
 *
 *   memory     The caller looks every now and then at what the processes of the sandbox hold (what
 *              they share counted once) and at the files in its /tmp, /run, /dev and /var/tmp,
 *              which lie in memory, too, and those of memfd_create(); of these files and of what
 *              is mapped the larger counts. More than the limit: all of it is killed, and the
 *              error names the numbers and the key. Between two looks it may be more. Not seen:
 *              what no process has: descriptors on their way through a socket, and System V
 *              segments that nobody has attached, which the sandbox's own kernel.shmall keeps below
 *              the limit where the kernel lets it be set. Default: three quarters of
 *              the machine's.
 *   scratch    What is written to the directories that are bound writable: what they hold more
 *              than at the start, and open files that were removed (not what is mapped alone). It
 *              is counted every half second, less often where counting takes longer than a
 *              twentieth of that time; each tmpfs and each file has that size at most. Default:
 *              three quarters of what is free at the start, at least 1 GiB, counted by the files
 *              that changed since, and only once the free space went down by as much; a tmpfs half
 *              of the machine's memory, a file 1 TiB (a sparse one is no scratch).
 *   processes  4096, threads counted, by RLIMIT_NPROC of the sandbox's own user namespace: more
 *              fail with EAGAIN. As the machine's root, whom the kernel does not limit, all is
 *              killed.
 *
 * Scratch is looked at the same way with control groups and without.
 *
 * Address space is not limited (RLIMIT_AS): programs reserve what they never use.
 *
 * Of open files and stack a program may have 1024 and 8 MiB until it asks for more (the soft
 * limits), as in a guest, whatever the caller has: scripts look at the first, and xargs(1) fills
 * its command lines by the second.
 */
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/err.h"
#include "machine/sandbox/cgroup.h"

struct sandbox_limits {
	uint64_t memory, scratch; /* bytes; 0: the default */
};

struct sandbox_opts;

/*
 * In the sandbox, whose user namespace is the last one: what the kernel keeps itself. ERR_ENV where
 * the caller may have less than programs are to be told.
 */
int limits_apply(const struct sandbox_limits *l, struct err **err) warn_unused;

/* In the sandbox's own namespaces, while /proc/sys can be written. */
void limits_segments(const struct sandbox_limits *l);
/* The control group that keeps memory and processes of a sandbox with L; NULL: there is none. */
struct cgroup *limits_group(const struct sandbox_limits *l);

/* In the caller, while the sandbox runs. */
struct limits_watch {
	const struct sandbox_opts *opts;
	const struct cgroup *group; /* that it is in; NULL: none */
	pid_t pid;                  /* the sandbox's first process */
	uint64_t memory;            /* bytes, as the rest */
	uint64_t scratch;
	uint64_t free_at_start; /* of the fullest file system it may write to */
	uint64_t held_at_start; /* by the directories it may write to */
	dev_t memory_dev;       /* where files of memfd_create() are; 0: not known */
	uint64_t nameless;      /* bytes of them, when last looked at */
	uint64_t next_nameless; /* when to look at them next; monotonic ms */
	time_t since;           /* files in them that changed earlier do not count */
	uint64_t next_scratch;  /* when to look at those next; monotonic ms */
};
#define LIMITS_PAUSE_MS 100 /* between two looks */

/* GROUP (NULL: none) and OPTS must stay as long as W. */
void limits_watch(struct limits_watch *w, pid_t pid, const struct sandbox_opts *opts,
		  const struct cgroup *group);
/* 0, or ERR_RESOURCE that tells which limit is exceeded by how much. NAME: of the program. */
int limits_check(struct limits_watch *w, const char *name, struct err **err) warn_unused;
/* The same once more after the end, which may be the kernel's doing. */
int limits_check_end(const struct limits_watch *w, const char *name, struct err **err) warn_unused;
