/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What remote.c and transfer.c share; nobody else includes this. */
#include "remote/helper.h"
#include "run/remote.h"

enum transfer_end { TRANSFER_DONE, TRANSFER_LOST, TRANSFER_FAILED };

/* Bytes of an output that come, or a result that goes. */
struct transfer {
	bool up, done, lost;
	bool left; /* comes from the farm that made it */
	struct node *node;
	struct record *rec; /* of the node when it began */
	size_t output;      /* of what comes */
	uint64_t moved;     /* bytes that did */
	uint64_t began_ms;
	struct nodes waiting; /* nodes that need it */
	const char *why;      /* it is lost, or NULL */
};
DEFINE_VEC(transfers, struct transfer *)

struct remote {
	const struct remote_use *use; /* NULL: no cache */
	struct helper *helper;        /* NULL: not started, or gone */
	bool loading;                 /* it has not greeted */
	bool dead;                    /* no cache any more in this run */
	bool gone;                    /* nor a helper: nothing at all can be fetched */
	uint64_t off_until;           /* ms; 0: the cache answers */
	bool probing;                 /* one question is on its way to see whether it does again */
	uint64_t heard_ms;            /* the last answer, or the first question */
	uint64_t away_ms;             /* since when nobody listens: the scheduler does its work */
	struct nodes found;           /* records came for them, not taken into the store yet */
	struct transfers transfers;
	size_t fetching, pushing; /* under way */
	size_t losses;            /* transfers that are lost, and not acted upon yet */
	struct nodes held;        /* to be pushed when the cache answers again */
	bool no_push;             /* it does not take them */
	bool told; /* that what cannot be fetched is built here; when it went off, that was */
	/* The measured rate: bytes of artifacts that came while something was fetched. */
	uint64_t got, busy_ms, busy_since;
	uint64_t told_ms; /* of progress */
	struct err *err;  /* with --remote-required */
};

bool remote_usable(struct sched *d);
/* The same for what farms keep, which no cache's state matters to. */
bool remote_helps(struct sched *d);
bool remote_may_share(const struct node *n);
/* The cache is not asked for a while, or FOR_GOOD. */
void remote_off(struct sched *d, const struct err_code *code, const char *text, bool for_good);

/* transfer.c */
void transfer_answer(struct sched *d, struct transfer *t, const struct helper_reply *r);
void transfer_end(struct sched *d, struct transfer *t, enum transfer_end how, const char *why);
/* Makes again what is lost. */
int transfer_lose_all(struct sched *d, struct err **err) warn_unused;
void transfer_push_held(struct sched *d);
/* Says how far transfers are. */
void transfer_tick(struct sched *d);
