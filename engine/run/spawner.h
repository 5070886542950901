/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Starting workers. The worker program (orch-worker) is linked with libraries whose loading costs
 * more than many a node does, so a run starts it once, and it forks itself for each node:
 *
 *	orch ──► orch-worker (the spawner) ──► a worker, in its namespaces (run/spawn.h)
 *
 * A worker is a child of orch all the same (CLONE_PARENT): orch waits for it, and kills it; it dies
 * with orch. The spawner holds nothing: it ends when its socket closes, and a new one is started
 * when it was killed. Both programs must come from one build: they share structs.
 *
 * A worker has a session and a session keyring of its own: nothing it starts has the user's
 * terminal to type into (TIOCSTI), or sees the keys of his login.
 */
#include "run/spawn.h"

struct spawner;

/*
 * Starts PROGRAM, an absolute path, as `PROGRAM worker`. BUILD says which build this is. Both must
 * live as long as the spawner. Does not wait until the program has loaded.
 */
int spawner_open(const char *program, const char *build, struct spawner **ret,
		 struct err **err) warn_unused;
/*
 * Waits until it can start workers. ERR_ENV when it does not start, or is of another build. Need
 * not be called.
 */
int spawner_ready(struct spawner *s, struct err **err) warn_unused;
/*
 * Starts a worker with its end of a socketpair on WORKER_FD, stdin from /dev/null, stdout and
 * stderr to LOG_FD. The caller's end is non-blocking.
 */
int spawner_start(struct spawner *s, enum spawn_mode mode, int log_fd, pid_t *ret_pid,
		  int *ret_sock, struct err **err) warn_unused;
/* The spawner itself, for spawn_kill_strays(). 0: there is none. */
pid_t spawner_pid(const struct spawner *s);
/* Its workers live on. NULL is fine. */
void spawner_close(struct spawner *s);

/*
 * The other side: main of `PROGRAM worker`, whose stdin is the socket. WORK(ARG) is called in each
 * worker. Returns the exit code.
 */
int spawner_serve(const char *build, void (*work)(const void *arg), const void *arg);
/*
 * A worker without a spawner: a fork of this process, which has one thread, in which WORK(ARG) is
 * called. It finds SOCK as WORKER_FD and logs to LOG; the caller closes both.
 */
int spawner_fork(enum spawn_mode mode, int log, int sock, void (*work)(const void *arg),
		 const void *arg, pid_t *ret_pid, struct err **err) warn_unused;
