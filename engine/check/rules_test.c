/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios and their boards: what is seen before a guest is started. */
#include "check/view.h"
#include "kinds/kinds.h"
#include "kinds/test/board_opts.h"
#include "kinds/test/test_opts.h"

static void check_steps(struct check_view *v, const struct node *n, const struct node *board)
{
	const struct test_opts *o = n->recipe->opts;

	for (size_t i = 0; i < o->steps.count; i++) {
		const struct formed *s = LIST_AT(o->steps, struct formed *, i);

		if (step_traits(s) & STEP_NEEDS_AGENT)
			check_say(v, CHECK_TEST_COMMANDS, s->pos,
				  "'%s' needs commands in the guest, but board '%s' takes none "
				  "(agent: none)",
				  s->form->name, board->name);
	}
}

int check_test_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i], *board;

		if (n->recipe->kind != &kind_test)
			continue;
		board = graph_node(v->g, ((const struct test_opts *)n->recipe->opts)->board->node);
		if (board && board->recipe->kind == &kind_board &&
		    !board_takes_commands(board->recipe->opts))
			check_steps(v, n, board);
	}
	return 0;
}
