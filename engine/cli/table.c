/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

struct table {
	struct libscols_table *tb;
	size_t columns, rows;
};

static void must(int rc)
{
	if (rc)
		out_of_memory(0);
}

struct table *table_new(const char *first, ...)
{
	struct table *t = xcalloc(1, sizeof(*t));
	va_list ap;

	t->tb = scols_new_table();
	must(!t->tb);
	va_start(ap, first);
	for (const char *name = first; name; name = va_arg(ap, const char *)) {
		bool right = *name == '>';

		must(!scols_table_new_column(t->tb, name + right, 0, right ? SCOLS_FL_RIGHT : 0));
		t->columns++;
	}
	va_end(ap);
	/* Never cut or wrap: what is printed is read by scripts too. */
	must(scols_table_set_termforce(t->tb, SCOLS_TERMFORCE_NEVER));
	return t;
}

void table_plain(struct table *t)
{
	must(scols_table_enable_noheadings(t->tb, 1));
}

void table_row(struct table *t, ...)
{
	struct libscols_line *line = scols_table_new_line(t->tb, NULL);
	va_list ap;

	must(!line);
	va_start(ap, t);
	for (size_t i = 0; i < t->columns; i++) {
		const char *cell = va_arg(ap, const char *);
		struct str shown cleanup_str = STR_INIT;

		if (cell)
			str_escape(&shown, cell, strlen(cell));
		must(scols_line_set_data(line, i, shown.buf));
	}
	va_end(ap);
	t->rows++;
}

void table_free(struct table *t)
{
	if (t)
		scols_unref_table(t->tb);
	free(t);
}

void table_print(struct table *t)
{
	if (t->rows)
		must(scols_print_table(t->tb));
	table_free(t);
}
