/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What may stand next on a command line, out of the tables of commands and options and the words
 * that stand in for arguments there ("[TARGET...]", "du|gc"). Shells ask by
 *
 *	orch completion words WORD...
 *
 * with all words after 'orch' up to the cursor, the last one as far as it is written. Each line of
 * the answer is a word that may take the last one's place, and after a tab what it means; ":file"
 * and ":directory" stand for what the shell finds itself. What is wrong is said by nothing at all.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct completion {
	const char *typed;       /* candidates begin with it */
	size_t skip;             /* bytes of it before a value: "--store=" */
	const char *dir, *store; /* as -C and --store say, or NULL */
	const char *const *args; /* after the command's name, before the last word */
	size_t arg_count;
	bool several; /* of ARGS, none is wanted again */
	struct str out;
};

/* True when ARGV asks for it; then *RET_CODE is the exit code, and all has been said. */
bool complete_asked(int argc, char **argv, int *ret_code);
/* Adds WORD if it fits what is typed. HELP, of one line, may be NULL. */
void complete_add(struct completion *c, const char *word, const char *help);
/*
 * Adds what the capitals of help texts stand for: "NODE", "KIND", "FILE". Of a name that nothing is
 * known about, nothing.
 */
void complete_noun(struct completion *c, const char *noun);
