/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* A tree's program that signs: it reads the private key and writes what leaves the machine. */
#include "recipe/kind.h"

/*
 * Adds an error to ERRORS when PROGRAM of the tree that TOOLS names (NULL: the host's, no error)
 * is not a package's, unless the user's configuration trusts such trees: a program of the recipe's
 * own could put the key into what it writes.
 */
void signing_tool_check(const struct kind_ctx *ctx, const struct ref *tools, const char *program,
			struct err_list *errors);
