/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a node made, or a file, as named on the command line:
 *
 *	NODE[:[OUTPUT]/PATH]    what it had last, or as of a run; no OUTPUT: its main one
 *	FILE[:PATH]             FILE begins with '/', "./" or "../"
 *
 * Nothing is built and no recipe is read: this works while recipes are broken.
 */
#include "cli/session.h"

struct result {
	char *name; /* "root", "root:boot.img", "./card.img": for messages and --json */
	char *file; /* where the bytes are; absolute for an output */
	char *path; /* within it, as given: "/etc/", or "" */
	const struct record *record;     /* or NULL: a FILE */
	const struct artifact *artifact; /* the same */
};

/* What TEXT names. S comes from session_open_history(). */
int result_find(const struct session *s, const char *text, const char *run, struct result *ret,
		struct err **err) warn_unused;
/* The same of a node whose record is REC: NODE[:[OUTPUT]/PATH]. */
int result_in(const struct session *s, const char *text, const struct record *rec,
	      struct result *ret, struct err **err) warn_unused;
void result_release(struct result *r);
#define cleanup_result __attribute__((cleanup(result_release)))
