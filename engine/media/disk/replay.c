/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replay of a write log. The content of an area is known by the exclusive or of the digests of its
 * sectors, each with its place, zero sectors left out: a write changes it without a look at the
 * rest. Areas that are switched off are not followed, and summed up again when they are switched
 * on.
 */
#include <fcntl.h>

#include "base/file.h"
#include "media/disk/replay_priv.h"

void replay_new(struct blklog *log, int card, const struct replay_events *events,
		struct replay **ret)
{
	struct replay *r = xcalloc(1, sizeof(*r));

	r->log = log;
	r->card = card;
	r->events = *events;
	r->last = SIZE_MAX;
	*ret = r;
}

size_t replay_area(struct replay *r, uint64_t at, uint64_t size, bool on)
{
	areas_push(&r->areas, (struct area){.at = at, .size = size, .on = on});
	return r->areas.count - 1;
}

void replay_watch(struct replay *r, size_t area, bool on)
{
	if (r->areas.items[area].on != on)
		r->areas.items[area].fresh = false;
	r->areas.items[area].on = on;
}

uint64_t replay_sampled(const struct replay *r)
{
	return r->sampled;
}

size_t replay_states(const struct replay *r)
{
	return r->states.count;
}

void replay_free(struct replay *r)
{
	if (!r)
		return;
	areas_clear(&r->areas);
	states_clear(&r->states);
	lost_drop_all(r);
	spans_clear(&r->kept);
	free(r);
}

void replay_sum_sector(struct area *area, uint64_t offset, const unsigned char *data)
{
	static const unsigned char zeros[SECTOR];
	unsigned char text[8 + SECTOR];
	struct digest d;

	if (memcmp(data, zeros, SECTOR) == 0)
		return;
	memcpy(text, &offset, 8);
	memcpy(text + 8, data, SECTOR);
	digest_data(text, sizeof(text), &d);
	for (size_t i = 0; i < DIGEST_LEN; i++)
		area->sum.b[i] ^= d.b[i];
}

