/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The working directory of a run node: a private copy of its inputs under their own names,
 * read-only.
 *
 *	project path		its path: custom_build/app; so does a template, filled
 *	node			its name: the file when it has one output, else a directory of them
 *	node:output		the output's name
 *	node:/path		the last part of the path
 *
 * Copies are reflinks where the file system can. Very large files are not copied but left to the
 * caller to bind (binds); everything else is a file, so ten thousand inputs are one bind. All times
 * are the action's epoch.
 */
#include "machine/sandbox/sandbox.h"
#include "run/action.h"

DEFINE_VEC(staging_binds, struct sandbox_bind)

struct staging {
	struct action *a;
	const char *dir;            /* the directory, empty at first */
	const char *inside;         /* what it is called in the sandbox: "/work" */
	const struct list *copies;  /* of const char *: names that are never bound */
	struct staging_binds binds; /* paths live in the action's arena */
	struct strv directories;    /* that were made, parents first; relative to DIR */
	bool skip_git; /* the input in work is a directory of the project, see path_is_git() */
};

/* Two inputs under one name are ERR_USER. */
int staging_add(struct staging *l, const struct ref *ref, struct err **err) warn_unused;
/* Makes the directories read-only, when everything is in. */
int staging_seal(struct staging *l, struct err **err) warn_unused;
void staging_release(struct staging *l);
