/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * boot-choice: the boot loader and every state of what it keeps. Each state is written to the card,
 * the board is started until it has chosen, or given all tries back, and what it chose and saved is
 * compared with the rule of RAUC: the first slot of the order that has tries left, and one try
 * less. Without variables it is every slot with all tries. When all are used up, all are given
 * back; the order stays, and slots that it did not name may come after.
 */
#include "scenario/card.h"
#include "scenario/choice.h"
#include "scenario/choice_rule.h"

#define CHOICE_SLOTS 4 /* their states are too many beyond that */
#define CHOICE_S 120   /* from power-on to the script's line */

static const char *const choice_words[] = {"all", NULL};

struct boot_choice {
	struct step_head head;
	int which; /* all */
};

static const struct option options[] = {
	{"boot-choice", OPT_ENUM, offsetof(struct boot_choice, which), OPT_REQUIRED,
	 .words = choice_words,
	 .help = "all: the boot loader is started with every state of the slots' variables, and "
		 "must choose as RAUC does. No kernel is started."},
	STEP_NAME(struct boot_choice),
	STEP_WITHIN(struct boot_choice, 120),
};
static const struct schema schema = SCHEMA(struct boot_choice, options);

/* -- one boot -- */

struct trial {
	struct stage *s;
	const struct boot_choice *step;
	struct boot_state state;  /* at power-on; its order is not ours */
	struct boot_state wanted; /* afterwards, likewise */
	size_t chosen;            /* by the rule, or CHOICE_NONE */
	const char *text;         /* of the state, for messages */
};

/* The state on the card: nothing but its variables. */
static int write_state(struct trial *t, struct err **err)
{
	struct boot_vars vars cleanup_boot_vars = {0};

	t->s->target->chooser->set(&vars, t->s->target, &t->state);
	return card_write_vars(t->s, &vars, err);
}

/* What is looked out for while the script runs. */
struct spoken {
	const struct stage *s;
	struct choice_lines lines;
	bool full;   /* so it was at power-on: nothing to give back */
	size_t slot; /* CHOICE_NONE: it found none, and gave all tries back */
};

/* Whether all slots have all their tries. */
static bool is_full(const struct target *t, const struct boot_state *s)
{
	for (size_t i = 0; i < t->slots.count; i++)
		if (s->left[i] != (int)t->tries)
			return false;
	return true;
}

/* Whether that is so on the card; no choice leaves it so. */
static bool given_back(const struct stage *s)
{
	struct boot_state is cleanup_boot_state = {0};
	struct err *ignored cleanup_err = NULL;

	return card_read_state(s, &is, &ignored) == 0 && is_full(s->target, &is);
}

static int match_spoken(void *arg, const struct scene_line *line, struct err **err)
{
	struct spoken *said = arg;
	int rc = choice_line(&said->lines, line->text, &said->slot, err);

	if (rc != 0 || said->full || !given_back(said->s))
		return rc;
	said->slot = CHOICE_NONE;
	return 1;
}

static int boot(struct trial *t, size_t *ret_slot, struct err **err)
{
	struct spoken said = {.s = t->s, .full = is_full(t->s->target, &t->state)};
	struct scene_want want = {
		.fn = match_spoken, .arg = &said, .what = "the boot loader chose no slot"};
	int rc;

	if (stage_power_on(t->s, NULL, err) < 0 ||
	    choice_lines_init(&said.lines, t->s->target, err) < 0)
		return -1;
	rc = scene_wait(t->s->scene, &want, step_within(&t->step->head, CHOICE_S), NULL, err);
	choice_lines_clear(&said.lines);
	*ret_slot = said.slot;
	return rc < 0 ? -1 : scene_cut(t->s->scene, err);
}

/* IS may name more slots after those of ORDER when all tries were given back. */
static bool order_kept(const struct trial *t, const char *order, const char *is)
{
	size_t len = strlen(order);

	if (t->chosen != CHOICE_NONE)
		return str_eq(is, order);
	return strncmp(is, order, len) == 0 && (!is[len] || is[len] == ' ');
}

