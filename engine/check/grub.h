/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * GRUB's scripts (its manual, "Writing full configuration files directly"), run without a machine:
 * what a script would start, what it tells the kernel, and what it saves before. Words are split as
 * GRUB splits them. Commands that look at hardware do nothing and succeed; what is not known ends
 * the run. A run is bounded, in time and memory, whatever the script says.
 *
 *	grub_words.c     a text as words, and what a word stands for
 *	grub_commands.c  the commands
 *	grub_run.c       if, for, while, functions, menus
 *	rules_grub.c     what is asked of a script
 */
#include "check/conf.h"

struct grub_var {
	const char *name, *value;
};
DEFINE_VEC(grub_vars, struct grub_var)

enum grub_end {
	GRUB_WAITS,   /* at a menu or its prompt */
	GRUB_STARTS,  /* a kernel, or another program */
	GRUB_RESETS,  /* the machine */
	GRUB_LEAVES,  /* to the firmware, or it turns the machine off */
	GRUB_UNKNOWN, /* something that is not known here: WORD */
};

/* What is printed, a line each; the last comes first. */
struct grub_said {
	const char *line;
	bool open; /* it did not end yet */
	const struct grub_said *before;
};

/* Whether PATH ("/EFI/x") of DEVICE ("hd0,gpt1") is surely not there. */
typedef bool grub_absent_fn(void *arg, const char *device, const char *path);

/* All strings are in the arena. */
struct grub_run {
	struct arena *arena;
	grub_absent_fn *absent; /* asked by [ -e FILE ]; NULL: all files are there */
	void *absent_arg;
	unsigned fails;         /* the how manieth thing that is asked for fails; 0: none */
	bool no_block;          /* no environment block can be read or written */
	const char *root;       /* "hd0,gpt1": where GRUB was started from */
	struct grub_vars saved; /* the environment block, before and after */

	enum grub_end end;
	size_t work;             /* what it took: bytes of words, commands, in no unit */
	unsigned asked;          /* kernels, hashes, files that were asked for */
	unsigned line;           /* index of the line that was run last */
	unsigned failed_line;    /* of what FAILS is about */
	unsigned kernel_line;    /* of the kernel that was loaded */
	const char *kernel;      /* its arguments; NULL: none was loaded */
	const char *kernel_root; /* "hd0,gpt3": what it was loaded from */
	const char *block;       /* the file that was saved to or loaded from, or NULL */
	const struct grub_said *said;
	const char *word; /* of GRUB_UNKNOWN */
	unsigned keys;    /* seconds in which a key leads to the menu */
};
/* Runs the script LINES, which are of conf_read_lines(). The caller clears RUN->saved. */
void grub_run(const struct conf_entries *lines, struct grub_run *run);
/* Whether LINES are a script that starts a kernel. */
bool grub_is_script(struct arena *a, const struct conf_entries *lines);

/* Adds the commands that LINES use: the key is the name, at the line it is in. */
void grub_commands(struct arena *a, const struct conf_entries *lines, struct conf_entries *ret);

const char *grub_get(const struct grub_vars *vars, const char *name); /* "" when unset */
void grub_set(struct grub_vars *vars, const char *name, const char *value);
