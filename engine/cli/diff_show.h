/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What differs in two things that ship (evidence/delta.h), for people, pull requests, programs. */
#include "cli/cli.h"
#include "cli/json.h"
#include "evidence/delta.h"

#define DIFF_ROWS 20 /* of a section that people see; programs get all */

/* TITLE is what is compared: "bundle". */
void diff_show_text(const struct cli *c, const char *title, const struct delta *d);
void diff_show_markdown(const char *title, const struct delta *d);
/* {"name", "differs", "parts": [...]} */
json_t *diff_show_json(const char *title, const struct delta *d);

/* The part before I of D in which all is the same but the name, as in a second slot; or NULL. */
const struct delta_part *diff_show_twin(const struct delta *d, size_t i);
/* The rows that people see, those that alarm first, at most DIFF_ROWS; *RET_LEFT: others. Heap. */
const struct delta_row **diff_show_rows(const struct delta_rows *rows, size_t *ret_count,
					size_t *ret_minor, size_t *ret_left);
/* "3 packages, 12 files"; caller frees. */
char *diff_show_counts(const struct delta_part *p);
/* What an update fetches and writes, in sentences, NULL when nothing is known. Caller frees. */
char *diff_show_update(const struct delta *d, const struct delta_part *p);
