/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the scheduler decides about nodes that other machines may make (run/farm.h). */
#include "run/farm.h"
#include "run/sched_run.h"

bool sched_take_slot(struct sched *d, const struct node *n, struct slot *ret)
{
	if (d->opts->farm && !d->memory[n->index].here && !farm_why_not(n))
		return pool_take_farm(&d->pool, node_demand(n), ret);
	return pool_take(&d->pool, node_demand(n), ret);
}

/* Errors that say nothing about the node. */
static bool is_farms_own(enum err_class cls)
{
	return cls != ERR_BUILD && cls != ERR_TIMEOUT && cls != ERR_CANCEL && cls != ERR_STORE;
}

bool sched_make_here(struct sched *d, const struct job *j, const struct err *e)
{
	char *text cleanup_free = NULL;

	if (!j->slot.farm || !is_farms_own(e->code->cls))
		return false;
	text = xasprintf("%s; it is made on this machine instead", e->text);
	d->memory[j->node->index].here = true;
	sched_warn(d, j->node, text);
	return true;
}
