/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A program out of an unpacked tree, run on this machine as it is, beside the machine's own files:
 * the tree's dynamic loader starts it with the tree's libraries. No root, no namespace; the
 * program must be of this machine's architecture and may not rely on files at fixed places.
 *
 *	struct strv argv = {0};
 *	tree_program("/store/roots/1f..", "usr/bin/qemu-system-aarch64", &argv, err);
 *	// /store/roots/1f../usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
 *	//	--library-path ... /store/roots/1f../usr/bin/qemu-system-aarch64
 */
#include "base/err.h"
#include "base/vec.h"

/*
 * Appends the beginning of the command; arguments may follow. ROOT is absolute. ERR_USER when the
 * tree has no such program, or none that this machine could run.
 */
int tree_program(const char *root, const char *program, struct strv *ret,
		 struct err **err) warn_unused;
