/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/stage.h"

#include "machine/board/rauc_board.h"
#include "scenario/bench.h"
#include "scenario/remote_card.h"

const char *stage_path(struct stage *s, const struct ref *ref)
{
	return s->host->path(s->arg, ref);
}

const char *stage_media(struct stage *s, const struct ref *ref)
{
	return s->host->media(s->arg, ref);
}

void stage_progress(struct stage *s, int percent, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	s->host->progress(s->arg, percent, text);
}

int stage_power_on(struct stage *s, const struct stage_start *how, struct err **err)
{
	struct stage_start as = how ? *how : (struct stage_start){0};
	struct board_power p = s->power;

	s->started = as;
	if (s->remote && remote_card_give(s, err) < 0)
		return -1;
	p.card = s->card;
	p.clock = as.clock;
	p.stick = as.stick;
	if (as.record)
		p.record = s->record;
	if (s->board->agent == BOARD_AGENT_NONE)
		p.media = NULL;
	if (board_is_rauc(s->board) && bench_choose(s, &p, err) < 0)
		return -1;
	return scene_power_on(s->scene, &p, !as.unplugged, err);
}
