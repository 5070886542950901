/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The option table, for those who tell what it holds: help, completion, manual pages. */
#include "cli/cli.h"

enum option_value {
	VALUE_FLAG,   /* bool */
	VALUE_TEXT,   /* char *, owned */
	VALUE_LIST,   /* struct strv */
	VALUE_NUMBER, /* unsigned */
	VALUE_WORD,   /* int, index into words */
	VALUE_MAYBE,  /* bool, and the text after it (if any) in update_name */
};

struct option_row {
	char letter; /* 0: none */
	const char *name, *arg;
	enum option_value type;
	size_t offset;
	const char *const *words;
	const char *help;
};

/* In the order of enum option_bit. */
extern const struct option_row option_rows[O_COUNT];
/* Options every command takes. */
#define OPTIONS_COMMON ((struct option_set){OPTION(O_JSON) - 1, 0})
