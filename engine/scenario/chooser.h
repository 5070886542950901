/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A boot loader that chooses a slot, as it is seen from outside. What it knows of the slots lies on
 * the card in a form of its own; a scenario reads it there, changes it while the power is off, and
 * knows from the console when it is done choosing.
 *
 * A boot loader is one file, chooser_NAME.c, of 150 lines at most, that ends in a const struct
 * chooser, and a row in target.c. Nothing else in the engine knows its variables by name.
 *
 *	struct boot_vars vars = {0};
 *	struct boot_state state = {0};
 *	t->chooser->read(card_fd, t, &vars, err);      // by the loader's names, for `environment`
 *	t->chooser->get(&vars, t, &state);             // as slots and tries
 *	state.left[0] = 3;
 *	t->chooser->set(&vars, t, &state);
 *	t->chooser->write(card_fd, t, &vars, err);
 *
 * Reading is safe while the board runs, too: what it sees then is what was saved last, or, in the
 * middle of a save, the copy before.
 */
#include "base/err.h"
#include "base/str.h"
#include "scenario/target.h"

/* What the loader keeps, by its own names. */
struct boot_vars {
	struct strv vars; /* "NAME=VALUE" */
	unsigned valid;   /* copies whose checksum is right */
	int counts;       /* the copy that the loader takes, from 0; -1: none */
	struct {          /* for the loader alone: which copy counts */
		bool ok[2];
		unsigned char serial[2];
	} copies;
};

/* What it will choose by. */
struct boot_state {
	char *order;            /* boot names, best first, a space between; NULL: not set */
	int left[TARGET_SLOTS]; /* tries of target.slots[i]; LEFT_UNSET: not said */
};
#define LEFT_UNSET -1

struct chooser {
	const char *type;          /* in device.json */
	unsigned tries_max;        /* the most it can count */
	const char *starts_kernel; /* a text of the console, right before a slot's kernel runs */
	/* NULL, or why it cannot be read on the disk of T: the wrong number of areas, ... */
	const char *(*refuse)(const struct target *t);
	/* FD: the card. No valid copy is no error: VALID is 0, and there are no variables. */
	int (*read)(int fd, const struct target *t, struct boot_vars *ret, struct err **err);
	/* All copies. ERR_USER: they do not fit. */
	int (*write)(int fd, const struct target *t, const struct boot_vars *v, struct err **err);
	/* RET is empty before; boot_state_clear() it. */
	void (*get)(const struct boot_vars *v, const struct target *t, struct boot_state *ret);
	/* Other variables stay; what is not set in S is removed. */
	void (*set)(struct boot_vars *v, const struct target *t, const struct boot_state *s);
};

extern const struct chooser chooser_uboot, chooser_grub;
/* That of the boot loader which device.json calls LOADER, or NULL: orch has none. */
const struct chooser *chooser_named(const char *loader);

void boot_vars_clear(struct boot_vars *v);
#define cleanup_boot_vars __attribute__((cleanup(boot_vars_clear)))
void boot_state_clear(struct boot_state *s);
#define cleanup_boot_state __attribute__((cleanup(boot_state_clear)))
/* "order <A B>, left A=2 B=3", for messages. */
void boot_state_text(const struct boot_state *s, const struct target *t, struct str *ret);
