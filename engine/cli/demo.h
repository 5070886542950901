/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What `orch demo` is made of: demo_project.c makes the project and builds it, demo_stage.c puts
 * its disk on its board, cmd_demo.c plays there.
 */
#include <signal.h>

#include "cli/boot_parts.h"
#include "scenario/choice.h"

#define DEMO_DISK "install"
#define DEMO_BOARD "boards/pc"
#define DEMO_GOOD "tests/bundle-v2"
#define DEMO_BROKEN "tests/bundle-v3"
/* The bundles, as the guest finds them. */
#define DEMO_MEDIA "/run/orch/media/"
#define DEMO_GOOD_FILE "v2.raucb"
#define DEMO_BROKEN_FILE "v3.raucb"

struct demo {
	struct cli cli; /* the caller's, for commands in the project's directory */
	struct session s;
	bool keys;  /* a person plays: the keys stay below what the board says */
	bool plain; /* the terminal cannot do that: they are told when they change */
	struct terminal *lent;
	struct board board;
	struct target target;
	struct choice_lines choices;
	bool choices_ready;
	char *drawn; /* the keys as they are on the terminal, or NULL */
	int slot;    /* the one that was chosen last, -1: none yet */
	struct stage stage;
	char *dir, *card, *media, *firmware, *variables; /* of this run */
};

/* -- demo_project.c -- */

/* Makes the project in DIR, with keys, unless there is one. DIR is absolute. */
int demo_make_project(const char *dir, struct err **err) warn_unused;
/* Locks it if it is not, and builds what the demo takes. 0 or the exit code, said on stderr. */
int demo_build(struct demo *d);

/* -- demo_stage.c -- */

/* The number of the signal that asks the demo to end, or 0. */
extern volatile sig_atomic_t demo_signal;
/* Disk, board and bundles as a stage; the power is off. From here on signals set demo_signal. */
int demo_open(struct demo *d, struct err **err) warn_unused;
/* Cuts the power and removes what demo_open() made. */
void demo_close(struct demo *d);
/* A line of the demo itself. */
void demo_say(struct demo *d, const char *fmt, ...) printf_like(2, 3);
/* The keys, on a terminal: if something has changed, or AGAIN. */
void demo_draw(struct demo *d, bool again);
/* Whether the slot that was chosen last is marked good on the card. */
int demo_is_good(struct demo *d, bool *ret, struct err **err) warn_unused;
/* Says what the card tells: slots, and what the boot loader keeps. */
int demo_show_card(struct demo *d, struct err **err) warn_unused;
