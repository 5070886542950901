/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The log of every write to a disk, as QEMU's block driver blklogwrites keeps it (the format of
 * Linux's dm-log-writes: Documentation/admin-guide/device-mapper/log-writes.rst), and its replay
 * onto the disk as it was before: the disk after each write, with the last write torn, and with
 * some of the writes before it lost.
 *
 *	blklog_open("log", &log, err);
 *	replay_new(log, card_fd, &events, &replay);
 *	replay_area(replay, 1 << 20, 32768, true);      // what tells one state from another
 *	replay_run(replay, err);                        // calls back, see struct replay_events
 *	replay_free(replay); blklog_free(log);
 *
 * A disk writes sectors of 512 bytes in order; a write of several may end after any of them, and
 * the sector it ends in may be half new, half old. Only what changes a watched area makes a state,
 * so that an install of a gigabyte has some dozens of them.
 *
 * An SD card acknowledges writes that it still holds in its own buffer, and has no command to flush
 * it: after a power cut any of the last few may be missing while later ones are there
 * (replay_lose()). A disk with a write cache may lose any sector that was written since the last
 * flush (replay_lose_unflushed()).
 */
#include <stdbool.h>

#include "base/digest.h"

#define BLKLOG_SECTOR 512

struct blklog;

struct blklog_write {
	uint64_t number;       /* from 1, of all entries of the log */
	uint64_t offset, size; /* bytes; a flush has size 0, or comes before the write */
	bool flush;
	const unsigned char *data; /* until the next call; NULL: zeros (discard) */
};

int blklog_open(const char *path, struct blklog **ret, struct err **err) warn_unused;
/* The next write; 1 at the end. */
int blklog_next(struct blklog *log, struct blklog_write *ret, struct err **err) warn_unused;
/* Entries of the whole log, flushes included. */
uint64_t blklog_count(const struct blklog *log);
void blklog_free(struct blklog *log);

/* The disk's watched areas as they are now. */
struct replay_state {
	uint64_t write;  /* number of the last write, 0: before the first */
	uint64_t offset; /* of the last sector written, bytes */
	bool torn;       /* only the first half of that sector is written */
	unsigned lost;   /* so many of the writes before it are missing */
	size_t id;       /* equal for equal contents of the watched areas; from 0, without gaps */
	bool seen;       /* this id was told before */
};

/*
 * While a callback runs, the card is exactly the disk of that moment; callbacks may read it and
 * must not change it. Any of them may be NULL; ended by -1.
 */
struct replay_events {
	void *arg;
	/*
	 * A sector of a watched area changed; areas may be switched on and off by replay_watch().
	 */
	int (*changed)(void *arg, size_t area, struct err **err);
	/*
	 * The watched areas differ from what was told last; once more before the first write. With
	 * lost writes: each time, for the disk differs elsewhere.
	 */
	int (*state)(void *arg, const struct replay_state *s, struct err **err);
	/*
	 * Bytes of the card were written, in a watched area or not; before state() of that moment.
	 * On the way to a state with lost writes, and back, the card is no disk of any moment.
	 */
	int (*wrote)(void *arg, uint64_t offset, uint64_t size, struct err **err);
	/* After wrote(): the card is the disk of a moment, without lost writes. */
	int (*moment)(void *arg, struct err **err);
	/*
	 * Whether a lost write to these bytes could matter now, though no watched area has them;
	 * NULL: never.
	 */
	bool (*in_use)(void *arg, uint64_t offset, uint64_t size);
};

struct replay;
/* CARD is open for reading and writing and stays the caller's; LOG is read from where it is. */
void replay_new(struct blklog *log, int card, const struct replay_events *events,
		struct replay **ret);
/* Adds an area (multiples of 512 bytes) and returns its index. Areas must not overlap. */
size_t replay_area(struct replay *r, uint64_t at, uint64_t size, bool on);
void replay_watch(struct replay *r, size_t area, bool on);
/*
 * Of the last COUNT writes (1 to REPLAY_LOST_MAX; 1: of none) any may be lost, all subsets. After
 * each write those are told that end in it: the ones without it were told before. Only bytes of
 * areas and those of replay_keep() are missing then, and nothing is told where all that could be
 * missing is neither in a watched area nor in use. A discard of more than 64 MiB is never lost.
 */
#define REPLAY_LOST_MAX 12
void replay_lose(struct replay *r, unsigned count);
/*
 * Any set of the sectors that were written to watched areas since the last flush may be lost, told
 * at the next flush and at the end: all sets of up to REPLAY_LOST_MAX sectors; of more, each sector
 * alone, all but one, all after each, and RANDOM sets drawn with SEED (not 0). What was written
 * to areas that are off and those of replay_keep() is lost by its newest write only, which is as
 * bad as any. In place of replay_lose(). Of more than 4096 sectors the oldest ones arrive.
 */
void replay_lose_unflushed(struct replay *r, unsigned random, uint64_t seed);
/* How many states were told of sectors that were more than REPLAY_LOST_MAX. */
uint64_t replay_sampled(const struct replay *r);
void replay_keep(struct replay *r, uint64_t at, uint64_t size);
/* All writes of the log. One that does not lie on the card, as its file is now, is ERR_BUILD. */
int replay_run(struct replay *r, struct err **err) warn_unused;
/* How many different states were told so far. */
size_t replay_states(const struct replay *r);
void replay_free(struct replay *r);

static inline void blklog_freep(struct blklog **log)
{
	blklog_free(*log);
}
#define cleanup_blklog __attribute__((cleanup(blklog_freep)))
static inline void replay_freep(struct replay **r)
{
	replay_free(*r);
}
#define cleanup_replay __attribute__((cleanup(replay_freep)))
