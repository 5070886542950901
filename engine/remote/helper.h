/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The process that talks to shared caches, so that the scheduler never waits for a network:
 *
 *	orch ──► orch-worker remote ──► lanes, forks that each have connections of their own
 *
 * All lanes read from one socketpair of packets: whoever is idle takes the next request, makes the
 * calls of share.h, which block, and answers. Nothing else is between them, so one that crashes
 * takes the helper along (its requests would never be answered), and the helper's end is seen as
 * the end of the socket. It holds nothing: what it had not finished is not done.
 *
 *	ask    key, another ...    -> record | miss | failed, for each
 *	fetch  key, output, near   -> moved ... fetched | lost | failed      a farm is asked first
 *	push   key                 -> moved ... pushed | failed
 *
 * What is pushed is read from the record's file in the store (store_record_peek()). Packets are
 * lines of words (base/line.h); helper_wire.h has them.
 */
#include <sys/types.h>

#include "remote/remote_config.h"
#include "store/store.h"

struct helper_opts {
	const char *program; /* of the worker, absolute; lives as long as the helper */
	const char *build;   /* which build that is of, the same */
	const char *store;   /* directory */
	bool write;          /* push() will be called */
};
struct helper;

/* Starts it; does not wait until it has loaded. */
int helper_open(const struct helper_opts *o, struct helper **ret, struct err **err) warn_unused;
/* Ends it, whatever it is at. NULL is fine. */
void helper_close(struct helper *h);
pid_t helper_pid(const struct helper *h);
/* Whether it has loaded. */
bool helper_ready(const struct helper *h);
int helper_fd(const struct helper *h);
/* poll(2) events to wait for. */
short helper_events(const struct helper *h);
/* Requests that have not been answered. */
size_t helper_pending(const struct helper *h);

/*
 * Requests wait in a queue: questions go first, and only so many transfers are under way that a
 * lane is left for them. ID comes back with each answer. WANTED are the outputs that the node
 * declares, NEAR blobs of the store that may have parts of what is fetched: an OUTPUT of REC, which
 * has its manifest (share_fetch()). REPAIR as in struct share_push_opts.
 */
void helper_ask(struct helper *h, uint64_t id, const struct digest *key, size_t manifest_size,
		const struct artifact *wanted, size_t count);
void helper_fetch(struct helper *h, uint64_t id, const struct record *rec, size_t output,
		  const struct artifact *near, size_t near_count);
void helper_push(struct helper *h, uint64_t id, const struct digest *key, bool repair);

enum helper_answer {
	HELPER_RECORD,
	HELPER_MISS,    /* TEXT: why one that is there may not be used, or "" */
	HELPER_FETCHED, /* the blob is in the store, its identity was checked */
	HELPER_LOST,    /* TEXT: why */
	HELPER_PUSHED,  /* TEXT: a sentence when another result is there and stays, or "" */
	HELPER_MOVED,   /* BYTES more of a transfer; more answers follow */
	HELPER_WARNING, /* TEXT; of no request */
	HELPER_FAILED,  /* CODE and TEXT: nobody could be asked */
};
struct helper_reply {
	enum helper_answer type;
	uint64_t id;
	uint64_t bytes;
	const char *text;
	const struct err_code *code;
	/* HELPER_RECORD: seconds, built_at and outputs, which are shared; in the arena given. */
	struct record record;
	uint64_t *moves; /* per output: bytes that fetching it moves at most */
	const char *by;  /* the machine that made it */
};
typedef void helper_reply_fn(void *arg, const struct helper_reply *r);
/*
 * Reads and writes what can be; FN is called for each answer, whose strings live in ARENA. -1: the
 * helper is gone, or does not speak as it should; close it.
 */
int helper_io(struct helper *h, short revents, struct arena *arena, helper_reply_fn *fn, void *arg,
	      struct err **err) warn_unused;

/*
 * The other side: main of `PROGRAM remote BUILD STORE read|write`, whose stdin is the socket.
 * Returns the exit code.
 */
int helper_serve(const struct remote_config *c, const char *store, const char *build);
