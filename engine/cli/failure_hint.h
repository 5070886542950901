/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
#include "cli/ui.h"

/*
 * What TEXT, LEN bytes of the end of the log of N, says to whoever knows how steps run, for steps
 * that failed; NULL: nothing. Heap.
 */
char *failure_hint(const struct node *n, const struct outcome *o, const char *text, size_t len);
