/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of nodes that are ready, before any of them runs. */
#include <sys/prctl.h>

#include "base/clock.h"
#include "run/farm.h"
#include "run/remote.h"

/* What is only needed when something runs, once per run. */
static int prepare(struct sched *d, struct err **err)
{
	if (d->prepared)
		return 0;
	d->prepared = true;
	pool_init(&d->pool, d->opts->jobs, d->opts->memory_mb);
	sched_open_farm(d);
	d->env.mode = spawn_probe();
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* for what a plain worker leaves */
	if (d->opts->before_work)
		d->opts->before_work(d->opts->arg);
	/* It loads while nodes are looked up. */
	if (spawner_open(d->opts->worker, d->opts->build, &d->env.spawner, err) < 0)
		return -1;
	return plan_estimate(d->g, d->s, err);
}

/* What stands in the way of running N, but not of its result: keys that are not here; or NULL. */
static const char *lacks(const struct node *n)
{
	for (size_t i = 0; i < n->in.count && !n->lacks; i++)
		if (n->in.items[i].signer && n->in.items[i].from->lacks)
			return n->in.items[i].from->lacks;
	return n->lacks;
}

static void fail_lacking(struct sched *d, struct node *n)
{
	struct err *e = NULL;

	err_set(&e, E_KEYS_MISSING, "%s", lacks(n));
	settle_failed(d, n, NULL, e);
}

int sched_make_manifest(struct sched *d, struct node *n)
{
	struct err *e = NULL;
	int rc;

	d->memory[n->index].made_ms = clock_ms();
	rc = manifest_make(d->g, n, d->s, &d->tools, &e);
	if (rc < 0)
		rc = settle_damaged_values(d, n, &e);
	if (rc < 0 && n->lacks) {
		err_free(e);
		fail_lacking(d, n);
	} else if (rc < 0) {
		settle_failed(d, n, NULL, e);
	}
	return rc != 0;
}

/* N has to run: into the queue when the bytes of its inputs are here. */
static int enqueue(struct sched *d, struct node *n, struct err **err)
{
	bool here;

	if (lacks(n)) {
		fail_lacking(d, n);
		return 0;
	}
	if (prepare(d, err) < 0 || remote_need(d, n, false, &here, err) < 0)
		return -1;
	if (here)
		queue_push(&d->ready, n);
	return 0;
}

/* A ready node: known to the store, asked for, or into the queue. -1: the run cannot go on. */
static int consider(struct sched *d, struct node *n, struct err **err)
{
	bool here;
	int rc;

	if (n->state != NODE_READY)
		return 0; /* an input is made again */
	if (remote_need(d, n, true, &here, err) < 0)
		return -1;
	if (!here || sched_make_manifest(d, n))
		return 0;
	rc = settle_lookup(d, n, err);
	if (rc != 1)
		return rc;
	return remote_ask(d, n) ? 0 : enqueue(d, n, err);
}

int sched_consider_all(struct sched *d, struct err **err)
{
	while (d->fresh.count && !d->stopping && !d->again) {
		if (consider(d, d->fresh.items[--d->fresh.count], err) < 0)
			return -1;
	}
	return 0;
}
