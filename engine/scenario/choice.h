/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Which slot the boot loader chose, as the console tells it (target.chosen), and the keys of verbs
 * that judge it. How many tries are left is what stands on the card at that moment.
 */
#include "scenario/chooser.h"
#include "scenario/pattern.h"
#include "scenario/verb.h"

/* A verb's struct begins with it. */
struct chosen {
	struct step_head head;
	const char *slot;  /* or NULL: any */
	struct list tries; /* of struct pair * */
};
/* The last rows of a struct TYPE whose first member is a struct chosen. */
#define CHOSEN_TRIES(type)                                                                  \
	{"tries", OPT_DICT, offsetof(type, tries),                                          \
	 .help = "How many tries are left to each slot then, as the boot loader saved it.", \
	 .example = "{A: \"2\", B: \"3\"}"},                                                \
	{                                                                                   \
		"left", OPT_GONE, .help = "write 'tries'"                                   \
	}
void chosen_check_keys(const struct chosen *c, struct err_list *errors);
/* For verb.traits_of: BASE, and what `tries` needs. */
unsigned chosen_traits(const struct chosen *c, unsigned base);
/* For verb.check: there are such slots, and their tries can be read. */
void chosen_check(const void *opts, const struct target *t, struct pos pos,
		  struct err_list *errors);

/* What finds the lines that tell a choice; free with choice_lines_clear(). */
struct choice_lines {
	const struct target *target;
	regex_t regex;
};
int choice_lines_init(struct choice_lines *l, const struct target *t, struct err **err) warn_unused;
void choice_lines_clear(struct choice_lines *l);
/* 1: LINE tells that slot *RET_SLOT was chosen; 0: it tells nothing; ERR_BUILD: no such slot. */
int choice_line(const struct choice_lines *l, const char *line, size_t *ret_slot, struct err **err);
/* Waits until a slot is chosen. */
int choice_wait(struct stage *s, unsigned seconds, size_t *ret_slot, struct err **err) warn_unused;
/*
 * ERR_BUILD when SLOT, which was chosen just now, and what is on the card are not what C says. A
 * card that nobody can look at is not compared.
 */
int choice_judge(struct stage *s, const struct chosen *c, size_t slot,
		 struct err **err) warn_unused;
