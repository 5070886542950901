/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/choice.h"

#include "scenario/card.h"
#include "scenario/console.h"
#include "scenario/remote_card.h"

void chosen_check_keys(const struct chosen *c, struct err_list *errors)
{
	uint64_t n;

	for (size_t i = 0; i < c->tries.count; i++) {
		const struct pair *p = LIST_AT(c->tries, struct pair *, i);

		if (str_u64(p->value, &n) || n > INT16_MAX)
			err_list_at(errors, E_INVALID_VALUE, p->pos,
				    "tries left are a number, found '%s'", p->value);
	}
}

unsigned chosen_traits(const struct chosen *c, unsigned base)
{
	return base | (c->tries.count ? STEP_READS_RUNNING : 0);
}

static void check_slot(const struct target *t, const char *name, struct pos pos,
		       struct err_list *errors)
{
	char *all cleanup_free = target_bootnames(t);

	if (!target_slot(t, name))
		err_list_at(errors, E_UNKNOWN_SLOT, pos, "the device has no slot '%s', only %s",
			    name, all);
}

void chosen_check(const void *opts, const struct target *t, struct pos pos, struct err_list *errors)
{
	const struct chosen *c = opts;

	if (c->slot)
		check_slot(t, c->slot, pos, errors);
	for (size_t i = 0; i < c->tries.count; i++) {
		const struct pair *p = LIST_AT(c->tries, struct pair *, i);

		check_slot(t, p->key, p->pos, errors);
	}
	if (c->tries.count && !t->chooser)
		err_list_at(errors, E_DEVICE_UNKNOWN, pos, "'tries' cannot be known: %s",
			    t->unreadable);
}

int choice_lines_init(struct choice_lines *l, const struct target *t, struct err **err)
{
	l->target = t;
	return regex_compile(t->chosen, &l->regex, err);
}

void choice_lines_clear(struct choice_lines *l)
{
	regfree(&l->regex);
}

int choice_line(const struct choice_lines *l, const char *line, size_t *ret_slot, struct err **err)
{
	const struct target_slots *slots = &l->target->slots;
	regmatch_t found[2];
	size_t len;

	if (regexec(&l->regex, line, 2, found, 0) != 0 || found[1].rm_so < 0)
		return 0;
	line += found[1].rm_so;
	len = (size_t)(found[1].rm_eo - found[1].rm_so);
	for (size_t i = 0; i < slots->count; i++) {
		const char *name = slots->items[i].bootname;

		if (strlen(name) == len && strncmp(name, line, len) == 0) {
			*ret_slot = i;
			return 1;
		}
	}
	return err_set(err, E_SCENARIO_FAILED, "the boot loader chose '%.*s', which is not a slot",
		       (int)len, line);
}

struct hunt {
	struct choice_lines lines;
	size_t slot;
};

static int match_choice(void *arg, const struct scene_line *line, struct err **err)
{
	struct hunt *h = arg;

	return choice_line(&h->lines, line->text, &h->slot, err);
}

int choice_wait(struct stage *s, unsigned seconds, size_t *ret_slot, struct err **err)
{
	struct hunt h;
	struct scene_want want = {
		.fn = match_choice, .arg = &h, .what = "the boot loader chose no slot"};
	int rc;

	if (choice_lines_init(&h.lines, s->target, err) < 0)
		return -1;
	rc = scene_wait(s->scene, &want, seconds, NULL, err);
	choice_lines_clear(&h.lines);
	*ret_slot = h.slot;
	return rc;
}

/* " (order <A B>, left A=2 B=3)" */
static void note_state(const struct stage *s, const struct boot_state *state, struct str *ret)
{
	str_append(ret, " (");
	boot_state_text(state, s->target, ret);
	str_append(ret, ")");
}

static int judge_tries(struct stage *s, const struct chosen *c, const struct boot_state *state,
		       struct err **err)
{
	const struct target_slots *slots = &s->target->slots;
	struct str text cleanup_str = STR_INIT;

	boot_state_text(state, s->target, &text);
	for (size_t i = 0; i < c->tries.count; i++) {
		const struct pair *p = LIST_AT(c->tries, struct pair *, i);
		size_t slot = (size_t)(target_slot(s->target, p->key) - slots->items);

		if (state->left[slot] != atoi(p->value))
			return err_set(err, E_SCENARIO_FAILED, "slot %s has not %s tries left (%s)",
				       p->key, p->value, text.buf);
	}
	return 0;
}

int choice_judge(struct stage *s, const struct chosen *c, size_t slot, struct err **err)
{
	const char *is = s->target->slots.items[slot].bootname;
	struct boot_state state cleanup_boot_state = {0};
	struct str text cleanup_str = STR_INIT;

	bool seen = s->target->chooser && remote_card_is_seen(s);

	if (seen && card_read_state(s, &state, err) < 0)
		return -1;
	if (seen)
		note_state(s, &state, &text);
	if (c->slot && !str_eq(c->slot, is))
		return err_set(err, E_SCENARIO_FAILED, "the boot loader chose slot %s, not %s%s",
			       is, c->slot, text.buf ? text.buf : "");
	return seen ? judge_tries(s, c, &state, err) : 0;
}
