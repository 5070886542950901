/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What verbs that look at the console share: lines found by regular expressions. */
#include "scenario/pattern.h"
#include "scenario/verb.h"

/* Seconds until a line comes: a board that is emulated on a busy machine has not failed yet. */
#define CONSOLE_S 900

/* Waits for line number COUNT (0: the first) like TEXT. BACKGROUND: also of commands there. */
int console_wait(struct stage *s, const char *text, int64_t count, bool background,
		 unsigned seconds, struct err **err) warn_unused;
