/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/cuts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "media/disk/blklog.h"
#include "media/disk/gpt_copy.h"
#include "media/disk/match.h"

#define PROGRESS_EVERY 65536 /* writes */

struct known {
	const char *image;
	size_t place; /* slot, or half of the boot region */
	struct match *match;
};
DEFINE_VEC(knowns, struct known)
DEFINE_VEC(choices, size_t)

struct run {
	const struct cuts *c;
	struct cuts_result result;
	int card;
	uint64_t size; /* of the card */
	struct blklog *log;
	struct replay *replay;
	struct knowns roots, boots;
	size_t half_area[2];
	int half;               /* in use, 0 where none is switched; -1: no valid table */
	struct choices choices; /* slot, by the id of a state */
	size_t choice;          /* now */
	struct gpt_slots table; /* of the card as it began */
	struct strs started;    /* images whose kernel was seen starting */
	uint64_t wrote;
};

static const struct known *whole(const struct knowns *v, size_t place)
{
	for (size_t i = 0; i < v->count; i++) {
		if (v->items[i].place == place && match_equal(v->items[i].match))
			return &v->items[i];
	}
	return NULL;
}

/* The image that is nearest to being whole at PLACE, for messages. */
static int broken(const struct knowns *v, size_t place, const char *what, const char *name,
		  struct err **err)
{
	const struct known *best = NULL;

	for (size_t i = 0; i < v->count; i++) {
		const struct known *k = &v->items[i];

		if (k->place == place &&
		    (!best || match_differing(k->match) < match_differing(best->match)))
			best = k;
	}
	return err_set(err, E_SCENARIO_FAILED,
		       "%s '%s' would be used, and is not a whole image: %llu sectors differ from "
		       "the nearest, '%s'",
		       what, name, best ? (unsigned long long)match_differing(best->match) : 0,
		       best ? best->image : "none");
}

/* What would be booted now is whole. */
static int check_whole(struct run *r, struct err **err)
{
	if (r->half < 0)
		return err_set(err, E_NO_PARTITION_TABLE,
			       "no copy of the partition table is valid");
	if (r->boots.count && !whole(&r->boots, (size_t)r->half))
		return broken(&r->boots, (size_t)r->half, "half of the boot region",
			      r->half ? "second" : "first", err);
	if (!whole(&r->roots, r->choice))
		return broken(&r->roots, r->choice, "slot",
			      r->c->target->slots.items[r->choice].bootname, err);
	return 0;
}

/* ---- where things are ---- */

static bool switched(const struct run *r)
{
	return r->c->target->boot_partition != NULL;
}

/* Which half of the region the table on the card names. */
static void find_half(struct run *r)
{
	struct gpt_slots table = {0};
	const struct gpt_slot *boot = NULL;

	r->half = -1;
	if (gpt_copy_any(r->card, r->size, &table) == 0) {
		if (!switched(r))
			r->half = 0;
		else
			boot = gpt_slot_named(&table, r->c->target->boot_partition);
	}
	for (int i = 0; boot && i < 2; i++) {
		if (boot->start == target_half(r->c->target, (unsigned)i))
			r->half = i;
	}
	gpt_slots_clear(&table);
	for (int i = 0; switched(r) && i < 2; i++)
		replay_watch(r->replay, r->half_area[i], r->half == i);
}

static int add_known(struct run *r, struct knowns *v, uint64_t at, size_t place, const char *image,
		     struct err **err)
{
	struct known *k = knowns_at_end(v);

	*k = (struct known){.image = image, .place = place};
	return match_new(r->card, at, image, &k->match, err);
}

static int find_images(struct run *r, struct err **err)
{
	for (size_t i = 0; i < r->c->target->slots.count; i++) {
		const struct target_slot *slot = &r->c->target->slots.items[i];
		const struct gpt_slot *part = gpt_slot_named(&r->table, slot->partition);

		if (!part)
			return err_set(err, E_CARD_LAYOUT, "the card has no partition '%s'",
				       slot->partition);
		for (size_t k = 0; k < r->c->roots.count; k++)
			if (add_known(r, &r->roots, part->start, i, r->c->roots.items[k], err) < 0)
				return -1;
	}
	for (size_t half = 0; half < 2; half++)
		for (size_t k = 0; k < r->c->boots.count; k++)
			if (add_known(r, &r->boots, target_half(r->c->target, (unsigned)half), half,
				      r->c->boots.items[k], err) < 0)
				return -1;
	return 0;
}

/* ---- the replay ---- */

static int on_changed(void *arg, size_t area, struct err **err)
{
	find_half(arg);
	return 0;
}

static int on_wrote(void *arg, uint64_t offset, uint64_t size, struct err **err)
{
	struct run *r = arg;

	for (size_t i = 0; i < r->roots.count; i++)
		if (match_update(r->roots.items[i].match, offset, size, err) < 0)
			return -1;
	for (size_t i = 0; i < r->boots.count; i++)
		if (match_update(r->boots.items[i].match, offset, size, err) < 0)
			return -1;
	return 0;
}

static int on_moment(void *arg, struct err **err)
{
	struct run *r = arg;

	if (++r->wrote % PROGRESS_EVERY == 0 && r->c->progress)
		r->c->progress(r->c->arg, r->wrote, blklog_count(r->log), r->result.states);
	return r->half < 0 ? 0 : check_whole(r, err); /* a table that is gone is a state's matter */
}

/* Whether bytes belong to the slot that is chosen now; the boot half in use is a watched area. */
static bool in_use(void *arg, uint64_t offset, uint64_t size)
{
	const struct run *r = arg;
	const struct gpt_slot *part =
		gpt_slot_named(&r->table, r->c->target->slots.items[r->choice].partition);

	return offset < part->start + part->size && part->start < offset + size;
}

