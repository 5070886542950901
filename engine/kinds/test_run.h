/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One run of a scenario: the card, the board, and the verbs. test_run.c prepares and goes through
 * the steps; the verbs lie by what they work on: test_guest.c (the running board), test_card.c (the
 * card while the power is off), test_choice.c and test_record.c (many short boots); test_report.c
 * writes the outputs.
 */
#include <stdio.h>

#include "kinds/test_opts.h"
#include "machine/scene.h"
#include "media/gpt.h"
#include "media/uboot_env.h"
#include "run/action.h"

struct step_result {
	double seconds;
	bool done;
};

struct test_run {
	struct action *a;
	const struct test_opts *o;
	struct board board;
	struct board_power power; /* as the steps change it, without card */
	struct scene *scene;
	const char *start;  /* the image the card was made of */
	const char *card;   /* path */
	const char *record; /* the log of writes of the last recorded power-on, or NULL */
	const char *before; /* the card before that */
	FILE *console;
	uint64_t written; /* bytes of console.log */
	struct step_result *results;
	size_t failed; /* number of the failed step, 0: none */
};

typedef int verb_fn(struct test_run *r, const struct test_step *s, struct err **err);
/* The running board. */
verb_fn test_power, test_wait, test_refuse, test_run_script, test_install, test_reboot, test_slot,
	test_cut, test_rauc, test_network;
/* The card. */
verb_fn test_env, test_set_env, test_damage, test_boot_half, test_same;
/* Many boots. */
verb_fn test_boot_choice, test_power_cuts;

/* `within` of the step, or the verb's own. */
unsigned test_within(const struct test_step *s, unsigned seconds);
/* "/run/orch/media/NODE/FILE" of a reference. Arena. */
const char *test_media_path(struct test_run *r, const struct ref *ref);
/* Starts the board with CARD as it is. */
int test_start(struct test_run *r, const char *card, const struct test_step *s,
	       struct err **err) warn_unused;

/* Copies the card as it is now, and makes a file for the writes to come. */
int test_start_recording(struct test_run *r, struct err **err) warn_unused;

/* What the boot script said: "BOOT: slot A order <A B> left A=2 B=3". */
struct test_choice {
	char slot[65];
	char order[256];
	char left[256]; /* "A=2 B=3" */
};
/* 0: LINE is such a line; 1: it is not. */
int test_choice_parse(const char *line, struct test_choice *ret);
/* The tries left to slot NAME: 0, or 1 when the line does not say. */
int test_choice_left(const struct test_choice *c, const char *name, unsigned long *ret);
/* Waits for the boot script's next choice; ERR_BUILD when it found no slot. */
int test_wait_choice(struct test_run *r, unsigned seconds, struct test_choice *ret,
		     struct err **err) warn_unused;

/* Opens the card for reading and writing. */
int test_open_card(const struct test_run *r, const char *path, struct err **err) warn_unused;
int test_partition(const char *card, const char *name, struct gpt_part *ret,
		   struct err **err) warn_unused;
int test_read_env(const struct test_run *r, const char *card, struct uboot_env *ret,
		  struct err **err) warn_unused;
int test_write_env(const struct test_run *r, const char *card, const struct uboot_env *e,
		   struct err **err) warn_unused;
/* Compares SIZE bytes; bytes behind a file's end are zeros. 1: *RET_AT is where they differ. */
int test_compare(const char *a, uint64_t a_at, const char *b, uint64_t b_at, uint64_t size,
		 uint64_t *ret_at, struct err **err) warn_unused;
/*
 * Of what `rauc status --detailed` says as JSON, the value for a key of the recipe's `rauc:`; NULL:
 * it does not say.
 */
struct json_t;
const char *test_rauc_value(const struct json_t *root, const char *key);
/* TEXT for people and their formats: what is no UTF-8 and no text is '?'. Arena. */
const char *test_plain(struct arena *arena, const char *text);
/* The outputs but console.log and card.img. FAILURE: the message, or NULL. */
int test_report(struct test_run *r, const char *failure, struct err **err) warn_unused;
