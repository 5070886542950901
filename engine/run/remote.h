/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The scheduler's side of shared caches: what a node is asked for, fetched and pushed.
 *
 *	READY --> ASKED --> HIT                      remote_ask(); the record is enough for a key
 *	            |-----> READY                    nobody has it, or nobody answers in time
 *	READY --> FETCHING --> READY                 remote_need(): bytes of inputs, before it runs
 *	HIT   --> READY                              lost: bytes that nobody has are made here
 *
 * Nodes that become ready together are asked for together: the helper (remote/helper.h) has all
 * questions at once, and is started by the first. What is fetched is only what something needs: an
 * input of a node that runs, a value, the targets' outputs when all else is done. Whatever goes
 * wrong is a warning, and the node is built here.
 */
#include "run/sched_run.h"

struct pollfd;

/* OPTS without `remote`: everything below is done without a cache. */
void remote_open(struct sched *d);
void remote_close(struct sched *d);
/* The process of the helper, or 0. */
pid_t remote_pid(const struct sched *d);

/* Asks for N, which the store does not have: it is ASKED then. False: it is not asked for. */
bool remote_ask(struct sched *d, struct node *n);
/*
 * Whether the bytes that N needs of its inputs (VALUES: for its manifest alone) are here. If not,
 * it is no longer READY: it waits for them, or for an input that is made again. -1: the run cannot
 * go on.
 */
int remote_need(struct sched *d, struct node *n, bool values, bool *ret_here,
		struct err **err) warn_unused;
/* The same for what the run is to leave in the store; when nothing else is to do. */
int remote_need_outputs(struct sched *d, bool *ret_here, struct err **err) warn_unused;
/* N was built, and is written to the cache. */
void remote_built(struct sched *d, const struct node *n);
/* Waits for what is written, as long as the user would have it. */
int remote_drain(struct sched *d, struct err **err) warn_unused;

/* Whether something may still come that changes a node. */
bool remote_busy(const struct sched *d);
/* What to wait for; fd -1: nothing. */
void remote_poll(const struct sched *d, struct pollfd *ret);
int remote_io(struct sched *d, short revents, struct err **err) warn_unused;
/* Milliseconds until remote_tick() has something to do; -1: nothing. */
int remote_due(const struct sched *d);
void remote_tick(struct sched *d);
