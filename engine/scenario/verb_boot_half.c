/* SPDX-License-Identifier: GPL-3.0-or-later */
/* boot-half: the half of its region that the boot partition is, and a table that is whole. */
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
	 .help = "The partition that the device's class of type boot-gpt-switch names is the first "
		 "or second half of its region, both copies of the table are whole and the backup "
		 "is at the card's end. Power is off."},
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

static int check_half(const struct gpt_slots *table, const struct target *t, int half,
		      struct err **err)
{
	const struct gpt_slot *boot = gpt_slot_named(table, t->boot_partition);
	uint64_t want = target_half(t, half == HALF_SECOND);

	if (!boot)
		return err_set(err, E_SCENARIO_FAILED, "the card has no partition '%s'",
			       t->boot_partition);
	if (boot->start == want)
		return 0;
	return err_set(err, E_SCENARIO_FAILED,
		       "partition '%s' is at %" PRIu64 ", not at %" PRIu64
		       ", the %s half of its region",
		       boot->name, boot->start, want, half_words[half]);
}

static void check(const void *opts, const struct target *t, struct pos pos, struct err_list *errors)
{
	target_check_switched(t, "boot-half", pos, errors);
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
		rc = err_set(err, E_SCENARIO_FAILED, "the primary partition table is damaged");
	else if (gpt_copy_read(fd, s->card_size / GPT_SECTOR - 1, &backup) != 0)
		rc = err_set(err, E_SCENARIO_FAILED,
			     "there is no valid backup of the partition table at the card's end");
	else if (!same_tables(&primary, &backup))
		rc = err_set(err, E_SCENARIO_FAILED, "the copies of the partition table differ");
	else
		rc = check_half(&primary, s->target, b->half, err);
	gpt_slots_clear(&primary);
	gpt_slots_clear(&backup);
	return rc;
}

const struct verb verb_boot_half = {
	.form = {"boot-half", &schema},
	.traits = STEP_NEEDS_DEVICE | STEP_NEEDS_OFF | STEP_READS_CARD,
	.check = check,
	.run = run,
};
