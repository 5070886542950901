/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * boot-choice: the boot script and every state of the slots' variables. Each state is written to
 * the card, the board is started until the script has spoken, and what it chose and saved is
 * compared with the rule of RAUC: the first slot of BOOT_ORDER that has tries left, and one try
 * less. Without variables it is every slot with all tries. When all are used up, all are given
 * back; the order stays, and slots that it did not name may come after.
 */
#include "scenario/card.h"
#include "scenario/choice.h"
#include "scenario/choice_rule.h"

#define CHOICE_S 120 /* from power-on to the script's line */

static const char *const choice_words[] = {"all", NULL};

struct boot_choice {
	struct step_head head;
	int which; /* all */
};

static const struct option options[] = {
	{"boot-choice", OPT_ENUM, offsetof(struct boot_choice, which), OPT_REQUIRED,
	 .words = choice_words,
	 .help = "all: the boot script is started with every state of the slots' variables, and "
		 "must choose as RAUC does. No kernel is started."},
	STEP_NAME(struct boot_choice),
	STEP_WITHIN(struct boot_choice, 120),
};
static const struct schema schema = SCHEMA(struct boot_choice, options);

/* -- one boot -- */

struct trial {
	struct stage *s;
	const struct boot_choice *step;
	struct choice_state state;
	const char *text; /* for messages */
};

/* The state on the card: nothing but its variables. */
static int write_state(struct trial *t, struct err **err)
{
	struct uboot_env e cleanup_uboot_env = {.newer = -1};

	uboot_env_set(&e, "BOOT_ORDER", t->state.order);
	for (size_t i = 0; i < t->state.count; i++) {
		char *name cleanup_free = xasprintf("BOOT_%s_LEFT", t->state.slots[i]);

		uboot_env_set(&e, name, t->state.left[i]);
	}
	return card_write_env(t->s, &e, err);
}

struct spoken {
	bool chosen; /* else the script found no slot */
	struct choice choice;
};

static int match_spoken(void *arg, const struct scene_line *line, struct err **err)
{
	struct spoken *s = arg;

	s->chosen = choice_parse(line->text, &s->choice) == 0;
	return s->chosen || choice_is_none(line->text);
}

static int boot(struct trial *t, struct spoken *ret, struct err **err)
{
	struct scene_want want = {
		.fn = match_spoken, .arg = ret, .what = "the boot script said nothing"};

	if (stage_power_on(t->s, NULL, err) < 0 ||
	    scene_wait(t->s->scene, &want, step_within(&t->step->head, CHOICE_S), NULL, err) < 0)
		return -1;
	return scene_cut(t->s->scene, err);
}

static bool order_kept(const struct trial *t, const char *order, const char *is)
{
	size_t len = strlen(order);

	if (t->state.chosen != CHOICE_NONE)
		return str_eq(is, order);
	return strncmp(is, order, len) == 0 && (!is[len] || is[len] == ' ');
}

static int check_saved(struct trial *t, struct err **err)
{
	struct uboot_env e cleanup_uboot_env = {.newer = -1};
	const char *order = t->state.order && *t->state.order ? t->state.order : t->state.all;
	const char *is;

	if (card_read_env(t->s, &e, err) < 0)
		return -1;
	is = uboot_env_get(&e, "BOOT_ORDER");
	if (!is || !order_kept(t, order, is))
		return err_set(err, ERR_BUILD, "%s: BOOT_ORDER was saved as '%s', not '%s'",
			       t->text, is ? is : "", order);
	for (size_t i = 0; i < t->state.count; i++) {
		char *name cleanup_free = xasprintf("BOOT_%s_LEFT", t->state.slots[i]);

		is = uboot_env_get(&e, name);
		if (!is || strtoul(is, NULL, 16) != t->state.tries[i])
			return err_set(err, ERR_BUILD, "%s: %s was saved as '%s', not %u", t->text,
				       name, is ? is : "", t->state.tries[i]);
	}
	return 0;
}

static int try_state(struct trial *t, struct err **err)
{
	struct choice_state *c = &t->state;
	struct str text cleanup_str = STR_INIT;
	struct spoken said = {0};
	const char *want;

	str_printf(&text, "BOOT_ORDER %s%s%s", c->order ? "'" : "", c->order ? c->order : "not set",
		   c->order ? "'" : "");
	for (size_t i = 0; i < c->count; i++)
		str_printf(&text, ", %s %s", c->slots[i], c->left[i] ? c->left[i] : "not set");
	t->text = text.buf;
	c->chosen = choice_rule(c);
	want = c->chosen == CHOICE_NONE ? "none" : c->slots[c->chosen];
	if (write_state(t, err) < 0 || boot(t, &said, err) < 0)
		return err_wrap(err, "%s", text.buf);
	if (!str_eq(said.chosen ? said.choice.slot : "none", want))
		return err_set(err, ERR_BUILD, "%s: the boot script chose %s, RAUC's rule is %s",
			       text.buf, said.chosen ? said.choice.slot : "none", want);
	return check_saved(t, err);
}

/* -- all of them -- */

static const char *const counters[] = {NULL, "0", "1", "2", "3"};

/* Every order of some of the slots: none set, each alone, each pair both ways. */
static size_t all_orders(struct stage *s, const struct choice_state *c, const char **ret)
{
	size_t n = 0;

	ret[n++] = NULL;
	for (size_t i = 0; i < c->count; i++) {
		ret[n++] = c->slots[i];
		for (size_t k = 0; k < c->count; k++) {
			if (k != i)
				ret[n++] =
					arena_printf(s->arena, "%s %s", c->slots[i], c->slots[k]);
		}
	}
	return n;
}

static void name_slots(struct stage *s, struct choice_state *c)
{
	const struct target_slots *slots = &s->target->slots;
	struct str all cleanup_str = STR_INIT;

	c->count = slots->count;
	for (size_t i = 0; i < c->count; i++) {
		c->slots[i] = slots->items[i].bootname;
		str_printf(&all, "%s%s", i ? " " : "", c->slots[i]);
	}
	c->all = arena_strdup(s->arena, all.buf);
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	struct trial t = {.s = s, .step = opts};
	const char *orders[1 + CHOICE_SLOTS * CHOICE_SLOTS];
	size_t states = array_len(counters), count, all;

	if (s->target->slots.count > CHOICE_SLOTS)
		return err_set(err, ERR_USER, "'boot-choice' knows at most %d slots", CHOICE_SLOTS);
	name_slots(s, &t.state);
	count = all_orders(s, &t.state, orders);
	for (size_t i = 1; i < t.state.count; i++)
		states *= array_len(counters);
	all = states * count;
	for (size_t n = 0; n < all; n++) {
		size_t rest = n / count;

		t.state.order = orders[n % count];
		for (size_t i = 0; i < t.state.count; i++) {
			t.state.left[i] = counters[rest % array_len(counters)];
			rest /= array_len(counters);
		}
		stage_progress(s, (int)(100 * n / all), "state %zu of %zu", n + 1, all);
		if (try_state(&t, err) < 0)
			return -1;
	}
	scene_note(s->scene, "%zu states, each chosen as RAUC does", all);
	return 0;
}

const struct verb verb_boot_choice = {
	.form = {"boot-choice", &schema},
	.traits = STEP_NEEDS_OFF,
	.run = run,
};
