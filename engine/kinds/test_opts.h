/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The options of kind `test`: a scenario on an emulated board as its recipe gives it. Each step has
 * exactly one verb; which one it is and what its words mean is settled while the recipe is read.
 */
#include <regex.h>

#include "recipe/kind.h"

enum verb {
	VERB_POWER,
	VERB_WAIT,
	VERB_REFUSE,
	VERB_RUN,
	VERB_INSTALL,
	VERB_REBOOT,
	VERB_SLOT,
	VERB_CUT,
	VERB_ENVIRONMENT,
	VERB_SET_ENVIRONMENT,
	VERB_DAMAGE,
	VERB_BOOT_HALF,
	VERB_SAME,
	VERB_RAUC,
	VERB_NETWORK,
	VERB_BOOT_CHOICE,
	VERB_POWER_CUTS,
};
#define VERB_COUNT (VERB_POWER_CUTS + 1)
extern const char *const verb_words[]; /* by enum verb, ended by NULL */

enum power { POWER_ON, POWER_OFF, POWER_CUT };
enum copies { COPIES_ANY, COPIES_BOTH, COPIES_ONE, COPIES_NONE };
enum damage { DAMAGE_ZERO, DAMAGE_RANDOM, DAMAGE_FLIP };

/* A range of the card: a partition, a copy of its table, or at and size. */
struct test_damage {
	const char *partition, *gpt; /* gpt: "primary", "backup" */
	uint64_t at, size;
	int with; /* enum damage */
};

struct test_same {
	const char *partition;
	uint64_t at, size;
	struct ref *as; /* an image, or the word "start" */
};

/* What the slots may hold when the power was cut anywhere. */
struct test_cuts {
	struct list roots, boots; /* of struct ref *: whole images, old and new */
	bool torn;                /* also with the last write done by half */
	int64_t lost_writes;      /* any of so many last ones may be lost; 1 to REPLAY_LOST_MAX */
	int64_t most;             /* boots at most; 0: no limit */
};

struct test_step {
	struct pos pos; /* OPT_PLACED */
	const char *name;
	int64_t within, count, hold; /* within 0: the verb's default; hold: `for` of refuse */
	/* verbs, by their option */
	const char *power, *wait, *refuse, *slot, *cut, *boot_half, *network, *boot_choice;
	struct step *run;
	struct ref *install;
	bool reboot;
	struct list environment, set_environment, rauc; /* of struct pair * */
	struct test_damage *damage;
	struct test_same *same;
	struct test_cuts *power_cuts;
	/* modifiers */
	const char *clock, *output, *not_output, *after;
	struct list left;   /* of struct pair * */
	struct list status; /* of const char *: numbers or "any" */
	bool record, background;
	int copies;
	/* settled by the check */
	enum verb verb;
	enum power power_word;
	unsigned after_ms;
	bool link_up; /* network, as verb or as modifier of power */
};

struct test_env {
	struct list at; /* of uint64_t */
	uint64_t size;
};

struct test_opts {
	struct ref *board, *card;
	struct list from; /* of const char *: releases, see kind.each */
	uint64_t card_size;
	struct list media; /* of struct ref * */
	struct list slots; /* of struct pair *: boot name -> partition */
	struct test_env *environment;
	struct list never; /* of const char * */
	int64_t timeout;
	bool keep_card;
	struct list steps; /* of struct test_step * */
};

extern const struct schema test_schema;
/* The rules over several keys (kinds/test_check.c), for the schemas. */
void test_check_damage(void *data, const struct yaml *map, struct err_list *errors);
void test_check_same(void *data, const struct yaml *map, struct err_list *errors);
void test_check_cuts(void *data, const struct yaml *map, struct err_list *errors);
void test_check_step(void *data, const struct yaml *map, struct err_list *errors);
void test_check_all(void *data, const struct yaml *map, struct err_list *errors);

/* Whether the verb needs commands in the guest. */
bool test_needs_agent(const struct test_step *s);
/* Where the copies of the environment are: two offsets, and the size of each. */
void test_environment(const struct test_opts *o, uint64_t ret_at[2], uint64_t *ret_size);
/* A compiled extended regular expression; the check has tried it. ERR_USER. */
int test_regex(const char *text, regex_t *ret, struct err **err) warn_unused;
/* "wait 'Starting kernel'": the step's own name, else the verb and its value. Arena. */
const char *test_step_title(struct arena *arena, const struct test_step *s);
