/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One attempt at one node, as the orchestrator sees it: a directory STORE/tmp/NODE.TAG.PID.XXXXXX
 * (TAG: of the project, as in job_failed_path()) with work/, out/ and log, which grows while the
 * node runs; a worker process, its socket and its deadline.
 *
 *	job_start()                 makes the directory, starts the worker, queues the JOB frame
 *	job_events(), job_io()      from the poll loop, until the process has ended
 *	job_abort(), job_tick()     ask to stop; SIGKILL when it does not within the grace
 *	job_reaped()                wait(2) says it ended: the verdict
 *	job_log()                   the log into the store; for a failure the directory is kept
 *	job_free()                  removes what is left of the directory
 */
#include "run/pool.h"
#include "run/proto.h"
#include "run/sched.h"
#include "run/spawner.h"

/* From ABORT to SIGKILL, milliseconds. */
#define JOB_GRACE_MS 5000
#define JOB_TIMEOUT_S 7200

/* A blob that was found damaged; .state.why is owned. */
struct job_damage {
	struct artifact blob;
	struct blob_state state;
	bool misused;  /* the blob is good, what was unpacked of it was not */
	int64_t since; /* after that second */
};
DEFINE_VEC(job_damages, struct job_damage)

/* What all jobs of a run share. */
struct job_env {
	struct graph *graph;
	struct store *store;
	const struct sched_opts *opts;
	int64_t began_ns;        /* of the run, since 1970; 0: it is none */
	enum spawn_mode mode;    /* the best there is; a job may ask for a plainer one */
	struct spawner *spawner; /* NULL: nothing runs */
};

enum job_stop { JOB_RUNS, JOB_TIMED_OUT, JOB_CANCELLED };

struct job {
	const struct job_env *env;
	struct node *node;
	struct slot slot;
	struct arena *arena;
	char *dir, *log_path; /* log_path: of the log where it lies now */
	pid_t pid;
	int sock;
	enum spawn_mode mode;
	struct frames in;
	bool in_ended; /* nothing more comes; what came may not have been acted on yet */
	struct str out;
	uint64_t started_ms, deadline_ms, kill_ms; /* monotonic; kill_ms 0: not asked to stop */
	unsigned timeout_s;
	enum job_stop stop;
	struct artifacts outputs;
	struct job_damages damages; /* of inputs: it did not run; of older blobs: replaced */
	bool told;                  /* RESULT came */
	bool rests_there;           /* on inputs that a farm keeps */
	bool goes_outside;          /* OUTSIDE came, and it was in a user namespace */
	struct err *result;         /* the error in it */
	struct err *broken;         /* the worker broke the protocol */
	bool reaped;                /* its process is no more */
	struct digest log;
};

/*
 * What a worker is told about N, whose inputs are settled: an attempt in directory DIR. Strings
 * live in ARENA, outputs are the node's: free it by job_spec_clear_lists().
 */
void job_describe(struct arena *arena, const struct job_env *env, const struct node *n,
		  const char *dir, unsigned cpus, struct job_spec *ret);
/* Inputs of N whose bytes are not here: the farm that makes it keeps them. */
void job_describe_left(const struct job_env *env, const struct node *n, struct job_spec *spec);
/* A node's name as one file name: "tests/rollback" -> "tests%rollback"; caller frees. */
char *job_flat_name(const char *node);
/* Where the project's last failed attempt at NODE is kept, if there was one; caller frees. */
char *job_failed_path(struct store *s, const char *node);
/* The directory of the project's attempt at NODE that runs now, under any orch, or NULL. */
char *job_running_path(struct store *s, const char *node);

/* OUTSIDE of a user namespace, whatever the mode. */
int job_start(const struct job_env *env, struct node *n, struct slot slot, bool outside,
	      struct job **ret, struct err **err) warn_unused;
/* poll(2) events to wait for on j->sock (-1 once closed). */
short job_events(const struct job *j);
/* Reads and writes what can be; PROGRESS frames go to the sink. */
void job_io(struct job *j, short revents);
/* The same without acting on what is read: for a moment in which the store cannot be used. */
void job_take(struct job *j, short revents);
/* Asks the worker to stop; a second call, or HARD, is SIGKILL. */
void job_abort(struct job *j, enum job_stop why, bool hard);
/* Applies deadline and grace; returns milliseconds until it wants to be called again. */
int job_tick(struct job *j, uint64_t now);
/* The process ended with wait(2)'s STATUS. 0: success, and j->outputs has all outputs; -1. */
int job_reaped(struct job *j, int status, struct err **err) warn_unused;
double job_seconds(const struct job *j);
/*
 * Puts the log into the store (j->log, j->log_path). With KEEP, the directory is kept as
 * job_failed_path(), in place of an older one, and log_path names the log in it; without, what an
 * older failure left there is dropped.
 */
void job_log(struct job *j, bool keep);
void job_free(struct job *j);
