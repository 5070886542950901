/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a node found of another one: an output that bundles can require. Equal inputs give equal
 * verdicts, so there are no times in it.
 */
#include <jansson.h>

#include "base/err.h"

#define VERDICT_OUTPUT "verdict.json"

struct action;
/* Writes the output, which is there after a failure, too, for people to read. Takes ROOT. */
int verdict_write(struct action *a, json_t *root, struct err **err) warn_unused;
