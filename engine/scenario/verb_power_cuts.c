/* SPDX-License-Identifier: GPL-3.0-or-later */
/* power-cuts: after a recorded power-on, the boots that scenario/cuts.h asks for. */
#include "media/disk/blklog.h"
#include "scenario/choice.h"
#include "scenario/chooser.h"
#include "scenario/cuts.h"

#define BOOT_S 120
#define KERNEL_S 120
#define LOST_MAX 1000 /* random subsets of a disk's */

/* What the slots may hold when the power was cut anywhere. */
struct cuts_wanted {
	struct list roots, boots; /* of struct ref *: whole images, old and new */
	bool torn;                /* also with the last write done by half */
	int64_t lost_writes;      /* any of so many last ones may be lost; 1 to LOST_MAX */
	int64_t most;             /* boots at most; 0: no limit */
};

#define AT(field) offsetof(struct cuts_wanted, field)
static const struct option wanted_options[] = {
	{"roots", OPT_REF, AT(roots), OPT_LIST | OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "Every image that a root slot may hold when it is chosen: old and new.",
	 .example = "[root, \"tests/v2:root.img\"]"},
	{"boots", OPT_REF, AT(boots), OPT_LIST, .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "Every image that the boot partition may hold, if updates switch it.",
	 .example = "[boot, \"tests/v2:boot.img\"]"},
	{"torn", OPT_BOOL, AT(torn), .def = "true",
	 .help = "Also with the last write done by half, sector by sector."},
	{"lost-writes", OPT_INT, AT(lost_writes), .def = "1",
	 .help = "Any of so many last writes may be lost, all subsets (1 to 12): an SD card holds "
		 "writes back and knows no flush. 1: none but the last one. On a board whose card "
		 "is virtio or nvme: any sector since the last flush, all subsets of up to 12; of "
		 "more each alone, all but one, all after each, and so many random ones (2 to "
		 "1000).",
	 .example = "8"},
	{"most", OPT_INT, AT(most),
	 .help = "Fails when more boots than this would be needed; without it there is no limit."},
};
#undef AT

static void check_wanted(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct cuts_wanted *c = data;

	if (c->lost_writes < 1 || c->lost_writes > LOST_MAX)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "lost-writes"),
			    "'lost-writes' is %lld: a number from 1 to %d is wanted, and of an SD "
			    "card to %d: every subset of so many writes is tried",
			    (long long)c->lost_writes, LOST_MAX, REPLAY_LOST_MAX);
}

static const struct schema wanted_schema =
	SCHEMA(struct cuts_wanted, wanted_options, .check = check_wanted);

struct power_cuts {
	struct step_head head;
	struct cuts_wanted *wanted;
};

static const struct option options[] = {
	{"power-cuts", OPT_STRUCT, offsetof(struct power_cuts, wanted), .sub = &wanted_schema,
	 .help = "After a recorded power-on: the card as it was after each write and, torn, in the "
		 "middle of it must boot a whole slot; with the firmware's "
		 "variables as they were before, too."},
	STEP_NAME(struct power_cuts),
	STEP_WITHIN(struct power_cuts, 120),
};
static const struct schema schema = SCHEMA(struct power_cuts, options);

static void check(const void *opts, const struct target *t, struct pos pos, struct err_list *errors)
{
	const struct power_cuts *p = opts;

	if (p->wanted->boots.count)
		target_check_switched(t, "power-cuts: boots", pos, errors);
	else if (t->boot_partition)
		err_list_at(errors, E_MISSING_KEY, pos,
			    "'power-cuts' needs 'boots': updates of this device switch '%s'",
			    t->boot_partition);
}

static int refuse(const void *opts, const struct board *board, const char *name, struct str *ret)
{
	const struct power_cuts *p = opts;

	if (p->wanted->lost_writes <= REPLAY_LOST_MAX || board_has_write_cache(board))
		return 0;
	str_printf(ret,
		   "'lost-writes' is at most %d on board '%s': an SD card has no flush, and every "
		   "subset is tried",
		   REPLAY_LOST_MAX, name);
	return 1;
}

struct boots {
	struct stage *s;
	const struct power_cuts *step;
	struct cuts cuts;
};

static int match_kernel(void *arg, const struct scene_line *line, struct err **err)
{
	const struct boots *b = arg;

	return strstr(line->text, b->s->target->chooser->starts_kernel) != NULL;
}

