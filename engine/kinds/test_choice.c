/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boot script and every state of the slots' variables. Each state is written to the card, the
 * board is started until the script has spoken, and what it chose and saved is compared with the
 * rule of RAUC: the first slot of BOOT_ORDER that has tries left, and one try less. Without
 * variables it is every slot with three tries. When all are used up, all are given back; the order
 * stays, and slots that it did not name may come behind.
 */
#include "kinds/test_choice.h"

#include "kinds/test_run.h"

#define CHOICE_S 120 /* from power-on to the script's line */

/* -- the rule -- */

static unsigned tries(const char *text)
{
	return text && *text ? (unsigned)strtoul(text, NULL, 16) : CHOICE_TRIES;
}

static size_t slot_index(const struct choice_state *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->count; i++) {
		if (strlen(c->slots[i]) == len && strncmp(c->slots[i], name, len) == 0)
			return i;
	}
	return CHOICE_NONE;
}

size_t choice_rule(struct choice_state *c)
{
	const char *order = c->order && *c->order ? c->order : c->all;

	for (size_t i = 0; i < c->count; i++)
		c->tries[i] = tries(c->left[i]);
	for (const char *p = order; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " "), slot = slot_index(c, p, len);

		if (slot != CHOICE_NONE && c->tries[slot] > 0) {
			c->tries[slot]--;
			return slot;
		}
		p += len;
	}
	for (size_t i = 0; i < c->count; i++)
		c->tries[i] = CHOICE_TRIES;
	return CHOICE_NONE;
}

/* -- one boot -- */

struct trial {
	struct test_run *r;
	const struct test_step *step;
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
	return test_write_env(t->r, t->r->card, &e, err);
}

struct spoken {
	bool chosen; /* else the script found no slot */
	struct test_choice choice;
};

static int match_spoken(void *arg, const struct scene_line *line, struct err **err)
{
	struct spoken *s = arg;

	s->chosen = test_choice_parse(line->text, &s->choice) == 0;
	return s->chosen || strstr(line->text, "BOOT: no slot left") != NULL;
}

static int boot(struct trial *t, struct spoken *ret, struct err **err)
{
	struct scene_want want = {
		.fn = match_spoken, .arg = ret, .what = "the boot script said nothing"};

	if (test_start(t->r, t->r->card, t->step, err) < 0 ||
	    scene_wait(t->r->scene, &want, test_within(t->step, CHOICE_S), NULL, err) < 0)
		return -1;
	return scene_cut(t->r->scene, err);
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

	if (test_read_env(t->r, t->r->card, &e, err) < 0)
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
static size_t all_orders(struct test_run *r, const struct choice_state *c, const char **ret)
{
	size_t n = 0;

	ret[n++] = NULL;
	for (size_t i = 0; i < c->count; i++) {
		ret[n++] = c->slots[i];
		for (size_t k = 0; k < c->count; k++) {
			if (k != i)
				ret[n++] = arena_printf(r->a->arena, "%s %s", c->slots[i],
							c->slots[k]);
		}
	}
	return n;
}

static void name_slots(struct test_run *r, struct choice_state *c)
{
	struct str all cleanup_str = STR_INIT;

	c->slots[0] = "A";
	c->slots[1] = "B";
	c->count = 2;
	if (r->o->slots.count)
		c->count = r->o->slots.count;
	for (size_t i = 0; i < r->o->slots.count; i++)
		c->slots[i] = LIST_AT(r->o->slots, struct pair *, i)->key;
	for (size_t i = 0; i < c->count; i++)
		str_printf(&all, "%s%s", i ? " " : "", c->slots[i]);
	c->all = arena_strdup(r->a->arena, all.buf);
}

int test_boot_choice(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct trial t = {.r = r, .step = s};
	const char *orders[1 + CHOICE_SLOTS * CHOICE_SLOTS];
	size_t states = array_len(counters), count, all;

	if (r->o->slots.count > CHOICE_SLOTS)
		return err_set(err, ERR_USER, "'boot-choice' knows at most %d slots", CHOICE_SLOTS);
	name_slots(r, &t.state);
	count = all_orders(r, &t.state, orders);
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
		action_progress(r->a, (int)(100 * n / all), "state %zu of %zu", n + 1, all);
		if (try_state(&t, err) < 0)
			return -1;
	}
	scene_note(r->scene, "%zu states, each chosen as RAUC does", all);
	return 0;
}
