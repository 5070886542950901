/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reboot: the guest starts again, and the boot loader chooses. */
#include "machine/board/rauc_board.h"
#include "scenario/bench.h"
#include "scenario/choice.h"
#include "scenario/command.h"

#define REBOOT_S 1200

struct reboot {
	struct chosen chosen;
	bool reboot;
};

static const struct option options[] = {
	{"reboot", OPT_BOOL, offsetof(struct reboot, reboot),
	 .help = "The guest reboots; waits for the boot loader's next choice.", .example = "true"},
	{"slot", OPT_STRING, offsetof(struct chosen, slot), .help = "The slot that must come."},
	STEP_NAME(struct chosen),
	STEP_WITHIN(struct chosen, 1200),
	CHOSEN_TRIES(struct chosen),
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct reboot *r = data;

	if (!r->reboot)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "reboot"),
			    "a step that reboots says `reboot: true`");
	chosen_check_keys(&r->chosen, errors);
}

static const struct schema schema = SCHEMA(struct reboot, options, .check = check);

static const char *value(const void *opts)
{
	const struct reboot *r = opts;

	return r->chosen.slot;
}

static int restart(struct stage *s, struct err **err)
{
	unsigned job;

	if (board_is_rauc(s->board))
		return bench_restart(s, REBOOT_S, err);
	if (command_start(s, "systemctl reboot", true, &job, err) < 0)
		return -1;
	scene_skip(s->scene);
	scene_forget_agent(s->scene);
	return 0;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct reboot *r = opts;
	size_t slot;

	if (restart(s, err) < 0)
		return -1;
	if (choice_wait(s, step_within(&r->chosen.head, REBOOT_S), &slot, err) < 0)
		return -1;
	return choice_judge(s, &r->chosen, slot, err);
}

static unsigned traits_of(const void *opts)
{
	return chosen_traits(opts, STEP_NEEDS_DEVICE | STEP_NEEDS_ON | STEP_NEEDS_AGENT);
}

const struct verb verb_reboot = {
	.form = {"reboot", &schema},
	.traits_of = traits_of,
	.value = value,
	.check = chosen_check,
	.run = run,
};
