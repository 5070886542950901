/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What reaches a terminal: colour, and foreign text made harmless. Colour is decided once per
 * stream:
 * --color, then NO_COLOR, CLICOLOR_FORCE, then whether the stream is a terminal. Every string of a
 * struct paint is "" without colour, so that no escape byte can reach a pipe by mistake.
 */
#include <stdio.h>

#include "cli/cli.h"

struct paint {
	const char *bold, *dim, *red, *green, *yellow, *off;
};
const struct paint *paint_for(const struct cli *c, FILE *stream);
/* Whether the stream is a terminal that can be painted on. */
bool paint_is_terminal(FILE *stream);
/* Prints one line of foreign text as str_escape() makes it harmless. */
void print_escaped(FILE *to, const char *text, size_t len);
/* The same for text of several lines; each gets PREFIX in front and ends with a newline. */
void print_lines(FILE *to, const char *prefix, const char *text, size_t len);
/* "orch: TEXT" on stderr, for what goes wrong beside the thing itself. */
void print_aside(const char *text);
/*
 * Around many lines of foreign text. In GitHub Actions the runner is told to look for no commands
 * until a random word comes (its command stop-commands), so that nothing depends on what
 * str_escape() knows; not where TO is a file, which no runner reads. Elsewhere they do nothing.
 *
 *	struct foreign f cleanup_foreign = foreign_begin(stdout);
 */
struct foreign {
	FILE *to;
	char word[33]; /* "": nothing was said */
};
struct foreign foreign_begin(FILE *to) warn_unused;
void foreign_end(struct foreign *f);
#define cleanup_foreign __attribute__((cleanup(foreign_end)))
