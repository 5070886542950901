/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The options of kind `test`: a scenario on an emulated board as its recipe gives it. What a step
 * may say is its verb's (scenario/verb.h).
 */
#include "recipe/kind.h"
#include "scenario/verb.h"

struct test_opts {
	struct ref *board, *card;
	struct list from; /* of const char *: releases, see kind.each */
	uint64_t card_size;
	struct list media;  /* of struct ref * */
	const char *device; /* a node; NULL: the only one */
	struct list never;  /* of const char * */
	int64_t timeout;
	bool keep_card;
	struct list steps;    /* of struct formed *, of verb_forms */
	struct list platform; /* of struct pair * */
};

/* Whether a step asks for what the device is. */
/* Whether a step has TRAIT (enum step_trait). */
bool test_has_trait(const struct test_opts *o, unsigned trait);
bool test_needs_device(const struct test_opts *o);
