/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios and their boards: what is seen before a guest is started. */
#include "check/project_files.h"
#include "kinds/test_opts.h"

/* Whether commands can be run on it, as its recipe says (kinds/board.c). */
static bool takes_commands(const struct node *board)
{
	const struct yaml *agent = yaml_get(board->recipe->map, "agent");

	return agent && agent->type == YAML_SCALAR && !str_eq(agent->text, "none");
}

static void check_steps(struct check_view *v, const struct node *n, const struct node *board)
{
	const struct test_opts *o = n->recipe->opts;

	for (size_t i = 0; i < o->steps.count; i++) {
		const struct test_step *s = LIST_AT(o->steps, struct test_step *, i);

		if (test_needs_agent(s))
			check_say(v, CHECK_TEST_COMMANDS, s->pos,
				  "'%s' needs commands in the guest, but board '%s' takes none "
				  "(agent: none)",
				  verb_words[s->verb], board->name);
	}
}

int check_test_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i], *board;

		if (!str_eq(n->recipe->kind->name, "test") || !n->recipe->opts)
			continue;
		board = graph_node(v->g, ((const struct test_opts *)n->recipe->opts)->board->node);
		if (board && str_eq(board->recipe->kind->name, "board") && !takes_commands(board))
			check_steps(v, n, board);
	}
	return 0;
}
