/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/test/remote_use.h"

#include "kinds/test/board_config.h"
#include "kinds/user_config.h"

static const struct board_config *find(const struct user_config *c, const char *name)
{
	for (size_t i = 0; i < c->boards.count; i++) {
		const struct pair *p = LIST_AT(c->boards, struct pair *, i);

		if (str_eq(p->key, name))
			return p->data;
	}
	return NULL;
}

static void fill(const struct board_config *c, struct remote_board *ret)
{
	for (size_t i = 0; i < REMOTE_CMD_COUNT; i++)
		for (size_t k = 0; k < c->commands[i].count; k++)
			strv_push(&ret->commands[i], LIST_AT(c->commands[i], const char *, k));
	ret->card = c->card;
	ret->baud = (unsigned)c->baud;
	ret->timeout_s = (unsigned)c->timeout;
}

int remote_use_open(struct test_run *r, struct err **err)
{
	struct arena *arena = r->a->arena;
	char *path cleanup_free = user_config_path();
	const struct board_config *c;
	struct user_config config;

	if (user_config_read(arena, &config, err) < 0)
		return -1;
	c = find(&config, r->board.name);
	if (!c)
		return err_set(
			err, E_REMOTE_BOARD,
			"board '%s' (machine: remote) is '%s', which %s does not describe "
			"under 'boards': docs/hardware.md says how, or build where the board "
			"is",
			r->o->board->text, r->board.name, path ? path : "no config.yaml");
	r->remote.name = r->board.name;
	r->remote.config = arena_strdup(arena, path);
	fill(c, &r->remote);
	r->board.agent =
		remote_has(&r->remote, REMOTE_CMD_COMMANDS) ? BOARD_AGENT_VIRTIO : BOARD_AGENT_NONE;
	r->stage.remote = &r->remote;
	return 0;
}

static int unseen(const struct test_run *r, const struct formed *s, const char *what,
		  const char *remedy, struct err **err)
{
	if (r->board.skip_unseen)
		return 1;
	return err_set(err, E_BOARD_LACKS,
		       "%s: '%s' looks at the card %s: %s; or say `unseen: skip` in the board's "
		       "recipe, and the verdict names what was not looked at",
		       action_place(r->a, s->pos), s->form->name, what, remedy);
}

int remote_use_check(const struct test_run *r, const struct formed *s, struct err **err)
{
	const struct remote_board *b = &r->remote;
	unsigned traits = step_traits(s);

	if ((traits & STEP_NEEDS_AGENT) && !remote_has(b, REMOTE_CMD_COMMANDS))
		return err_set(err, E_BOARD_LACKS,
			       "%s: '%s' needs commands in the running system: give board '%s' "
			       "'commands' in %s",
			       action_place(r->a, s->pos), s->form->name, b->name, b->config);
	if ((traits & STEP_CHANGES_CARD) && !remote_card_is_readable(b))
		return err_set(err, E_BOARD_LACKS,
			       "%s: '%s' changes the card, which is only written as a whole: give "
			       "board '%s' a 'card' or 'read' in %s",
			       action_place(r->a, s->pos), s->form->name, b->name, b->config);
	if ((traits & STEP_READS_CARD) && !remote_card_is_readable(b))
		return unseen(r, s, "of a board that only gets one",
			      "give the board a 'card' or 'read' in your config.yaml", err);
	if ((traits & STEP_READS_RUNNING) && !remote_card_is_live(b))
		return unseen(r, s, "while the board has it",
			      "leave its 'tries' out, and look with 'environment' when the power "
			      "is off",
			      err);
	return 0;
}
