/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk with a write cache: what was written since the last flush may be lost, each sector by
 * itself. Sets of them are told when the next flush comes, or the log ends: a cut before that is
 * one in which all later writes are lost.
 *
 * What is written outside of the areas that are watched comes in by the gigabyte, and whichever
 * write of it is lost, the image there is not whole: the newest of an area stands for all of them.
 */
#include "media/disk/replay_priv.h"

#define MOST_CHANGES 4096 /* between two flushes; older ones arrived */

void replay_lose_unflushed(struct replay *r, unsigned random, uint64_t seed)
{
	r->cached = true;
	r->random_sets = random;
	r->seed = seed;
}

static void remember(struct replay *r, struct parts *parts, bool stands_for_all)
{
	if (!parts->count)
		return;
	if (r->window.count == MOST_CHANGES)
		lost_drop(r, 0);
	changes_push(&r->window,
		     (struct change){.parts = *parts, .stands_for_all = stands_for_all});
}

/* Each sector of a watched area that W changes. */
static int note_sectors(struct replay *r, const struct blklog_write *w, const struct area *area,
			struct err **err)
{
	uint64_t at = w->offset > area->at ? w->offset : area->at;
	uint64_t end = area->at + area->size;

	for (; at < end && at < w->offset + w->size; at += SECTOR) {
		struct parts parts = {0};

		if (lost_note_span(r, w, at, SECTOR, &parts, err) < 0)
			return -1;
		remember(r, &parts, false);
	}
	return 0;
}

/* The newest write that changes a span, in place of the one before. */
static int note_newest(struct replay *r, const struct blklog_write *w, uint64_t at, uint64_t size,
		       struct err **err)
{
	struct parts parts = {0};

	if (lost_note_span(r, w, at, size, &parts, err) < 0)
		return -1;
	for (size_t i = 0; parts.count && i < r->window.count; i++) {
		const struct change *c = &r->window.items[i];
		uint64_t begin = c->parts.items[0].at;

		if (c->stands_for_all && begin >= at && begin < at + size) {
			lost_drop(r, i);
			break;
		}
	}
	remember(r, &parts, true);
	return 0;
}

int cache_note(struct replay *r, const struct blklog_write *w, struct err **err)
{
	for (size_t i = 0; i < r->areas.count; i++) {
		const struct area *area = &r->areas.items[i];

		if (area->on ? note_sectors(r, w, area, err) < 0
			     : note_newest(r, w, area->at, area->size, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->kept.count; i++) {
		if (note_newest(r, w, r->kept.items[i].at, r->kept.items[i].size, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- which sets ---- */

static int tell_all(struct replay *r, bool *lost, const struct blklog_write *w, struct err **err)
{
	size_t count = r->window.count;

	for (unsigned set = 1; set < 1U << count; set++) {
		for (size_t i = 0; i < count; i++)
			lost[i] = set & 1U << i;
		if (lost_tell(r, lost, w, err) < 0)
			return -1;
	}
	return 0;
}

/* xorshift64*: the same sets each time */
static uint64_t draw(struct replay *r)
{
	r->seed ^= r->seed >> 12;
	r->seed ^= r->seed << 25;
	r->seed ^= r->seed >> 27;
	return r->seed * UINT64_C(2685821657736338717);
}

static int tell_sample(struct replay *r, bool *lost, const struct blklog_write *w, struct err **err)
{
	enum { ONE_IS_LOST, ONE_ARRIVES, FIRST_ARRIVE, FAMILIES };
	size_t count = r->window.count, sets = FAMILIES * count + r->random_sets;

	for (size_t set = 0; set < sets; set++) {
		size_t k = set % count;

		for (size_t i = 0; i < count; i++) {
			switch (set / count) {
			case ONE_IS_LOST:
				lost[i] = i == k;
				break;
			case ONE_ARRIVES:
				lost[i] = i != k;
				break;
			case FIRST_ARRIVE:
				lost[i] = i >= k;
				break;
			default:
				lost[i] = draw(r) >> 63;
			}
		}
		if (lost_tell(r, lost, w, err) < 0)
			return -1;
	}
	r->sampled += sets;
	return 0;
}

int cache_flush(struct replay *r, const struct blklog_write *w, struct err **err)
{
	size_t count = r->window.count;
	bool *lost cleanup_free = xcalloc(count + 1, sizeof(*lost));
	int rc = 0;

	if (count && lost_matters(r)) {
		rc = count <= REPLAY_LOST_MAX ? tell_all(r, lost, w, err)
					      : tell_sample(r, lost, w, err);
		if (rc == 0)
			rc = lost_restore(r, err);
	}
	lost_drop_all(r);
	return rc;
}
