/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of nodes that are ready, before any of them runs. */
#include <sys/prctl.h>

#include "base/clock.h"
#include "run/farm.h"
#include "run/sched_run.h"

/* What is only needed when something runs, once per run. */
static int prepare(struct sched *d, struct err **err)
{
	if (d->prepared)
		return 0;
	d->prepared = true;
	pool_init(&d->pool, d->opts->jobs, d->opts->memory_mb);
	if (d->opts->farm)
		pool_add_farm(&d->pool, d->opts->farm->jobs ? d->opts->farm->jobs : FARM_JOBS);
	d->env.mode = spawn_probe();
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* for what a plain worker leaves */
	if (d->opts->before_work)
		d->opts->before_work(d->opts->arg);
	/* It loads while nodes are looked up. */
	if (spawner_open(d->opts->worker, d->opts->build, &d->env.spawner, err) < 0)
		return -1;
	return plan_estimate(d->g, d->s, err);
}

int sched_make_manifest(struct sched *d, struct node *n)
{
	struct err *e = NULL;
	int rc;

	d->memory[n->index].made_ms = clock_ms();
	rc = manifest_make(d->g, n, d->s, &d->tools, &e);
	if (rc < 0)
		rc = settle_damaged_values(d, n, &e);
	if (rc < 0)
		settle_failed(d, n, NULL, e);
	return rc != 0;
}

/* A ready node: known to the store, or into the queue. -1: the run cannot go on. */
static int consider(struct sched *d, struct node *n, struct err **err)
{
	int rc;

	if (sched_make_manifest(d, n))
		return 0;
	rc = settle_lookup(d, n, err);
	if (rc <= 0)
		return rc;
	if (prepare(d, err) < 0)
		return -1;
	queue_push(&d->ready, n);
	return 0;
}

int sched_consider_all(struct sched *d, struct err **err)
{
	while (d->fresh.count && !d->stopping && !d->again) {
		if (consider(d, d->fresh.items[--d->fresh.count], err) < 0)
			return -1;
	}
	return 0;
}
