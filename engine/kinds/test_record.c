/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recording what is written to the card, and `power-cuts`: the boots that
 * kinds/test_cuts.h asks for.
 */
#include "base/file.h"
#include "kinds/test_cuts.h"
#include "kinds/test_run.h"

#define BOOT_S 120
#define KERNEL_S 120

int test_start_recording(struct test_run *r, struct err **err)
{
	r->record = arena_printf(r->a->arena, "%s/writes.log", r->a->workdir);
	r->before = arena_printf(r->a->arena, "%s/before.img", r->a->workdir);
	if (unlink(r->before) < 0 && errno != ENOENT)
		return err_errno(err, ERR_ENV, errno, "cannot remove '%s'", r->before);
	if (file_copy(r->card, r->before, 0600, err) < 0)
		return -1;
	return file_write(r->record, "", 0, 0600, false, err);
}

struct boots {
	struct test_run *r;
	const struct test_step *step;
	struct cuts cuts;
};

static int match_kernel(void *arg, const struct scene_line *line, struct err **err)
{
	return strstr(line->text, "Starting kernel") != NULL;
}

/* Until the boot script has chosen, or until the kernel it loaded starts. */
static int see_choice(struct boots *b, bool kernel, struct test_choice *ret, struct err **err)
{
	struct scene_want want = {.fn = match_kernel, .what = "the slot's kernel was not started"};
	struct scene *scene = b->r->scene;

	if (test_wait_choice(b->r, test_within(b->step, BOOT_S), ret, err) < 0)
		return -1;
	if (kernel && scene_wait(scene, &want, test_within(b->step, KERNEL_S), NULL, err) < 0)
		return -1;
	return scene_cut(scene, err);
}

static int boot(void *arg, const char *card, bool kernel, size_t *ret_slot, struct err **err)
{
	struct boots *b = arg;
	struct board_power p = b->r->power;
	struct test_choice c = {0};
	struct err *ignored cleanup_err = NULL;

	p.card = card;
	p.snapshot = true;
	p.media = NULL;
	if (scene_power_on(b->r->scene, &p, true, err) < 0 || see_choice(b, kernel, &c, err) < 0) {
		if (scene_cut(b->r->scene, &ignored) < 0)
			return -1;
		return -1;
	}
	for (size_t i = 0; i < b->cuts.slots.count; i++) {
		if (str_eq(b->cuts.slots.items[i].bootname, c.slot)) {
			*ret_slot = i;
			return 0;
		}
	}
	return err_set(err, ERR_BUILD, "the boot script chose '%s', which is not a slot", c.slot);
}

static void progress(void *arg, uint64_t write, uint64_t writes, uint64_t boots)
{
	struct boots *b = arg;

	action_progress(b->r->a, writes ? (int)(100 * write / writes) : -1,
			"write %llu of %llu, %llu boots", (unsigned long long)write,
			(unsigned long long)writes, (unsigned long long)boots);
}

static void add_images(struct test_run *r, const struct list *refs, struct strs *ret)
{
	for (size_t i = 0; i < refs->count; i++)
		strs_push(ret, action_input(r->a, LIST_AT(*refs, struct ref *, i))->path);
}

static void add_slots(struct test_run *r, struct cuts_slots *ret)
{
	for (size_t i = 0; i < r->o->slots.count; i++) {
		const struct pair *p = LIST_AT(r->o->slots, struct pair *, i);

		cuts_slots_push(ret, (struct cuts_slot){p->key, p->value});
	}
	if (ret->count)
		return;
	cuts_slots_push(ret, (struct cuts_slot){"A", "root-a"});
	cuts_slots_push(ret, (struct cuts_slot){"B", "root-b"});
}

static void note_lost(struct test_run *r, int64_t count, const struct cuts_result *result)
{
	if (board_has_write_cache(&r->board))
		scene_note(
			r->scene,
			"among them %llu moments more: sectors lost since a flush; every subset, "
			"but for %llu of them: each sector alone, all but one, all after each, "
			"and %lld random subsets at a time (seed %d)",
			(unsigned long long)result->lost, (unsigned long long)result->sampled,
			(long long)count, CUTS_SEED);
	else
		scene_note(r->scene,
			   "among them %llu moments more: every subset of %lld lost writes",
			   (unsigned long long)result->lost, (long long)count);
}

int test_power_cuts(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct boots b = {.r = r, .step = s};
	struct cuts_result result = {0};
	int rc;

	b.cuts = (struct cuts){.card = r->before,
			       .log = r->record,
			       .torn = s->power_cuts->torn,
			       .lost_writes = (unsigned)s->power_cuts->lost_writes,
			       .write_cache = board_has_write_cache(&r->board),
			       .most = (uint64_t)s->power_cuts->most,
			       .arg = &b,
			       .boot = boot,
			       .progress = progress};
	test_environment(r->o, b.cuts.env_at, &b.cuts.env_size);
	add_slots(r, &b.cuts.slots);
	add_images(r, &s->power_cuts->roots, &b.cuts.roots);
	add_images(r, &s->power_cuts->boots, &b.cuts.boots);
	rc = cuts_run(&b.cuts, &result, err);
	if (rc == 0)
		scene_note(r->scene, "%llu writes, %llu moments, %llu states, each boots",
			   (unsigned long long)result.writes, (unsigned long long)result.moments,
			   (unsigned long long)result.states);
	if (rc == 0 && s->power_cuts->lost_writes > 1)
		note_lost(r, s->power_cuts->lost_writes, &result);
	cuts_slots_clear(&b.cuts.slots);
	strs_clear(&b.cuts.roots);
	strs_clear(&b.cuts.boots);
	return rc;
}
