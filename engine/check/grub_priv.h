/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the files of grub.h share. */
#include "check/grub.h"

struct grub_token {
	const char *text; /* with its quotes; ";" ends a command, as a line does */
	unsigned line;    /* index */
};
DEFINE_VEC(grub_tokens, struct grub_token)

/* A function or an entry of the menu: its name, and the token it begins with. */
struct grub_block {
	const char *name, *id;
	const struct grub_tokens *in;
	size_t at;
};
DEFINE_VEC(grub_blocks, struct grub_block)

struct grub {
	struct grub_run *run;
	const struct grub_tokens *tokens;
	size_t at;
	struct grub_vars vars;
	struct grub_blocks functions, entries;
	unsigned depth;
	int status;
	long breaks; /* loops still to leave */
	bool continues, returns, over;
};

/* Adds the words of TEXT; false: a quote does not end. */
bool grub_tokens_of(struct arena *a, const char *text, unsigned line, struct grub_tokens *ret);
/* Whether a backslash at the end of LINE takes its end away. */
bool grub_is_carried_on(const char *line);
/* Adds what a word stands for: none, one or several. */
void grub_expand(struct grub *g, const char *word, struct strs *ret);
/* Ends the run. */
void grub_over(struct grub *g, enum grub_end end);
void grub_unknown(struct grub *g, const char *word);
/* Counts N bytes, or what takes as long; a run that takes too many ends. */
void grub_work(struct grub *g, size_t n);
/* Runs TEXT, as eval does. */
void grub_eval(struct grub *g, const char *text);
/* Runs a command of ARGV; false: there is none of its name. */
bool grub_command(struct grub *g, struct strs *argv);
/* Starts what was loaded. */
void grub_boot(struct grub *g);
