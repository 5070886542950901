/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Every power cut there is: of a recorded run (media/disk/blklog.h), the card is rebuilt after each
 * write, with each last write torn, and with some of the last writes lost. Whenever the places that
 * decide what is booted differ from all seen before (the boot loader's areas, both copies of the
 * partition table, the boot half in use), it is booted on a copy. The slot it chooses and
 * the boot half in use must hold whole known images, then and as long as the card decides the same.
 *
 *	struct cuts c = {.card = "start.img", .log = "writes.log", ..., .boot = boot, .arg = x};
 *	cuts_run(&c, &result, err);
 *
 * Who calls gives the boot: see cuts.boot.
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/vec.h"
#include "scenario/target.h"

struct cuts {
	const char *card; /* as it was when the recording began; the replay writes to it */
	const char *log;
	const struct target *target;
	struct strs roots;    /* image files that may be in slots */
	struct strs boots;    /* in the boot halves; none where no boot partition is switched */
	bool torn;            /* also the moments in the middle of a sector */
	unsigned lost_writes; /* 0 and 1: only the last one; else see write_cache */
	/*
	 * Any of so many last writes of a card may be lost (replay_lose()), or with a write cache
	 * any since a flush, with so many random sets (replay_lose_unflushed()).
	 */
	bool write_cache;
	uint64_t most; /* boots; more is an error (0: no limit) */
	void *arg;
	/*
	 * Boots the firmware on CARD as it is, without changing it, until it has chosen a slot, and
	 * on until its kernel starts if KERNEL. *RET_SLOT gets an index into target->slots.
	 * Whatever else happens is -1.
	 */
	int (*boot)(void *arg, const char *card, bool kernel, size_t *ret_slot, struct err **err);
	/* What goes on, for the user; may be NULL. */
	void (*progress)(void *arg, uint64_t write, uint64_t writes, uint64_t boots);
};

#define CUTS_SEED 1 /* of random sets */

struct cuts_result {
	uint64_t writes;  /* entries of the log */
	uint64_t states;  /* different ones: so many boots */
	uint64_t moments; /* in which the deciding places changed */
	uint64_t lost;    /* moments with lost writes that were looked at, each subset */
	uint64_t sampled; /* those among them where not each subset was */
};

/* A cut that the board would not survive is ERR_BUILD; the message says which. */
int cuts_run(const struct cuts *c, struct cuts_result *ret, struct err **err) warn_unused;
