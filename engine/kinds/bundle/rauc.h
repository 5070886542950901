/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * rauc, and the mksquashfs that it starts: this machine's, confined (machine/sandbox/confined.h),
 * or those of a tree, in the sandbox (machine/sandbox/sandbox.h). Of the node's files it sees DIR
 * and the directory of the outputs, which it may change, the certificates and the keys. In a tree
 * they have other names:
 *
 *	struct rauc r = {.a = a, .key = key, .keyring = keyring, .certs = certs, .dir = dir};
 *	rauc_open(&r, o->tools, err);
 *	strv_printf(&argv, "--key=%s", rauc_path(&r, r.key));
 *	rauc_sign(&r, &argv, err);
 */
#include "base/str.h"
#include "base/vec.h"
#include "kinds/bundle/token_server.h"
#include "kinds/run/toolbox.h"

struct rauc {
	struct action *a;
	const char *key, *keyring, *certs; /* absolute; the last is a directory */
	/*
	 * Absolute. Once a program has run in it nothing else writes there or reads what is there,
	 * for links may lead anywhere: each job of a program has one of its own.
	 */
	const char *dir;
	const struct token_server *token; /* where KEY is in one, else NULL */
	struct toolbox tools; /* filled by rauc_open(); without a root: this machine's programs */
};

/* TOOLS: the tree, or NULL. */
int rauc_open(struct rauc *r, const struct ref *tools, struct err **err) warn_unused;
/*
 * How rauc calls PATH: the key, also where it is in a token, the keyring, or what lies in one of
 * the two directories. Arena.
 */
const char *rauc_path(const struct rauc *r, const char *path);
/* Runs ARGV, "rauc" and its arguments; it sees the key. What it prints goes to the log. */
int rauc_sign(const struct rauc *r, struct strv *argv, struct err **err) warn_unused;
/* The same without the key; *RET gets what it prints. */
int rauc_read(const struct rauc *r, struct strv *argv, struct str *ret,
	      struct err **err) warn_unused;
