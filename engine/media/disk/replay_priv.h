/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files of the replay of a write log share: replay.c, the writes in their order, and
 * replay_lost.c, states in which some of them are missing: of the last ones of a card, or (
 * replay_cache.c) of those since a disk's last flush.
 */
#include "base/vec.h"
#include "media/disk/blklog.h"

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

/* What may be lost together, and without anything else. */
struct change {
	struct parts parts;
	bool stands_for_all; /* replay_cache.c */
};
DEFINE_VEC(changes, struct change)

struct replay {
	struct blklog *log;
	int card;
	uint64_t size; /* of the card, bytes */
	struct replay_events events;
	struct areas areas;
	struct states states;
	size_t last; /* index of the state told last */
	struct blklog_write newest;
	struct spans kept;     /* replay_keep() */
	struct changes window; /* that may be lost now, the oldest first */
	unsigned card_holds;   /* writes; 0 and 1: none is ever lost */
	bool cached;           /* all writes since a flush may be lost */
	unsigned random_sets;
	uint64_t seed;
	uint64_t sampled; /* states told where not all sets were */
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

/* What W changes of a span becomes a part. */
int lost_note_span(struct replay *r, const struct blklog_write *w, uint64_t at, uint64_t size,
		   struct parts *parts, struct err **err) warn_unused;
/* A change of the window arrived. */
void lost_drop(struct replay *r, size_t index);
void lost_drop_all(struct replay *r);
/* Whether a state may depend on a write of the window. */
bool lost_matters(const struct replay *r);
/* Makes the card one without those of the window that are in LOST, and tells it after W. */
int lost_tell(struct replay *r, const bool *lost, const struct blklog_write *w,
	      struct err **err) warn_unused;
/* Makes the card whole again. */
int lost_restore(struct replay *r, struct err **err) warn_unused;

/* Before W is applied: it enters the window, and the oldest leaves. */
int card_note(struct replay *r, const struct blklog_write *w, struct err **err) warn_unused;
/* After it: tells all states that end in it, and leaves the card as it was. */
int card_tell(struct replay *r, const struct blklog_write *w, struct err **err) warn_unused;

/* Before W is applied: what it changes enters the window. */
int cache_note(struct replay *r, const struct blklog_write *w, struct err **err) warn_unused;
/*
 * At a flush, and at the end: tells the states in which some of the window are missing, leaves the
 * card as it was, and empties the window. W is the last write before it.
 */
int cache_flush(struct replay *r, const struct blklog_write *w, struct err **err) warn_unused;