static bool started(const struct run *r, const char *image)
{
	for (size_t i = 0; i < r->started.count; i++) {
		if (strcmp(r->started.items[i], image) == 0)
			return true;
	}
	return false;
}

/* A state that was never seen: which slot does the firmware choose? */
static int boot(struct run *r, size_t *ret_choice, struct err **err)
{
	const struct cuts *c = r->c;
	bool all = true;

	if (c->most && r->result.states >= c->most)
		return err_set(err, E_TOO_MANY_STATES,
			       "more than %llu states to boot: raise 'most'",
			       (unsigned long long)c->most);
	for (size_t i = 0; i < c->roots.count; i++)
		all = all && started(r, c->roots.items[i]);
	r->result.states++;
	if (c->progress)
		c->progress(c->arg, r->wrote, blklog_count(r->log), r->result.states);
	return c->boot(c->arg, c->card, !all, ret_choice, err);
}

/* Prefixes an error with the moment it is about. Returns -1. */
static int at_moment(const struct replay_state *s, struct err **err)
{
	unsigned long long write = s->write, offset = s->offset;

	if (s->lost)
		return err_wrap(err, "cut after write %llu, with %u of those before it lost", write,
				s->lost);
	return err_wrap(err, "cut after write %llu, %sat byte %llu", write,
			s->torn ? "which is torn " : "", offset);
}

/* What the firmware does in this state. */
static int look_at(struct run *r, const struct replay_state *s, struct err **err)
{
	bool skip = s->torn && !r->c->torn; /* nothing is asked of it */
	const struct known *k;
	size_t choice = r->choice;

	if (!s->seen) {
		if (!skip && boot(r, &choice, err) < 0)
			return -1;
		choices_push(&r->choices, choice);
	}
	r->choice = r->choices.items[s->id];
	if (skip)
		return 0;
	if (check_whole(r, err) < 0)
		return -1;
	k = whole(&r->roots, r->choice);
	if (!started(r, k->image))
		strs_push(&r->started, k->image); /* boot() saw to it */
	return 0;
}

static int on_state(void *arg, const struct replay_state *s, struct err **err)
{
	struct run *r = arg;
	size_t choice = r->choice;

	if (s->lost)
		r->result.lost++;
	else
		r->result.moments++;
	if (look_at(r, s, err) < 0)
		return at_moment(s, err);
	if (s->lost) /* the card goes back to where it was */
		r->choice = choice;
	return 0;
}

static int replay(struct run *r, struct err **err)
{
	const struct cuts *c = r->c;
	struct replay_events events = {.arg = r,
				       .changed = on_changed,
				       .state = on_state,
				       .wrote = on_wrote,
				       .moment = on_moment,
				       .in_use = in_use};
	uint64_t backup = (GPT_HEAD_SECTORS - 1) * GPT_SECTOR;

	replay_new(r->log, r->card, &events, &r->replay);
	for (size_t i = 0; i < c->target->area_count; i++)
		replay_area(r->replay, c->target->areas[i].at, c->target->areas[i].size, true);
	replay_area(r->replay, 0, GPT_HEAD_SECTORS * GPT_SECTOR, true);
	replay_area(r->replay, r->size - backup, backup, true);
	for (int i = 0; switched(r) && i < 2; i++)
		r->half_area[i] = replay_area(r->replay, target_half(c->target, (unsigned)i),
					      c->target->region.size / 2, false);
	if (!c->write_cache)
		replay_lose(r->replay, c->lost_writes);
	else if (c->lost_writes > 1)
		replay_lose_unflushed(r->replay, c->lost_writes, CUTS_SEED);
	for (size_t i = 0; i < c->target->slots.count; i++) {
		const struct gpt_slot *part =
			gpt_slot_named(&r->table, c->target->slots.items[i].partition);

		replay_keep(r->replay, part->start, part->size);
	}
	find_half(r);
	return replay_run(r->replay, err);
}

static int open_all(struct run *r, struct err **err)
{
	struct stat st;

	r->card = open(r->c->card, O_RDWR | O_CLOEXEC);
	if (r->card < 0 || fstat(r->card, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", r->c->card);
	r->size = (uint64_t)st.st_size;
	if (blklog_open(r->c->log, &r->log, err) < 0)
		return -1;
	if (gpt_copy_any(r->card, r->size, &r->table) != 0)
		return err_set(err, E_CARD_LAYOUT, "the card has no valid partition table");
	if (switched(r) && !gpt_slot_named(&r->table, r->c->target->boot_partition))
		return err_set(err, E_CARD_LAYOUT, "the card has no partition '%s'",
			       r->c->target->boot_partition);
	return find_images(r, err);
}

static void close_all(struct run *r)
{
	for (size_t i = 0; i < r->roots.count; i++)
		match_free(r->roots.items[i].match);
	for (size_t i = 0; i < r->boots.count; i++)
		match_free(r->boots.items[i].match);
	knowns_clear(&r->roots);
	knowns_clear(&r->boots);
	choices_clear(&r->choices);
	strs_clear(&r->started);
	gpt_slots_clear(&r->table);
	replay_free(r->replay);
	blklog_free(r->log);
	if (r->card >= 0)
		close(r->card);
}

int cuts_run(const struct cuts *c, struct cuts_result *ret, struct err **err)
{
	struct run r = {.c = c, .card = -1, .half = -1};
	int rc = open_all(&r, err);

	if (!rc)
		rc = replay(&r, err);
	if (!rc) {
		r.result.writes = blklog_count(r.log);
		r.result.sampled = replay_sampled(r.replay);
		*ret = r.result;
	}
	close_all(&r);
	return rc;
}
