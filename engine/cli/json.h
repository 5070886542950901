/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* JSON for --json, --events and --result-json, through jansson. Every object carries "v": 1. */
#include <jansson.h>
#include <stdio.h>

#include "graph/manifest.h"

/* For json_dumps(): 0.061, not 0.060999999999999999. */
#define JSON_PLAIN_REALS JSON_REAL_PRECISION(15)

/* A JSON string of any bytes: what is not UTF-8 becomes \xNN text. NULL gives null. */
json_t *json_text(const char *text);
/* "sha256:<hex>" of a key or log; null when all zeros. */
json_t *json_digest(const struct digest *d);
/* {"class", "code", "text", "file"?, "line"?, "col"?} */
json_t *json_err(const struct err *e);
/*
 * [{"name", "path", "digest", "size", "allocated"}]; path is where `orch
 * build NODE` puts the output.
 */
json_t *json_outputs(const char *node, const struct record *rec);
/* {"what", "name", "before", "after"} */
json_t *json_change(const struct change *c);
/* Prints and frees an object, on one line (compact) or indented. */
void json_print(FILE *to, json_t *object, bool compact);
