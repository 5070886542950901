/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For a pull request: names are foreign, and what Markdown and HTML would obey is written out. */
#include "cli/diff_show.h"
#include "cli/size_table.h"

static void print_text(const char *text)
{
	struct str plain cleanup_str = STR_INIT;

	str_escape(&plain, text, strlen(text));
	for (const char *c = plain.buf; *c; c++) {
		if (strchr("\\`*_{}[]()#+!|~<>&@:", *c))
			printf("&#%d;", *c);
		else
			putchar(*c);
	}
}

static void print_cell(const char *text)
{
	fputs(" ", stdout);
	print_text(text ? text : "");
	fputs(" |", stdout);
}

static void print_row(const struct delta_row *r)
{
	fputs(r->alarm ? "| **!** |" : "| |", stdout);
	print_cell(r->change);
	print_cell(r->name);
	print_cell(r->before);
	print_cell(r->after);
	putchar('\n');
}

static void print_section(const struct delta_rows *rows, const struct delta_title *title)
{
	size_t count, minor, left;
	const struct delta_row **list cleanup_free = diff_show_rows(rows, &count, &minor, &left);

	if (!rows->count)
		return;
	printf("\n<details%s><summary>%s: %zu</summary>\n\n",
	       count && list[0]->alarm ? " open" : "", title->text, rows->count);
	puts("| | change | what | before | after |\n|---|---|---|---|---|");
	for (size_t i = 0; i < count; i++)
		print_row(list[i]);
	if (left)
		printf("\nand %zu more\n", left);
	if (minor)
		printf("\nand %zu that follow: of packages that changed, in directories that "
		       "came or went\n",
		       minor);
	puts("\n</details>");
}

static void print_grown(const struct sizes *z, const struct map *m, const char *what)
{
	size_t count;
	struct size_group **list cleanup_free = sizes_sorted(z, m, &count);

	if (!count)
		return;
	printf("\n| grew | now | %s |\n|--:|--:|---|\n", what);
	for (size_t i = 0; i < count && i < DIFF_ROWS; i++) {
		char *grew cleanup_free = size_signed(sizes_grown(list[i]));
		char *now cleanup_free = str_bytes(list[i]->bytes[SIZES_NOW]);

		printf("| %s | %s |", grew, now);
		print_cell(list[i]->name);
		putchar('\n');
	}
}

static void print_sizes(const struct sizes *z)
{
	char *now cleanup_free = str_bytes(z->total.bytes[SIZES_NOW]);
	char *grew cleanup_free = size_signed(sizes_grown(&z->total));

	printf("\n<details><summary>What grew: %s, to %s</summary>\n", grew, now);
	if (sizes_have_packages(z))
		print_grown(z, &z->packages, "package");
	print_grown(z, &z->directories, "directory");
	puts("\n</details>");
}

static void print_part(const struct delta *d, size_t i)
{
	const struct delta_part *p = &d->parts.items[i], *twin = diff_show_twin(d, i);
	char *counts cleanup_free = diff_show_counts(p);
	char *update cleanup_free = diff_show_update(d, p);

	fputs("\n", stdout);
	if (*p->name) {
		fputs("**", stdout);
		print_text(p->name);
		fputs("**: ", stdout);
	}
	print_text(twin ? "the same files differ as in " : p->note ? p->note : counts);
	print_text(twin ? twin->name : "");
	putchar('\n');
	for (size_t k = 0; !twin && k < DELTA_SECTIONS; k++)
		print_section(&p->rows[k], &delta_titles[k]);
	if (!twin && p->has_sizes && p->differs)
		print_sizes(&p->sizes);
	if (!twin && update)
		printf("\n%s\n", update);
}

void diff_show_markdown(const char *title, const struct delta *d)
{
	fputs("### ", stdout);
	print_text(title);
	puts(delta_differs(d) ? "" : ": no difference");
	for (size_t i = 0; i < d->parts.count; i++) {
		if (d->parts.items[i].differs)
			print_part(d, i);
	}
}
