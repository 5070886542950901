/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A build with nothing to do, answered from graph/stat_shortcut.h. Only for plain output: whoever
 * asks for JSON, events or a result file wants every node looked at.
 */
#include "cli/session.h"

/* Nanoseconds of CLOCK_REALTIME; to be asked before anything is read. */
int64_t shortcut_now(void);
/* True when nothing changed since the last such build: everything has been said, exit 0. */
bool shortcut_take(struct session *s, int64_t started_ns);
/* After a build without failures. LIST: what was said of the targets on stdout. */
int shortcut_save(struct session *s, int64_t started_ns, const struct str *list,
		  struct err **err) warn_unused;
