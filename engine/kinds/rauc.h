/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * rauc, and the mksquashfs that it starts, confined (machine/confined.h). Of the node's files it
 * sees the work directory and that of the outputs, which it may change, and the keys.
 */
#include "base/str.h"
#include "base/vec.h"
#include "run/action.h"

struct rauc {
	struct action *a;
	const char *key, *keyring; /* absolute */
};

/* Runs ARGV, "rauc" and its arguments; it sees the key. What it prints goes to the log. */
int rauc_sign(const struct rauc *r, struct strv *argv, struct err **err) warn_unused;
/* The same without the key; *RET gets what it prints. */
int rauc_read(const struct rauc *r, struct strv *argv, struct str *ret,
	      struct err **err) warn_unused;
