/* SPDX-License-Identifier: GPL-3.0-or-later */
/* boot-half: the half of its region that the first partition is, and a table that is whole. */
#include <inttypes.h>

#include "base/file.h"
#include "scenario/card.h"
#include "scenario/verb.h"

enum half { HALF_FIRST, HALF_SECOND };
static const char *const half_words[] = {"first", "second", NULL};

struct boot_half {
	struct step_head head;
	int half;
};

static const struct option options[] = {
	{"boot-half", OPT_ENUM, offsetof(struct boot_half, half), OPT_REQUIRED, .words = half_words,
	 .help = "The first partition is the first or second half of its region, both copies of "
		 "the table are whole and the backup is at the card's end. Power is off."},
	STEP_NAME(struct boot_half),
};
static const struct schema schema = SCHEMA(struct boot_half, options);

/* Whether the copies of the partition table say the same. */
static bool same_tables(const struct gpt_slots *a, const struct gpt_slots *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!str_eq(a->items[i].name, b->items[i].name) ||
		    a->items[i].start != b->items[i].start || a->items[i].size != b->items[i].size)
			return false;
	}
	return true;
}

/* The first partition ends where its region's half does: at the next partition, or half before. */
static int check_half(const struct gpt_slots *table, bool second, struct err **err)
{
	const struct gpt_slot *boot = &table->items[0];
	uint64_t next = UINT64_MAX, want;

	for (size_t i = 1; i < table->count; i++) {
		if (table->items[i].start < next)
			next = table->items[i].start;
	}
	want = next - (second ? boot->size : 2 * boot->size);
	if (boot->start == want)
		return 0;
	return err_set(err, ERR_BUILD,
		       "the first partition is at %" PRIu64 ", not at %" PRIu64
		       ", the %s half of its region",
		       boot->start, want, second ? "second" : "first");
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct boot_half *b = opts;
	struct gpt_slots primary = {0}, backup = {0};
	int fd cleanup_fd = card_open(s, err);
	int rc;

	if (fd < 0)
		return -1;
	if (gpt_copy_read(fd, 1, &primary) != 0 || !primary.count)
		rc = err_set(err, ERR_BUILD, "the primary partition table is damaged");
	else if (gpt_copy_read(fd, s->card_size / GPT_SECTOR - 1, &backup) != 0)
		rc = err_set(err, ERR_BUILD,
			     "there is no valid backup of the partition table at the card's end");
	else if (!same_tables(&primary, &backup))
		rc = err_set(err, ERR_BUILD, "the copies of the partition table differ");
	else
		rc = check_half(&primary, b->half == HALF_SECOND, err);
	gpt_slots_clear(&primary);
	gpt_slots_clear(&backup);
	return rc;
}

const struct verb verb_boot_half = {
	.form = {"boot-half", &schema},
	.traits = STEP_NEEDS_OFF,
	.run = run,
};