/* Until the boot script has chosen, or until the kernel it loaded starts. */
static int see_choice(struct boots *b, bool kernel, size_t *ret, struct err **err)
{
	struct scene_want want = {
		.fn = match_kernel, .arg = b, .what = "the slot's kernel was not started"};
	struct scene *scene = b->s->scene;
	const struct step_head *head = &b->step->head;

	if (choice_wait(b->s, step_within(head, BOOT_S), ret, err) < 0)
		return -1;
	if (kernel && scene_wait(scene, &want, step_within(head, KERNEL_S), NULL, err) < 0)
		return -1;
	return scene_cut(scene, err);
}

static int boot_with(struct boots *b, const char *variables, const char *card, bool kernel,
		     size_t *ret_slot, struct err **err)
{
	struct board_power p = b->s->power;
	struct err *ignored cleanup_err = NULL;

	p.card = card;
	p.variables = variables;
	p.snapshot = true;
	p.media = NULL;
	if (scene_power_on(b->s->scene, &p, true, err) == 0 &&
	    see_choice(b, kernel, ret_slot, err) == 0)
		return 0;
	if (scene_cut(b->s->scene, &ignored) < 0)
		scene_note(b->s->scene, "%s", ignored->text);
	return -1;
}

/* With the firmware's variables as they are now and as they were: the same slot. */
static int boot(void *arg, const char *card, bool kernel, size_t *ret_slot, struct err **err)
{
	struct boots *b = arg;
	const struct target_slots *slots = &b->s->target->slots;
	size_t before;

	if (boot_with(b, b->s->variables, card, kernel, ret_slot, err) < 0)
		return -1;
	if (!b->s->variables_before)
		return 0;
	if (boot_with(b, b->s->variables_before, card, kernel, &before, err) < 0)
		return err_wrap(err, "with the firmware's variables from before");
	if (before == *ret_slot)
		return 0;
	return err_set(err, E_SCENARIO_FAILED,
		       "slot %s is chosen, and %s with the firmware's variables from before",
		       slots->items[*ret_slot].bootname, slots->items[before].bootname);
}

static void progress(void *arg, uint64_t write, uint64_t writes, uint64_t boots)
{
	struct boots *b = arg;

	stage_progress(b->s, writes ? (int)(100 * write / writes) : -1,
		       "write %llu of %llu, %llu boots", (unsigned long long)write,
		       (unsigned long long)writes, (unsigned long long)boots);
}

static void add_images(struct stage *s, const struct list *refs, struct strs *ret)
{
	for (size_t i = 0; i < refs->count; i++)
		strs_push(ret, stage_path(s, LIST_AT(*refs, struct ref *, i)));
}

static void note_lost(struct stage *s, int64_t count, const struct cuts_result *result)
{
	if (board_has_write_cache(s->board))
		scene_note(
			s->scene,
			"among them %llu moments more: sectors lost since a flush; every subset, "
			"but for %llu of them: each sector alone, all but one, all after each, "
			"and %lld random subsets at a time (seed %d)",
			(unsigned long long)result->lost, (unsigned long long)result->sampled,
			(long long)count, CUTS_SEED);
	else
		scene_note(s->scene,
			   "among them %llu moments more: every subset of %lld lost writes",
			   (unsigned long long)result->lost, (long long)count);
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	struct boots b = {.s = s, .step = opts};
	const struct cuts_wanted *wanted = b.step->wanted;
	struct cuts_result result = {0};
	int rc;

	b.cuts = (struct cuts){.card = s->before,
			       .log = s->record,
			       .torn = wanted->torn,
			       .lost_writes = (unsigned)wanted->lost_writes,
			       .write_cache = board_has_write_cache(s->board),
			       .target = s->target,
			       .most = (uint64_t)wanted->most,
			       .arg = &b,
			       .boot = boot,
			       .progress = progress};
	add_images(s, &wanted->roots, &b.cuts.roots);
	add_images(s, &wanted->boots, &b.cuts.boots);
	rc = cuts_run(&b.cuts, &result, err);
	if (rc == 0)
		scene_note(s->scene, "%llu writes, %llu moments, %llu states, each boots%s",
			   (unsigned long long)result.writes, (unsigned long long)result.moments,
			   (unsigned long long)result.states,
			   s->variables_before ? ", with the firmware's variables of before, too"
					       : "");
	if (rc == 0 && wanted->lost_writes > 1)
		note_lost(s, wanted->lost_writes, &result);
	strs_clear(&b.cuts.roots);
	strs_clear(&b.cuts.boots);
	return rc;
}

const struct verb verb_power_cuts = {
	.form = {"power-cuts", &schema},
	.traits = STEP_NEEDS_DEVICE | STEP_NEEDS_CHOOSER | STEP_NEEDS_OFF | STEP_NEEDS_RECORD |
		  STEP_NEEDS_BOOT | STEP_NEEDS_QEMU,
	.check = check,
	.refuse = refuse,
	.run = run,
};
