/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files of the replay of a write log share: replay.c, the writes in their order, and
 * replay_lost.c, states in which some of them are missing.
 */
#include "base/vec.h"
#include "media/blklog.h"

#define SECTOR BLKLOG_SECTOR

/* A watched area. */
struct area {
	uint64_t at, size;
	bool on, fresh; /* fresh: .sum is that of the card */
	struct digest sum;
};
DEFINE_VEC(areas, struct area)
DEFINE_VEC(states, struct digest)

struct span {
	uint64_t at, size;
};
DEFINE_VEC(spans, struct span)

/* Bytes that a write changed, before and after it. */
struct part {
	uint64_t at, size;
	unsigned char *before, *after;
};
DEFINE_VEC(parts, struct part)

struct replay {
	struct blklog *log;
	int card;
	uint64_t size; /* of the card, bytes */
	struct replay_events events;
	struct areas areas;
	struct states states;
	size_t last;           /* index of the state told last */
	struct spans kept;     /* replay_keep() */
	unsigned window_size;  /* writes; 0 and 1: none is ever lost */
	unsigned window_count; /* the last ones, the oldest first */
	struct parts window[REPLAY_LOST_MAX];
};

/* Puts a sector into the sum of its area, or takes it out again. */
void replay_sum_sector(struct area *area, uint64_t offset, const unsigned char *data);
/* Whole sectors of the card as it is; what lies past its end reads as zeros. */
int replay_read(struct replay *r, uint64_t offset, unsigned char *buf, size_t len,
		struct err **err) warn_unused;
/* The area that is watched at OFFSET, and in *RET_END where this answer ends. */
struct area *replay_area_at(struct replay *r, uint64_t offset, uint64_t end, uint64_t *ret_end);
/* Tells state S, be it the last one told; its id and seen are filled in here. */
int replay_tell(struct replay *r, struct replay_state *s, struct err **err) warn_unused;

/* Before W is applied: it enters the window, and the oldest leaves. */
int lost_note(struct replay *r, const struct blklog_write *w, struct err **err) warn_unused;
/* After it: tells all states that end in it, and leaves the card as it was. */
int lost_tell(struct replay *r, const struct blklog_write *w, struct err **err) warn_unused;
void lost_clear(struct replay *r);
