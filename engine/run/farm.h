/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Nodes that are made on other machines. The orchestrator starts a worker for such a node as for
 * any other; its runner then is here, and instead of the kind's maker it
 *
 *	fetches what the node would download      maker->fetch()
 *	puts together what is sent                run/input_root.h
 *	has it run                                an executor, by the scheme of its URL
 *	takes the outputs from what came back     run/detached.h
 *
 * The keeper hashes them as it always does and compares with what the other machine said. What a
 * farm does wrong is an error of class NET or INTEGRITY, after which the scheduler makes the node
 * here; an error of the node itself is that node's.
 *
 *	grpc://HOST:PORT     an engine of the REAPI (remote/exec.h)
 *	program:/PATH        a program of the user's: called in the directory that run/input_root.h
 *	                     describes with the command as its arguments, it has it run, wherever
 *	                     that is, prints what the command prints, and ends when out/ is there
 */
#include "graph/graph.h"
#include "run/action.h"
#include "run/proto.h"

/* The farm of the user's configuration. Strings are the caller's. */
struct farm {
	struct strs urls; /* of executors; nodes are spread over them */
	const char *instance, *ca, *cert, *cert_key, *token; /* as struct remote_access */
	struct farm_words platform; /* for all nodes; see farm_platform() */
	unsigned jobs;              /* nodes at once; 0: FARM_JOBS */
};
#define FARM_JOBS 16
static inline void farm_clear(struct farm *f)
{
	strs_clear(&f->urls);
	farm_words_clear(&f->platform);
}
#define cleanup_farm __attribute__((cleanup(farm_clear)))

/* E_REMOTE_URL when nobody knows the scheme of one. */
int farm_check(const struct farm *f, struct err **err) warn_unused;
/*
 * Why N may be made on this machine alone, as "it is told a secret"; NULL: it may be sent, as far
 * as is known before its manifest is made.
 */
const char *farm_why_not(const struct node *n);

/* The executor that N is sent to where nothing speaks for another: its number in f->urls. */
static inline size_t farm_executor(const struct farm *f, const struct node *n)
{
	return n->index % f->urls.count;
}
/* Appends what a machine must be to make N: the words of F, and those of N in their place. */
void farm_platform(const struct farm *f, const struct node *n, struct farm_words *ret);

/*
 * Makes the outputs of A, whose job SPEC is, in a->outdir. RET gets what the other machine said
 * they are; strings live in the arena of A. With spec->farm.leave they stay there, are `shared`,
 * and a file of the store says where (remote/left.h).
 */
int farm_run(struct action *a, const struct job_spec *spec, struct artifacts *ret,
	     struct err **err) warn_unused;
/*
 * Whether A, an output that is in the store now, has the bytes that were told: a farm, a disk or a
 * network may have changed them. E_REMOTE_DAMAGED.
 */
int farm_same(const struct job_spec *spec, const struct artifacts *told, const struct artifact *a,
	      struct err **err) warn_unused;
/* Whether output NAME stays where it was made; then TO gets its frame. */
bool farm_keeps(const struct artifacts *told, const char *name, struct str *to);
/* Asks RUNNER to end, and gives it the time to cancel what runs elsewhere. SIGNALS: of SIGCHLD. */
void farm_farewell(pid_t runner, int signals);
