/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/bench.h"

#include "machine/board/rauc_board.h"
#include "scenario/card.h"
#include "scenario/choice_rule.h"
#include "scenario/command.h"

/* The choice, and what is to be saved of it. */
static int choose(struct stage *s, struct boot_state *state, size_t *ret, struct err **err)
{
	*ret = choice_rule(s->target, state);
	if (*ret == CHOICE_NONE) {
		scene_note(s->scene, "no slot left, all tries given back");
		*ret = choice_rule(s->target, state);
	}
	if (*ret != CHOICE_NONE)
		return 0;
	return err_set(err, E_SCENARIO_FAILED,
		       "no slot can be chosen: the order '%s' has none of the device's",
		       state->order ? state->order : "");
}

static int choose_on_card(struct stage *s, size_t *ret, struct err **err)
{
	struct boot_vars vars cleanup_boot_vars = {0};
	struct boot_state state cleanup_boot_state = {0};
	struct str text cleanup_str = STR_INIT;

	if (card_read_vars(s, &vars, err) < 0)
		return -1;
	s->target->chooser->get(&vars, s->target, &state);
	if (!state.order || !*state.order) { /* as a new card; RAUC needs one */
		free(state.order);
		state.order = target_bootnames(s->target);
	}
	if (choose(s, &state, ret, err) < 0)
		return -1;
	s->target->chooser->set(&vars, s->target, &state);
	boot_state_text(&state, s->target, &text);
	scene_note(s->scene, "slot %s: %s", s->target->slots.items[*ret].bootname, text.buf);
	return card_write_vars(s, &vars, err);
}

int bench_choose(struct stage *s, struct board_power *p, struct err **err)
{
	const struct target *t = s->target;
	struct rauc_board_device device;
	struct str program cleanup_str = STR_INIT, line cleanup_str = STR_INIT;
	size_t slot;

	if (!t || !t->chooser)
		return err_set(err, E_INTERNAL, "nothing is known of the device");
	device = (struct rauc_board_device){t->paths, t->disk_path, s->board->prepare};
	if (choose_on_card(s, &slot, err) < 0)
		return -1;
	rauc_board_program(&device, &program);
	rauc_board_cmdline(s->board, t->slots.items[slot].bootname, t->slots.items[slot].partition,
			   &line);
	p->program = arena_strdup(s->arena, program.buf);
	p->cmdline = arena_strdup(s->arena, line.buf);
	return 0;
}

int bench_restart(struct stage *s, unsigned seconds, struct err **err)
{
	unsigned job;

	if (command_start(s, RAUC_BOARD_OFF, true, &job, err) < 0 ||
	    scene_wait_off(s->scene, seconds, err) < 0)
		return -1;
	return stage_power_on(s, &s->started, err);
}
