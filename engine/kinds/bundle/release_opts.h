/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The options of kind release, and what the files of a release are called: in the directory that
 * `orch build` lays out (cli/release_dir.h) and in RELEASE_OUTPUT, which says what each is.
 */
#include "kinds/bundle/shipped_opts.h"

#define RELEASE_OUTPUT "release.json"
#define RELEASE_VERDICTS "verdicts" /* below it NODE/OUTPUT */
#define RELEASE_KEYRING "keyring.pem"

struct release_opts {
	const char *version; /* NULL: the project's */
	struct ref *bundle, *card, *notes;
	const char *device;    /* a node; NULL: the only one */
	const char *in;        /* project path of a directory */
	struct list tested_by; /* of struct ref * */
};
