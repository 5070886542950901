/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/stage.h"

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
	static const struct stage_start plain;
	struct board_power p = s->power;

	if (!how)
		how = &plain;
	p.card = s->card;
	p.clock = how->clock;
	if (how->record)
		p.record = s->record;
	if (s->board->agent == BOARD_AGENT_NONE)
		p.media = NULL;
	return scene_power_on(s->scene, &p, !how->unplugged, err);
}
