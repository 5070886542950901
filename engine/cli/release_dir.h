/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The directory of a release, IN/VERSION/ of the project: what a target of kind release, and what
 * it is made of, left in store and out/, and the project as HEAD has it. It gets its name when it
 * is whole and on the disk, and is never written again.
 *
 *	release.json device.json       kinds/bundle/release.c
 *	bundle.raucb install.img ...   results, as their nodes call them; links where kind shipped
 *	                               knows them by another name
 *	bundle.spdx.json ...           the documents beside them (beside.h)
 *	keyring.pem                    what devices verify with
 *	NOTES verdicts/NODE/...        as the recipe names them
 *	project/                       all files of the commit
 *	orch/ pool/ rebuild ...        what builds it again (release_again.c)
 *	SHA256SUMS release.dsse.json   what all of that is (evidence/release.h)
 */
#include "cli/session.h"

/* Results that a release is made of are wanted in out/, too: they become targets. */
void release_add_targets(struct session *s);
/* Tells the user what N is laid out without. */
typedef void release_tell_fn(void *arg, const struct node *n, const char *text);
/*
 * Lays out the targets of kind release that have a record; beside_write() has been there. One that
 * is there with the same bytes is left alone; with others: ERR_USER.
 */
int release_dirs_write(struct session *s, release_tell_fn *tell, void *arg,
		       struct err **err) warn_unused;
/* A line for each that is there: "releases/1.2.0". */
void release_list(const struct session *s, struct str *to);
/* Pushes paths, relative to the project, that are there while the release of N is; else none. */
void release_paths(const struct node *n, struct strv *ret);
