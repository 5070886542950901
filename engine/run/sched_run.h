/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a run knows, shared by the loop (sched.c) and by what follows from a node's fate (settle.c);
 * nobody else includes this.
 */
#include "remote/retry.h"
#include "run/job.h"
#include "run/queue.h"
#include "run/room.h"

/* A job and the lock on its key. */
struct running {
	struct job *job;
	int lock;
};
DEFINE_VEC(runnings, struct running)

/* What the scheduler remembers of a node, by node index. */
struct memory {
	uint64_t made_ms; /* when its manifest was made */
	unsigned reruns;
	bool outside;  /* of a user namespace it is run, as it failed in one */
	bool here;     /* the farm could not make it: it is made here */
	bool bytes;    /* it is made with the bytes of its inputs: what the farm kept was no use */
	bool farmed;   /* a farm has made it in this run */
	bool gone;     /* and what it left there was lost */
	bool opened;   /* a target is made of it whose documents look into it */
	unsigned lost; /* executors that did not answer when it was sent to them */
	bool waits;    /* for another orch, and the user was told */
	bool hit;      /* the user was told that it is cached */
	bool built;    /* in this run: a hit after a new start counts as built */
	bool local;    /* made here, whatever a shared cache has: its bytes cannot be had */
	bool repair;   /* a shared cache has it without its bytes, or with others */
	bool asked;    /* a shared cache was asked for ASKED_KEY */
	bool shared;   /* and had it */
	struct digest asked_key;
	const char *by;        /* the machine that made it */
	struct record *found;  /* what it said */
	struct record *before; /* what it had said of a node that is made again, or NULL */
};

struct sched {
	struct graph *g;
	struct store *s;
	const struct sched_opts *opts;
	struct sched_result *result;
	struct tool_versions tools;
	struct pool pool;
	struct room room;
	struct job_env env;
	struct queue ready;
	struct nodes fresh; /* READY, not looked up yet */
	struct runnings running;
	struct remote *remote; /* see run/remote.h */
	struct breaker *farm;  /* of the executors of opts->farm */
	size_t asked;          /* nodes in that state */
	struct memory *memory;
	size_t wanted;
	bool prepared;  /* see prepare() */
	bool estimated; /* see estimate() */
	bool stopping;  /* start nothing more */
	bool again; /* when nothing runs any more, look everything up once more: settle_damages() */
	unsigned starts; /* how often that was done */
	int signals;
	bool child_ended; /* SIGCHLD came, and nobody has been reaped for it yet */
	uint64_t tick_ms;
};

/* consider.c */
/* N has a manifest and a key. 0; 1 when everything is looked up again first, or N has failed. */
int sched_make_manifest(struct sched *d, struct node *n);
/* Looks up what is ready: known to the store, or into the queue. -1: the run cannot go on. */
int sched_consider_all(struct sched *d, struct err **err) warn_unused;

/* sched_wait.c */
/* SIGTERM, with grace, to all that runs; HARD: SIGKILL. */
void sched_abort_all(struct sched *d, bool hard);
/* Acts on signals that have come, but for reaping. */
void sched_take_signals(struct sched *d);
/* Milliseconds until a job's time is up; -1: none runs. Stops those whose time is. */
int sched_next_tick(struct sched *d);
/* Lets sinks say about once a second what runs. */
void sched_tick(struct sched *d);
/* For store_on_wait(): serves what runs for MS, without the store. */
void sched_serve(void *arg, int ms);

/* sched_farm.c */
/* Finds what documents look into. */
void sched_mark_opened(struct sched *d);
#define SCHED_HERE SIZE_MAX
/* The executor that N would be sent to now, or SCHED_HERE. */
size_t sched_executor(struct sched *d, const struct node *n);
/* The executor that keeps what N made; SCHED_HERE: none that this run knows. */
size_t sched_keeper(const struct sched *d, const struct node *n);
/* Whether there is room for N now: on the farm when it may go there, unless that failed. */
bool sched_take_slot(struct sched *d, const struct node *n, struct slot *ret);
/*
 * Whether J failed with E for what a farm did: then the user is told, and it is made by another
 * executor or here. An executor that does not answer is left alone for a while.
 */
bool sched_make_here(struct sched *d, const struct job *j, const struct err *e);
void sched_open_farm(struct sched *d);
/* J is done: its executor answers. */
void sched_farm_answered(struct sched *d, const struct job *j);

void sched_tell(struct sched *d, const struct event *ev);
/* Nothing more is started. */
void sched_stop(struct sched *d);
void sched_warn(struct sched *d, const struct node *n, const char *text);
/* The only place that changes a node's state. */
void node_set_state(struct sched *d, struct node *n, enum node_state state);
/* N is HIT or BUILT: its users wait for one input less. */
void settle(struct sched *d, struct node *n);
/* N, a hit, is to be made again: users that have not begun wait for it. */
void unsettle(struct sched *d, struct node *n);
/* N failed, its users are skipped; without -k nothing more is started. Takes ERR; J may be NULL. */
void settle_failed(struct sched *d, struct node *n, const struct job *j, struct err *err);
/* What of this run is on farms alone, now that it has come to its end. */
void settle_sums(struct sched *d);
/* Asks the store for N's key. 0: HIT and settled; 1: miss; -1. */
int settle_lookup(struct sched *d, struct node *n, struct err **err) warn_unused;
/*
 * The worker of J succeeded: records and settles. If an input changed while it ran, the result may
 * be made of either state: it is not recorded, and 1 asks to run the node once more. -1: the node
 * failed.
 */
int settle_built(struct sched *d, struct job *j, struct err **err) warn_unused;
/*
 * Blobs that J's worker found damaged go to quarantine with the records that used them, which may
 * be those of nodes that settled in this run. What was found is not right any more then: with an
 * input of J among them, or any record gone, the run looks everything up again, after what runs has
 * ended; nodes that failed stay as they are. RC is what became of J: 0 it succeeded; else *err.
 * Returns RC, or 1 when J's node is to be looked up again, without an error.
 */
int settle_damages(struct sched *d, struct job *j, int rc, struct err **err) warn_unused;
/*
 * The manifest of N could not be made. Is that for a damaged blob that it takes a value from, the
 * same is done: 1, without an error. Else -1.
 */
int settle_damaged_values(struct sched *d, struct node *n, struct err **err) warn_unused;
