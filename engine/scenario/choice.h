/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the boot script says about the slot it chose, and the keys of verbs that judge it. */
#include "scenario/verb.h"

/* A verb's struct begins with it. */
struct chosen {
	struct step_head head;
	const char *slot; /* or NULL: any */
	struct list left; /* of struct pair * */
};
/* The last row of a struct TYPE whose first member, `chosen`, is a struct chosen. */
#define CHOSEN_LEFT(type)                                                \
	{                                                                \
		"left", OPT_DICT, offsetof(type, left),                  \
			.help = "How many tries are left to each slot.", \
			.example = "{A: \"2\", B: \"3\"}"                \
	}
void chosen_check_keys(const struct chosen *c, struct err_list *errors);
/* For verb.check: there are such slots. */
void chosen_check(const void *opts, const struct target *t, struct pos pos,
		  struct err_list *errors);

/* "BOOT: slot A order <A B> left A=2 B=3". */
struct choice {
	char slot[65];
	char order[256];
	char left[256]; /* "A=2 B=3" */
};
/* 0: LINE is such a line; 1: it is not. */
int choice_parse(const char *line, struct choice *ret);
/* The tries left to slot NAME: 0, or 1 when the line does not say. */
int choice_left(const struct choice *c, const char *name, unsigned long *ret);
/* Whether LINE says that no slot has tries left. */
bool choice_is_none(const char *line);
/* Waits for the boot script's next choice; ERR_BUILD when it found no slot. */
int choice_wait(struct stage *s, unsigned seconds, struct choice *ret,
		struct err **err) warn_unused;
/* ERR_BUILD when it is not what C says. */
int choice_judge(const struct chosen *c, const struct choice *choice, struct err **err) warn_unused;
