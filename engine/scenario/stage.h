/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where a scenario is played: the board with its card, and what the verbs may ask of whoever plays
 * it. The player (kind `test`) fills it in, makes card and media, and goes through the steps; what
 * lies between the steps is in here.
 */
#include "machine/board/scene.h"
#include "recipe/schema.h"
#include "scenario/target.h"

/* What a stage cannot do by itself. ARG is stage.arg. */
struct stage_host {
	/* The file of this machine that a reference of a step means. */
	const char *(*path)(void *arg, const struct ref *ref);
	/* Where the guest finds it: "/run/orch/media/NODE/FILE". */
	const char *(*media)(void *arg, const struct ref *ref);
	/* For the user; PERCENT -1: not known. */
	void (*progress)(void *arg, int percent, const char *text);
};

/* How the board is started. */
struct stage_start {
	bool unplugged;    /* the network's cable is out */
	const char *clock; /* "1970-01-01T00:00:00", or NULL: the present */
	bool record;       /* to stage.record */
	const char *stick; /* image of a USB stick, or NULL */
};

struct stage {
	struct arena *arena; /* of the whole scenario */
	const char *dir;     /* scratch */
	const struct board *board;
	const struct target *target; /* NULL: no step has STEP_NEEDS_DEVICE */
	struct board_power power;    /* what is the same for each power-on; without the card */
	struct scene *scene;
	struct web *web;                   /* of STEP_NEEDS_WEB; else NULL */
	const struct remote_board *remote; /* how the board is reached; NULL: it is QEMU */
	bool card_here;                    /* of a remote board: this machine has its card */
	bool card_changed;            /* likewise: the file of the card has what the card has not */
	const char *start;            /* the image that the card was made of */
	const char *card;             /* path; written to while the power is on */
	uint64_t card_size;           /* bytes */
	const char *variables;        /* the firmware's store, kept over power cycles; NULL: none */
	const char *record;           /* the log of writes of the last recorded power-on, or NULL */
	const char *before;           /* the card before that */
	const char *variables_before; /* and the variables, or NULL */
	struct stage_start started;   /* the last power-on */
	const struct stage_host *host;
	void *arg;
};

const char *stage_path(struct stage *s, const struct ref *ref);
const char *stage_media(struct stage *s, const struct ref *ref);
void stage_progress(struct stage *s, int percent, const char *fmt, ...) printf_like(3, 4);

/* Starts the board with its card as it is. HOW NULL: as it comes. */
int stage_power_on(struct stage *s, const struct stage_start *how, struct err **err) warn_unused;
