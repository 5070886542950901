/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The scheduler: one thread, one poll loop, one worker process per running node. A node becomes
 * ready when its inputs have settled; its key is computed then, the store is asked, and only a miss
 * starts a worker, longest path first, when its demand fits the slots. SIGINT: start nothing more
 * and SIGTERM the workers; a second SIGINT: SIGKILL.
 */
#include "graph/plan.h"
#include "run/action.h"
#include "run/event.h"

/* What of the outputs that shared caches have is brought here at the end of a run. */
enum fetch_what { FETCH_TARGETS, FETCH_ALL, FETCH_NONE };
/* How a run uses them (remote/); the user's configuration says where they are. */
struct remote_use {
	bool cache;    /* there is one; else only what a farm keeps is fetched */
	bool write;    /* what is built is stored there */
	bool required; /* not reaching them ends the run */
	enum fetch_what fetch;
	unsigned push_wait_s; /* at the end of the run, for what is still being written */
	/*
	 * With FETCH_TARGETS: whether documents of target N look into all that it is made of, which
	 * then does not stay on a farm; or NULL.
	 */
	bool (*opens)(const struct node *n);
};

struct sched_opts {
	unsigned jobs;       /* CPU slots; 0: number of CPUs */
	unsigned memory_mb;  /* guest memory slots; 0: three quarters of what is available */
	unsigned tick_ms;    /* between EVENT_TICKs; 0: 1000 */
	uint64_t store_size; /* bytes that the store may have, see room.h; 0: any number */
	bool keep_going;
	bool offline;
	bool no_wait; /* ERR_LOCKED instead of waiting for another orch that builds the same */
	const char *worker;      /* absolute path of the worker program, see run/spawner.h */
	const char *build;       /* which build that is of */
	const struct farm *farm; /* other machines that make nodes (farm.h), or NULL */
	const struct remote_use *remote; /* NULL: nobody is asked */
	struct sink *sink;
	void (*before_work)(void *arg); /* before the first worker is started, if any is; or NULL */
	void *arg;
};

/* What came from shared caches and farms, and went there. Bytes are those that moved. */
struct remote_sums {
	size_t hits;    /* of the cached nodes: whose records came */
	size_t fetched; /* outputs */
	size_t pushed;  /* results */
	size_t farmed;  /* nodes that a farm made */
	size_t stayed;  /* of them: whose bytes it alone has at the end, as far as they are known */
	uint64_t stayed_bytes;
	size_t brought; /* outputs that were fetched from a farm, when something needed them */
	uint64_t brought_bytes;
	size_t left; /* results that should have been written, and were not */
	uint64_t fetched_bytes, pushed_bytes;
};

struct sched_result {
	size_t built, cached, failed, skipped;
	struct remote_sums remote;
	double wall_s;
	struct err *first_error; /* of the first node that failed; owned; NULL when ok */
	int signal;              /* that stopped the run, or 0 */
};

/*
 * Builds all wanted nodes. -1 only when the run itself could not go on; node failures are in *ret.
 */
int sched_run(struct graph *g, struct store *s, const struct sched_opts *opts,
	      struct sched_result *ret, struct err **err) warn_unused;
/* Main of `PROGRAM worker` (run/spawner.h). MAKERS is ended by NULL; BUILD as in sched_opts. */
int worker_main(const struct maker *const *makers, const char *build);