int replay_read(struct replay *r, uint64_t offset, unsigned char *buf, size_t len, struct err **err)
{
	ssize_t n = pread(r->card, buf, len, (off_t)offset);

	if (n < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read the card");
	memset(buf + n, 0, len - (size_t)n);
	return 0;
}

static int sum_area(struct replay *r, struct area *area, struct err **err)
{
	uint64_t end = area->at + area->size;
	unsigned char buf[64 * SECTOR];

	area->sum = (struct digest){0};
	for (uint64_t at = area->at; at < end; at += sizeof(buf)) {
		size_t len = end - at < sizeof(buf) ? (size_t)(end - at) : sizeof(buf);

		if (replay_read(r, at, buf, len, err) < 0)
			return -1;
		for (size_t k = 0; k < len; k += SECTOR)
			replay_sum_sector(area, at + k, buf + k);
	}
	area->fresh = true;
	return 0;
}

/* The id of the card's state now; a new one if it was never seen. */
static int state_id(struct replay *r, size_t *ret, bool *ret_seen, struct err **err)
{
	struct hasher *h = hasher_new();
	struct digest d;

	for (size_t i = 0; i < r->areas.count; i++) {
		struct area *area = &r->areas.items[i];

		if (area->on && !area->fresh && sum_area(r, area, err) < 0) {
			hasher_free(h);
			return -1;
		}
		hasher_update(h, &area->on, sizeof(area->on));
		if (area->on)
			hasher_update(h, area->sum.b, DIGEST_LEN);
	}
	hasher_finish(h, &d);
	for (size_t i = 0; i < r->states.count; i++) {
		if (digest_eq(&r->states.items[i], &d)) {
			*ret = i;
			*ret_seen = true;
			return 0;
		}
	}
	states_push(&r->states, d);
	*ret = r->states.count - 1;
	*ret_seen = false;
	return 0;
}

int replay_tell(struct replay *r, struct replay_state *s, struct err **err)
{
	if (state_id(r, &s->id, &s->seen, err) < 0)
		return -1;
	return r->events.state ? r->events.state(r->events.arg, s, err) : 0;
}

static int tell_state(struct replay *r, uint64_t write, uint64_t offset, bool torn,
		      struct err **err)
{
	struct replay_state s = {.write = write, .offset = offset, .torn = torn};

	if (state_id(r, &s.id, &s.seen, err) < 0)
		return -1;
	if (s.id == r->last)
		return 0;
	r->last = s.id;
	return r->events.state ? r->events.state(r->events.arg, &s, err) : 0;
}

static int put(struct replay *r, uint64_t offset, const unsigned char *data, uint64_t len,
	       struct err **err)
{
	if (fd_pwrite_all(r->card, "the card", data, (size_t)len, offset, err) < 0)
		return -1;
	if (r->events.wrote && r->events.wrote(r->events.arg, offset, len, err) < 0)
		return -1;
	return r->events.moment ? r->events.moment(r->events.arg, err) : 0;
}

/* One sector of a watched area: what was there, half of it new, all of it new. */
static int put_watched(struct replay *r, size_t index, uint64_t write, uint64_t offset,
		       const unsigned char *data, struct err **err)
{
	unsigned char now[SECTOR], next[SECTOR];

	if (replay_read(r, offset, now, SECTOR, err) < 0)
		return -1;
	for (int torn = 1; torn >= 0; torn--) {
		struct area *area = &r->areas.items[index];

		memcpy(next, data, torn ? SECTOR / 2 : SECTOR);
		if (torn)
			memcpy(next + SECTOR / 2, now + SECTOR / 2, SECTOR / 2);
		if (memcmp(now, next, SECTOR) == 0)
			continue;
		if (area->fresh) {
			replay_sum_sector(area, offset, now);
			replay_sum_sector(area, offset, next);
		}
		if (put(r, offset, next, SECTOR, err) < 0 ||
		    (r->events.changed && r->events.changed(r->events.arg, index, err) < 0) ||
		    tell_state(r, write, offset, torn, err) < 0)
			return -1;
		memcpy(now, next, SECTOR);
	}
	return 0;
}

struct area *replay_area_at(struct replay *r, uint64_t offset, uint64_t end, uint64_t *ret_end)
{
	*ret_end = end;
	for (size_t i = 0; i < r->areas.count; i++) {
		struct area *area = &r->areas.items[i];

		if (!area->on)
			continue;
		if (offset >= area->at && offset < area->at + area->size)
			return area;
		if (offset < area->at && area->at < *ret_end)
			*ret_end = area->at;
	}
	return NULL;
}

static int apply(struct replay *r, const struct blklog_write *w, struct err **err)
{
	static const unsigned char zeros[64 * SECTOR];
	uint64_t end = w->offset + w->size;

	for (uint64_t at = w->offset; at < end;) {
		uint64_t stop;
		struct area *area = replay_area_at(r, at, end, &stop);
		const unsigned char *data = w->data ? w->data + (at - w->offset) : zeros;

		if (area) {
			stop = at + SECTOR;
			if (put_watched(r, (size_t)(area - r->areas.items), w->number, at, data,
					err) < 0)
				return -1;
		} else {
			if (!w->data && stop > at + sizeof(zeros))
				stop = at + sizeof(zeros);
			if (put(r, at, data, stop - at, err) < 0)
				return -1;
		}
		at = stop;
	}
	return 0;
}

static int one_write(struct replay *r, const struct blklog_write *w, struct err **err)
{
	if (w->size > r->size || w->offset > r->size - w->size)
		return err_set(err, E_WRITE_LOG, "it does not lie on the card");
	if (w->flush && r->cached && cache_flush(r, &r->newest, err) < 0)
		return -1;
	if (!w->size)
		return 0;
	r->newest = *w;
	if (r->cached)
		return cache_note(r, w, err) < 0 ? -1 : apply(r, w, err);
	if (card_note(r, w, err) < 0 || apply(r, w, err) < 0)
		return -1;
	return card_tell(r, w, err);
}

int replay_run(struct replay *r, struct err **err)
{
	struct blklog_write w;
	off_t size = lseek(r->card, 0, SEEK_END);
	int rc;

	if (size < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot look at the card");
	r->size = (uint64_t)size;
	if (tell_state(r, 0, 0, false, err) < 0)
		return -1;
	while ((rc = blklog_next(r->log, &w, err)) == 0) {
		if (one_write(r, &w, err) < 0)
			return err_wrap(err, "write %llu", (unsigned long long)w.number);
	}
	if (rc < 0)
		return -1;
	return r->cached ? cache_flush(r, &r->newest, err) : 0;
}
