/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What verbs that look at the console share: lines found by POSIX extended regular expressions. */
#include <regex.h>

#include "scenario/verb.h"

/* Seconds until a line comes: a board that is emulated on a busy machine has not failed yet. */
#define CONSOLE_S 900

/* Compiles TEXT; free with regfree(). ERR_USER. */
int regex_compile(const char *text, regex_t *ret, struct err **err) warn_unused;
/* Reports TEXT, the value of KEY, if it is no regular expression. NULL is fine. */
void regex_check(const struct yaml *map, const char *key, const char *text,
		 struct err_list *errors);

/* Waits for line number COUNT (0: the first) like TEXT. BACKGROUND: also of commands there. */
int console_wait(struct stage *s, const char *text, int64_t count, bool background,
		 unsigned seconds, struct err **err) warn_unused;
