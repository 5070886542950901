/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What orch takes from its environment, and its exit codes: for manuals. */
#include <stdbool.h>

struct environment_row {
	const char *name, *help; /* a sentence */
	bool is_setting;         /* of its own: it does not say what others are */
};
/* Ended by a row without a name. */
extern const struct environment_row environment_rows[];

struct exit_row {
	int code;
	const char *text;
};
/* In order; ended by a row without a text. */
extern const struct exit_row exit_rows[];
