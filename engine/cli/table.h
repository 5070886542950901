/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Aligned columns on stdout, through libsmartcols, which also makes control bytes harmless.
 *
 *	struct table *t = table_new("RUN", "WHEN", ">TIME", NULL);     // '>' aligns to the right
 *	table_row(t, "12", "2026-11-22 16:20", "3.2 s");
 *	table_print(t);                                                // and frees it
 */
struct table;
struct table *table_new(const char *first, ...) __attribute__((sentinel));
/* The same without a line of headings. */
void table_plain(struct table *t);
/* As many const char * as there are columns; NULL is an empty cell. */
void table_row(struct table *t, ...);
void table_print(struct table *t);
/* Of one that is not printed; NULL: nothing. */
void table_free(struct table *t);
