/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the scheduler decides about nodes that other machines may make (run/farm.h). */
#include <string.h>

#include "remote/left.h"
#include "run/farm.h"
#include "run/sched_run.h"

static void mark(struct sched *d, const struct node *n)
{
	if (d->memory[n->index].opened)
		return;
	d->memory[n->index].opened = true;
	for (size_t i = 0; i < n->in.count; i++)
		if (n->in.items[i].from)
			mark(d, n->in.items[i].from);
}

void sched_mark_opened(struct sched *d)
{
	const struct remote_use *use = d->opts->remote;

	for (size_t i = 0; use && use->opens && i < d->g->nodes.count; i++) {
		const struct node *n = d->g->nodes.items[i];

		if (n->target && use->fetch == FETCH_TARGETS && use->opens(n))
			mark(d, n);
	}
}

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

size_t sched_keeper(const struct sched *d, const struct node *n)
{
	struct arena *arena cleanup_arena = arena_new();
	const struct farm *f = d->opts->farm;
	const char *place;

	if (!f || left_place(store_dir(d->s), &n->key, arena, &place) != 0)
		return SCHED_HERE;
	for (size_t i = 0; i < f->urls.count; i++)
		if (str_eq(f->urls.items[i], place))
			return i;
	return SCHED_HERE;
}

/* Bytes of N's inputs that are kept by each executor alone, added to BYTES. */
static void count_kept(const struct sched *d, const struct node *n, uint64_t *bytes)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;
		const struct record *rec = from ? from->record : NULL;

		for (size_t k = 0; rec && k < rec->output_count; k++) {
			const struct artifact *a = &rec->outputs[k];
			size_t at = a->shared && !store_blob_is_here(d->s, a)
					    ? sched_keeper(d, from)
					    : SCHED_HERE;

			if (at != SCHED_HERE)
				bytes[at] += a->allocated + 1;
		}
	}
}

static size_t count_running(const struct sched *d, size_t executor)
{
	size_t count = 0;

	for (size_t i = 0; i < d->running.count; i++) {
		const struct slot *s = &d->running.items[i].job->slot;

		count += s->farm && s->executor == executor;
	}
	return count;
}

/* The executor that has least to do; of several, OWN if it is one of them. */
static size_t idlest(const struct sched *d, size_t own)
{
	size_t best = own, least = count_running(d, own);

	for (size_t i = 0; i < d->opts->farm->urls.count; i++) {
		size_t count = count_running(d, i);

		if (count < least) {
			best = i;
			least = count;
		}
	}
	return best;
}

/*
 * The executor that is best for N: where most of its inputs are, unless that has its share; else
 * the one that has least to do.
 */
static size_t first_executor(const struct sched *d, const struct node *n)
{
	const struct farm *f = d->opts->farm;
	size_t count = f->urls.count, best = 0;
	size_t share = (d->pool.farm_jobs + count - 1) / count;
	uint64_t *bytes cleanup_free = NULL;

	if (count == 1)
		return 0;
	bytes = xcalloc(count, sizeof(*bytes));
	count_kept(d, n, bytes);
	for (size_t i = 1; i < count; i++)
		if (bytes[i] > bytes[best])
			best = i;
	return bytes[best] && count_running(d, best) < share ? best
							     : idlest(d, farm_executor(f, n));
}

/* An executor that answers, as far as is known: the best for N, else the next; or their count. */
static size_t find_executor(struct sched *d, const struct node *n)
{
	size_t count = d->opts->farm->urls.count, first = first_executor(d, n);

	for (size_t i = 0; i < count; i++) {
		size_t at = (first + i) % count;

		if (breaker_would_let(&d->farm[at]))
			return at;
	}
	return count;
}

size_t sched_executor(struct sched *d, const struct node *n)
{
	const struct farm *f = d->opts->farm;
	size_t at;

	if (!f || !d->farm || d->memory[n->index].here || farm_why_not(n))
		return SCHED_HERE;
	at = find_executor(d, n);
	return at < f->urls.count ? at : SCHED_HERE;
}

/*
 * Whether what N makes stays with the executor. What is wanted here anyway comes at once, while
 * others run. A run that writes to a shared cache signs what it stores, and so has to have seen it.
 */
static bool leaves(const struct sched *d, const struct node *n, const char *url)
{
	const struct remote_use *use = d->opts->remote;

	return use && !use->write && use->fetch != FETCH_ALL &&
	       !(use->fetch == FETCH_TARGETS && n->target) && !d->memory[n->index].gone &&
	       !d->memory[n->index].opened && !str_skip(url, "program:");
}

bool sched_take_slot(struct sched *d, const struct node *n, struct slot *ret)
{
	size_t executor = sched_executor(d, n);

	if (executor == SCHED_HERE)
		return pool_take(&d->pool, node_demand(n), ret);
	if (!pool_take_farm(&d->pool, node_demand(n), ret))
		return false;
	(void)!breaker_lets(&d->farm[executor]);
	ret->executor = executor;
	ret->leave = leaves(d, n, d->opts->farm->urls.items[executor]);
	ret->again = d->memory[n->index].gone;
	return true;
}

/* Errors that say nothing about the node. */
static bool is_farms_own(enum err_class cls)
{
	return cls != ERR_BUILD && cls != ERR_TIMEOUT && cls != ERR_CANCEL && cls != ERR_STORE;
}

/* What the farm kept of its inputs was no use: they are brought here, and it is tried once more. */
static bool try_with_bytes(struct sched *d, const struct job *j, const struct err *e)
{
	struct memory *m = &d->memory[j->node->index];
	char *text cleanup_free = NULL;

	if (!j->rests_there || m->bytes || e->code == E_REMOTE_UNREACHABLE)
		return false;
	m->bytes = true;
	text = xasprintf("%s; its inputs are looked at here, and it is tried once more", e->text);
	sched_warn(d, j->node, text);
	return true;
}

bool sched_make_here(struct sched *d, const struct job *j, const struct err *e)
{
	struct memory *m = &d->memory[j->node->index];
	char *text cleanup_free = NULL;
	bool away;

	if (!j->slot.farm || !is_farms_own(e->code->cls))
		return false;
	if (try_with_bytes(d, j, e))
		return true;
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
