/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slot: which one the boot loader chooses next. */
#include "scenario/choice.h"
#include "scenario/console.h"

#define AT(field) offsetof(struct chosen, field)
static const struct option options[] = {
	{"slot", OPT_STRING, AT(slot),
	 .help = "Waits until the boot loader chooses a slot, which must be this one.",
	 .example = "A"},
	STEP_NAME(struct chosen),
	STEP_WITHIN(struct chosen, 900),
	CHOSEN_TRIES(struct chosen),
};
#undef AT

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	chosen_check_keys(data, errors);
}

static const struct schema schema = SCHEMA(struct chosen, options, .check = check);

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct chosen *wanted = opts;
	size_t slot;

	if (choice_wait(s, step_within(&wanted->head, CONSOLE_S), &slot, err) < 0)
		return -1;
	return choice_judge(s, wanted, slot, err);
}

static unsigned traits_of(const void *opts)
{
	return chosen_traits(opts, STEP_NEEDS_DEVICE | STEP_NEEDS_ON);
}

const struct verb verb_slot = {
	.form = {"slot", &schema},
	.traits_of = traits_of,
	.check = chosen_check,
	.run = run,
};