static int check_saved(struct trial *t, struct err **err)
{
	const struct target *target = t->s->target;
	struct boot_state is cleanup_boot_state = {0};
	char *all cleanup_free = target_bootnames(target);
	const char *order = t->wanted.order && *t->wanted.order ? t->wanted.order : all;

	if (card_read_state(t->s, &is, err) < 0)
		return -1;
	if (!is.order || !order_kept(t, order, is.order))
		return err_set(err, E_SCENARIO_FAILED, "%s: the order was saved as '%s', not '%s'",
			       t->text, is.order ? is.order : "", order);
	for (size_t i = 0; i < target->slots.count; i++) {
		if (is.left[i] != t->wanted.left[i])
			return err_set(err, E_SCENARIO_FAILED,
				       "%s: the tries of %s were saved as %d, not %d", t->text,
				       target->slots.items[i].bootname, is.left[i],
				       t->wanted.left[i]);
	}
	return 0;
}

static const char *name_of(const struct trial *t, size_t slot)
{
	return slot == CHOICE_NONE ? "none" : t->s->target->slots.items[slot].bootname;
}

static int try_state(struct trial *t, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	size_t slot;

	boot_state_text(&t->state, t->s->target, &text);
	t->text = text.buf;
	t->wanted = t->state;
	t->chosen = choice_rule(t->s->target, &t->wanted);
	if (write_state(t, err) < 0 || boot(t, &slot, err) < 0)
		return err_wrap(err, "%s", text.buf);
	if (slot != t->chosen)
		return err_set(err, E_SCENARIO_FAILED,
			       "%s: the boot loader chose %s, RAUC's rule is %s", text.buf,
			       name_of(t, slot), name_of(t, t->chosen));
	return check_saved(t, err);
}

/* -- all of them -- */

DEFINE_VEC(orders, char *)

/* Every order of some of the slots: none set, each alone, each pair both ways. Arena. */
static void all_orders(struct stage *s, struct orders *ret)
{
	const struct target_slots *slots = &s->target->slots;

	orders_push(ret, NULL);
	for (size_t i = 0; i < slots->count; i++) {
		const char *first = slots->items[i].bootname;

		orders_push(ret, arena_strdup(s->arena, first));
		for (size_t k = 0; k < slots->count; k++) {
			if (k != i)
				orders_push(ret, arena_printf(s->arena, "%s %s", first,
							      slots->items[k].bootname));
		}
	}
}

/* State N: an order, and for each slot not set, 0, 1, ... all tries. */
static void number_state(struct trial *t, const struct orders *orders, size_t n)
{
	const struct target *target = t->s->target;
	size_t rest = n / orders->count, values = target->tries + 2;

	t->state.order = orders->items[n % orders->count];
	for (size_t i = 0; i < target->slots.count; i++) {
		t->state.left[i] = (int)(rest % values) + LEFT_UNSET;
		rest /= values;
	}
}

static void check(const void *opts, const struct target *t, struct pos pos, struct err_list *errors)
{
	if (t->slots.count > CHOICE_SLOTS)
		err_list_at(errors, E_DEVICE_LAYOUT, pos, "'boot-choice' knows at most %d slots",
			    CHOICE_SLOTS);
	if (!t->tries)
		err_list_at(errors, E_DEVICE_UNKNOWN, pos,
			    "'boot-choice' needs to know how often a slot is tried: give the "
			    "device's boot loader 'tries'");
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	struct trial t = {.s = s, .step = opts};
	struct orders orders = {0};
	size_t all;
	int rc = 0;

	all_orders(s, &orders);
	all = orders.count;
	for (size_t i = 0; i < s->target->slots.count; i++)
		all *= s->target->tries + 2;
	for (size_t n = 0; n < all && rc == 0; n++) {
		number_state(&t, &orders, n);
		stage_progress(s, (int)(100 * n / all), "state %zu of %zu", n + 1, all);
		rc = try_state(&t, err);
	}
	if (rc == 0)
		scene_note(s->scene, "%zu states, each chosen as RAUC does", all);
	orders_clear(&orders);
	return rc;
}

const struct verb verb_boot_choice = {
	.form = {"boot-choice", &schema},
	.traits = STEP_NEEDS_DEVICE | STEP_NEEDS_CHOOSER | STEP_NEEDS_OFF | STEP_NEEDS_BOOT |
		  STEP_NEEDS_QEMU,
	.check = check,
	.run = run,
};
