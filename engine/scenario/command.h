/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What verbs that run a command in the guest share, and the keys of those that judge one. */
#include "scenario/verb.h"

#define COMMAND_S 600

/* A verb's struct begins with it. */
struct command {
	struct step_head head;
	struct list status;              /* of const char *: numbers or "any" */
	const char *output, *not_output; /* regular expressions */
	bool background;
};
/* The rows of a struct TYPE whose first member, `command`, is a struct command. */
#define COMMAND_ROWS(type)                                                                \
	{"output", OPT_STRING, offsetof(type, command.output),                            \
	 .help = "A line that the command must print."},                                  \
		{"not-output", OPT_STRING, offsetof(type, command.not_output),            \
		 .help = "A line that it must not print."},                               \
		{"status", OPT_STRING, offsetof(type, command.status), OPT_LIST,          \
		 .help = "Exit statuses that are right: numbers, or any; without it 0."}, \
	{                                                                                 \
		"background", OPT_BOOL, offsetof(type, command.background),               \
			.help = "Does not wait for the command's end."                    \
	}
void command_check(const struct command *c, const struct yaml *map, struct err_list *errors);

/* Starts SCRIPT in the guest, as soon as that takes commands. */
int command_start(struct stage *s, const char *script, bool background, unsigned *ret_job,
		  struct err **err) warn_unused;
/* Runs SCRIPT, which ends with 0, and adds the lines that it printed to RET. */
int command_lines(struct stage *s, const char *script, unsigned seconds, struct strv *ret,
		  struct err **err) warn_unused;
/* Runs it, and judges it as C says. SECONDS: unless C has others. */
int command_run(struct stage *s, const struct command *c, const char *script, unsigned seconds,
		struct err **err) warn_unused;
