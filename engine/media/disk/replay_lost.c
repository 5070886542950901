/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes that were acknowledged and never reached the medium. The last ones are held with what was
 * there before them: a state is the card from before the oldest, and those that arrived.
 */
#include "base/file.h"
#include "media/disk/replay_priv.h"

#define MAX_LOST_BYTES (UINT64_C(64) << 20) /* a write has no more (blklog.c), a discard may */

void replay_lose(struct replay *r, unsigned count)
{
	r->card_holds = count < REPLAY_LOST_MAX ? count : REPLAY_LOST_MAX;
}

void replay_keep(struct replay *r, uint64_t at, uint64_t size)
{
	spans_push(&r->kept, (struct span){at, size});
}

static void parts_release(struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		free(parts->items[i].before);
		free(parts->items[i].after);
	}
	parts_clear(parts);
}

void lost_drop(struct replay *r, size_t index)
{
	struct change *gone = &r->window.items[index];

	parts_release(&gone->parts);
	memmove(gone, gone + 1, (--r->window.count - index) * sizeof(*gone));
}

void lost_drop_all(struct replay *r)
{
	for (size_t i = 0; i < r->window.count; i++)
		parts_release(&r->window.items[i].parts);
	changes_clear(&r->window);
}

/* ---- the window ---- */

int lost_note_span(struct replay *r, const struct blklog_write *w, uint64_t at, uint64_t size,
		   struct parts *parts, struct err **err)
{
	uint64_t begin = w->offset > at ? w->offset : at;
	uint64_t end = w->offset + w->size < at + size ? w->offset + w->size : at + size;
	struct part p = {.at = begin, .size = end - begin};

	if (begin >= end || p.size > MAX_LOST_BYTES)
		return 0;
	p.before = xmalloc(p.size);
	p.after = xcalloc(1, p.size);
	if (w->data)
		memcpy(p.after, w->data + (begin - w->offset), p.size);
	if (replay_read(r, begin, p.before, p.size, err) < 0 ||
	    memcmp(p.before, p.after, p.size) == 0) {
		free(p.before);
		free(p.after);
		return *err ? -1 : 0;
	}
	parts_push(parts, p);
	return 0;
}

/* ---- states ---- */

/* Writes to the card, and keeps the sums of areas right, without telling of a moment. */
static int put(struct replay *r, uint64_t at, const unsigned char *data, uint64_t size,
	       struct err **err)
{
	uint64_t end = at + size;

	for (uint64_t stop; at < end; at = stop) {
		struct area *area = replay_area_at(r, at, end, &stop);
		unsigned char now[SECTOR];

		if (area) {
			stop = at + SECTOR;
			if (replay_read(r, at, now, SECTOR, err) < 0)
				return -1;
			if (area->fresh) {
				replay_sum_sector(area, at, now);
				replay_sum_sector(area, at, data);
			}
		}
		if (fd_pwrite_all(r->card, "the card", data, (size_t)(stop - at), at, err) < 0 ||
		    (r->events.wrote && r->events.wrote(r->events.arg, at, stop - at, err) < 0))
			return -1;
		data += stop - at;
	}
	return 0;
}

static bool overlaps(const struct area *area, const struct part *p)
{
	return area->on && p->at < area->at + area->size && area->at < p->at + p->size;
}

static bool touches(const struct replay *r, size_t area, const struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (overlaps(&r->areas.items[area], &parts->items[i]))
			return true;
	}
	return false;
}

/* Tells of the watched areas that a write of the window lies in. */
static int tell_changed(struct replay *r, struct err **err)
{
	for (size_t area = 0; r->events.changed && area < r->areas.count; area++) {
		bool hit = false;

		for (size_t i = 0; i < r->window.count; i++)
			hit = hit || touches(r, area, &r->window.items[i].parts);
		if (hit && r->events.changed(r->events.arg, area, err) < 0)
			return -1;
	}
	return 0;
}

/* The card without those of the window that are in LOST. */
static int lose(struct replay *r, const bool *lost, struct err **err)
{
	for (size_t i = r->window.count; i-- > 0;) {
		const struct parts *w = &r->window.items[i].parts;

		for (size_t k = w->count; k-- > 0;) {
			if (put(r, w->items[k].at, w->items[k].before, w->items[k].size, err) < 0)
				return -1;
		}
	}
	for (size_t i = 0; i < r->window.count; i++) {
		const struct parts *w = &r->window.items[i].parts;

		for (size_t k = 0; !lost[i] && k < w->count; k++) {
			if (put(r, w->items[k].at, w->items[k].after, w->items[k].size, err) < 0)
				return -1;
		}
	}
	return tell_changed(r, err);
}

bool lost_matters(const struct replay *r)
{
	for (size_t i = 0; i < r->window.count; i++) {
		const struct parts *w = &r->window.items[i].parts;

		for (size_t k = 0; k < w->count; k++) {
			const struct part *p = &w->items[k];

			if (r->events.in_use && r->events.in_use(r->events.arg, p->at, p->size))
				return true;
			for (size_t area = 0; area < r->areas.count; area++) {
				if (overlaps(&r->areas.items[area], p))
					return true;
			}
		}
	}
	return false;
}

int lost_tell(struct replay *r, const bool *lost, const struct blklog_write *w, struct err **err)
{
	struct replay_state s = {.write = w->number, .offset = w->offset + w->size - SECTOR};

	for (size_t i = 0; i < r->window.count; i++)
		s.lost += lost[i];
	return lose(r, lost, err) < 0 ? -1 : replay_tell(r, &s, err);
}

int lost_restore(struct replay *r, struct err **err)
{
	bool *none cleanup_free = xcalloc(r->window.count + 1, sizeof(*none));

	return lose(r, none, err);
}

/* ---- a card that holds the last writes back ---- */

int card_note(struct replay *r, const struct blklog_write *w, struct err **err)
{
	struct parts *newest;

	if (r->card_holds < 2)
		return 0;
	if (r->window.count == r->card_holds)
		lost_drop(r, 0);
	newest = &changes_at_end(&r->window)->parts;
	for (size_t i = 0; i < r->areas.count; i++) {
		const struct area *area = &r->areas.items[i];

		if (lost_note_span(r, w, area->at, area->size, newest, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < r->kept.count; i++) {
		const struct span *kept = &r->kept.items[i];

		if (lost_note_span(r, w, kept->at, kept->size, newest, err) < 0)
			return -1;
	}
	return 0;
}

int card_tell(struct replay *r, const struct blklog_write *w, struct err **err)
{
	size_t newest = r->window.count - 1;
	unsigned can = 0;

	if (!r->window.count || !r->window.items[newest].parts.count || !lost_matters(r))
		return 0;
	for (size_t i = 0; i < newest; i++)
		can |= r->window.items[i].parts.count ? 1U << i : 0;
	/* Every subset of CAN, the empty one last. */
	for (unsigned set = can; set; set = (set - 1) & can) {
		bool lost[REPLAY_LOST_MAX] = {0};

		for (size_t i = 0; i < newest; i++)
			lost[i] = set & 1U << i;
		if (lost_tell(r, lost, w, err) < 0)
			return -1;
	}
	return can ? lost_restore(r, err) : 0;
}
