/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a node made (result.h), opened to look into it (kinds/image/look.h).
 *
 *	struct view v cleanup_view = {0};
 *	view_open(&v, &s, "root:/etc", NULL, false, err);
 */
#include "cli/result.h"
#include "kinds/image/look.h"

struct view {
	struct result result;
	struct look look;
	char *scratch;
};

/* RUN: as of which run, or NULL. WHOLE as in look_into(). */
int view_open(struct view *v, const struct session *s, const char *text, const char *run,
	      bool whole, struct err **err) warn_unused;
void view_close(struct view *v);
#define cleanup_view __attribute__((cleanup(view_close)))
