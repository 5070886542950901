/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The slots that running nodes share: CPUs and guest memory.
 *
 * Memory is hard: the sum of what runs never exceeds the limit; a node that wants more than the
 * limit counts as the whole limit, so it runs alone among those that need guest memory. CPUs are
 * soft: a node that wants several starts as soon as one is free, because waiting for several at
 * once would leave CPUs idle; the overcommitment is what that one node wants beyond it.
 *
 * Nodes ask in order of priority. The first that lacks memory keeps its claim: others overtake it
 * only with what would still fit beside it. So a large guest is not starved by a stream of small
 * ones.
 *
 *	pool_round(&p);                          // once per look at the queue
 *	for each ready node, best first:
 *		if (pool_take(&p, demand, &slot)) start(node);
 *	...
 *	pool_give(&p, slot);                     // when it ended
 */
#include <stdbool.h>

#include "recipe/kind.h"

struct pool {
	unsigned cpus, memory_mb;        /* limits */
	unsigned used_cpus, used_memory; /* used_cpus may exceed cpus */
	unsigned claimed_memory;         /* by the first node of this round that did not fit */
	unsigned farm_jobs, used_farm;   /* nodes on other machines */
};

/* What one node holds. */
struct slot {
	unsigned cpus, memory_mb;
	bool farm;       /* on another machine: nothing of this one is taken */
	size_t executor; /* then: which of the farm's it is sent to */
	bool leave;      /* and what it makes stays there */
	bool again;      /* what the farm remembers of it is lost */
};

/*
 * CPUS 0: those of this process. MEMORY_MB 0: three quarters of what is
 * available, cgroups included.
 */
void pool_init(struct pool *p, unsigned cpus, unsigned memory_mb);
void pool_round(struct pool *p);
/* Whether DEMAND fits; then it is taken and *ret says what to give back. */
bool pool_take(struct pool *p, struct demand demand, struct slot *ret);
/* JOBS nodes may be on other machines at once, which pool_take_farm() takes as pool_take(). */
void pool_add_farm(struct pool *p, unsigned jobs);
bool pool_take_farm(struct pool *p, struct demand demand, struct slot *ret);
/* Nothing can be taken, whatever it demands. */
bool pool_is_full(const struct pool *p);
void pool_give(struct pool *p, struct slot slot);
