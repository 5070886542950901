/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a verb of scenarios is: one file, verb_NAME.c, that ends in a const struct verb. verbs.c
 * lists them; nothing else has to know a verb by name. Its options are its own: the keys of a step
 * are the rows of its verb's table, and the struct that they are decoded to begins with a
 * struct step_head.
 *
 *	struct wait { struct step_head head; const char *line; int64_t count; };
 *	static const struct option options[] = {
 *		{"wait", OPT_STRING, offsetof(struct wait, line), .help = "..."},
 *		STEP_NAME(struct wait),
 *		STEP_WITHIN(struct wait, 900),
 *		{"count", OPT_INT, offsetof(struct wait, count), OPT_POSITIVE, .help = "..."},
 *	};
 *	static const struct schema schema = SCHEMA(struct wait, options, .check = check);
 *
 *	static int run(struct stage *s, const void *opts, struct err **err) { ... }
 *
 *	const struct verb verb_wait = {
 *		.form = {"wait", &schema},
 *		.traits = STEP_NEEDS_ON,
 *		.run = run,
 *	};
 *
 * The order of the rows is that of a manifest: the verb first, what goes with it after STEP_NAME. A
 * verb whose table has the name of another verb (power: on, network: off) takes that one in.
 *
 * run() gets the board as the steps before have left it (stage.h). What does not hold is ERR_BUILD,
 * with a text that says what was there and what was wanted; the player puts place, number and title
 * of the step before it. No verb waits without a deadline.
 */
#include "recipe/schema.h"
#include "scenario/stage.h"

/* What every step has. */
struct step_head {
	const char *name; /* for people, in place of the verb and its value; or NULL */
	int64_t within;   /* seconds; 0: the verb's own, and always for verbs without the key */
};
#define STEP_NAME(type)                                            \
	{                                                          \
		"name", OPT_STRING, offsetof(type, head.name),     \
			.help = "A name for messages and reports." \
	}
/* SECONDS: what the step has without the key. */
#define STEP_WITHIN(type, seconds)                                                          \
	{                                                                                   \
		"within", OPT_INT, offsetof(type, head.within), OPT_POSITIVE | OPT_UNKEYED, \
			.help = "Seconds the step may take, times the board's time-scale; " \
				"without it " #seconds "."                                  \
	}

enum step_trait {
	STEP_NEEDS_ON = 1 << 0,    /* the board runs */
	STEP_NEEDS_OFF = 1 << 1,   /* it does not: the card is looked at, changed or started from */
	STEP_NEEDS_AGENT = 1 << 2, /* commands in the guest */
	STEP_NEEDS_RECORD = 1 << 3, /* a step before that STEP_RECORDS */
	STEP_TURNS_ON = 1 << 4,     /* the board runs afterwards */
	STEP_TURNS_OFF = 1 << 5,
	STEP_RECORDS = 1 << 6,       /* what is written to the card from here on is kept */
	STEP_NEEDS_DEVICE = 1 << 7,  /* stage.target */
	STEP_NEEDS_CHOOSER = 1 << 8, /* with it: what its boot loader knows can be read */
	STEP_NEEDS_BOOT = 1 << 9,    /* a board that boots by itself (machine/board/rauc_board.h) */
	STEP_NEEDS_NETWORK = 1 << 10,
	STEP_NEEDS_WEB = 1 << 11,  /* with it: stage.web */
	STEP_NEEDS_QEMU = 1 << 12, /* what only an emulator can do (machine/board/remote_board.h) */
	STEP_READS_CARD = 1 << 13, /* and changes nothing on it */
	STEP_CHANGES_CARD = 1 << 14,
	STEP_READS_RUNNING = 1 << 15, /* looks at the card while the power is on */
};

struct verb {
	struct form form; /* name and keys */
	unsigned traits;  /* enum step_trait, of every step */
	/* Those of this step, in their place; NULL: they do not depend on options. */
	unsigned (*traits_of)(const void *opts);
	/* What stands after the verb in a title, or NULL. Without it, the verb's text. */
	const char *(*value)(const void *opts);
	/* A file that the guest must be given; its path there is stage_media(). NULL: none. */
	struct ref *(*medium)(const void *opts);
	/* What only the device can tell before anything runs, with STEP_NEEDS_DEVICE; or NULL. */
	void (*check)(const void *opts, const struct target *t, struct pos pos,
		      struct err_list *errors);
	/* What only the board called NAME can tell, likewise; 1: *RET says why it cannot be. */
	int (*refuse)(const void *opts, const struct board *board, const char *name,
		      struct str *ret);
	int (*run)(struct stage *s, const void *opts, struct err **err);
};

/* All verbs, for a row `steps` of type OPT_FORM. */
extern const struct forms verb_forms;

static inline const struct verb *step_verb(const struct formed *step)
{
	return (const struct verb *)step->form; /* its first member */
}
unsigned step_traits(const struct formed *step);
/* Whether the power is on before each step, and so on, as far as the traits tell. */
void steps_check_order(const struct list *steps, struct err_list *errors);
/* "wait Starting kernel": the step's own name, else the verb and its value. Arena. */
const char *step_title(struct arena *arena, const struct formed *step);
/* `within` of a step, or SECONDS. */
unsigned step_within(const struct step_head *head, unsigned seconds);

extern const struct verb verb_boot_choice, verb_boot_half, verb_boot_time, verb_cut, verb_damage,
	verb_environment, verb_fetched, verb_install, verb_listening, verb_network, verb_power,
	verb_power_cuts, verb_rauc, verb_reboot, verb_refuse, verb_run, verb_same, verb_serve,
	verb_set_environment, verb_slot, verb_wait;
