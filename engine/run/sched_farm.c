/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the scheduler decides about nodes that other machines may make (run/farm.h). */
#include <string.h>

#include "run/farm.h"
#include "run/sched_run.h"

void sched_open_farm(struct sched *d)
{
	const struct farm *f = d->opts->farm;
	size_t size;

	if (!f)
		return;
	pool_add_farm(&d->pool, f->jobs ? f->jobs : FARM_JOBS);
	size = f->urls.count * sizeof(*d->farm);
	d->farm = memset(arena_alloc(d->g->arena, size), 0, size);
}

/* An executor that answers, as far as is known: N's own, else the next; or their count. */
static size_t find_executor(struct sched *d, const struct node *n)
{
	size_t count = d->opts->farm->urls.count, first = farm_executor(d->opts->farm, n);

	for (size_t i = 0; i < count; i++) {
		size_t at = (first + i) % count;

		if (breaker_lets(&d->farm[at]))
			return at;
	}
	return count;
}

bool sched_take_slot(struct sched *d, const struct node *n, struct slot *ret)
{
	const struct farm *f = d->opts->farm;
	size_t executor;

	if (!f || d->memory[n->index].here || farm_why_not(n))
		return pool_take(&d->pool, node_demand(n), ret);
	if (!pool_take_farm(&d->pool, node_demand(n), ret))
		return false;
	executor = find_executor(d, n);
	ret->executor = executor;
	if (executor < f->urls.count)
		return true;
	pool_give(&d->pool, *ret);
	return pool_take(&d->pool, node_demand(n), ret);
}

/* Errors that say nothing about the node. */
static bool is_farms_own(enum err_class cls)
{
	return cls != ERR_BUILD && cls != ERR_TIMEOUT && cls != ERR_CANCEL && cls != ERR_STORE;
}

bool sched_make_here(struct sched *d, const struct job *j, const struct err *e)
{
	struct memory *m = &d->memory[j->node->index];
	char *text cleanup_free = NULL;
	bool away;

	if (!j->slot.farm || !is_farms_own(e->code->cls))
		return false;
	away = e->code == E_REMOTE_UNREACHABLE;
	if (away)
		(void)breaker_failed(&d->farm[j->slot.executor]);
	m->here = !away || ++m->lost >= d->opts->farm->urls.count;
	text = xasprintf("%s; it is made %s instead", e->text,
			 m->here ? "on this machine" : "elsewhere");
	sched_warn(d, j->node, text);
	return true;
}

void sched_farm_answered(struct sched *d, const struct job *j)
{
	if (j->slot.farm)
		breaker_answered(&d->farm[j->slot.executor]);
}
