/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/diff_show.h"

#include "cli/paint.h"
#include "cli/size_table.h"
#include "cli/table.h"

/* ---- what all forms share ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && str_eq(a, b));
}

static bool same_rows(const struct delta_rows *a, const struct delta_rows *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct delta_row *x = &a->items[i], *y = &b->items[i];

		if (!str_eq(x->name, y->name) || !str_eq(x->change, y->change) ||
		    !same_text(x->before, y->before) || !same_text(x->after, y->after))
			return false;
	}
	return true;
}

const struct delta_part *diff_show_twin(const struct delta *d, size_t i)
{
	const struct delta_part *p = &d->parts.items[i];

	for (size_t k = 0; k < i && p->has_sizes; k++) {
		const struct delta_part *q = &d->parts.items[k];
		bool same = q->has_sizes && q->blocks.changed == p->blocks.changed &&
			    same_text(q->note, p->note);

		for (size_t s = 0; s < DELTA_SECTIONS && same; s++)
			same = same_rows(&q->rows[s], &p->rows[s]);
		if (same && p->differs)
			return q;
	}
	return NULL;
}

const struct delta_row **diff_show_rows(const struct delta_rows *rows, size_t *ret_count,
					size_t *ret_minor, size_t *ret_left)
{
	const struct delta_row **list = xcalloc(DIFF_ROWS, sizeof(*list));

	*ret_count = *ret_minor = *ret_left = 0;
	for (int alarm = 1; alarm >= 0; alarm--) {
		for (size_t i = 0; i < rows->count; i++) {
			const struct delta_row *r = &rows->items[i];

			if (r->alarm != alarm)
				continue;
			if (r->minor && !r->alarm)
				++*ret_minor;
			else if (*ret_count < DIFF_ROWS)
				list[(*ret_count)++] = r;
			else
				++*ret_left;
		}
	}
	return list;
}

char *diff_show_counts(const struct delta_part *p)
{
	static const char *const words[DELTA_SECTIONS] = {[DELTA_PARTITIONS] = "partition",
							  [DELTA_PACKAGES] = "package",
							  [DELTA_UNITS] = "unit",
							  [DELTA_ACCOUNTS] = "user or group",
							  [DELTA_BOOT] = "kernel argument",
							  [DELTA_KERNEL] = "kernel option",
							  [DELTA_FILES] = "file"};
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < DELTA_SECTIONS; i++) {
		size_t n = p->rows[i].count;

		if (n)
			str_printf(&s, "%s%zu %s%s", s.len ? ", " : "", n, words[i],
				   n == 1                ? ""
				   : i == DELTA_ACCOUNTS ? "s (of either)"
							 : "s");
	}
	if (!s.len)
		str_append(&s, p->differs && !p->note ? "no file differs, only bytes"
			       : p->differs           ? "differs"
						      : "no difference");
	return str_steal(&s);
}

char *diff_show_update(const struct delta *d, const struct delta_part *p)
{
	char *fetch cleanup_free = str_bytes(blocks_fetched(&p->blocks));
	char *write cleanup_free = str_bytes(blocks_written(&p->blocks));
	char *full cleanup_free = str_bytes(p->blocks.blocks * BLOCK_BYTES);
	char *payload cleanup_free = str_bytes(d->payload[1]);
	struct str s cleanup_str = STR_INIT;

	if (!p->has_blocks || !p->blocks.changed)
		return NULL;
	str_printf(&s,
		   "%llu of %llu blocks differ%s. An adaptive update fetches at most %s, its index "
		   "among them, and writes %s; a full one writes %s",
		   (unsigned long long)p->blocks.changed, (unsigned long long)p->blocks.blocks,
		   p->blocks.changed == 1 ? "s" : "", fetch, write, full);
	if (d->payload[1])
		str_printf(&s, " and fetches the bundle, %s", payload);
	str_append_char(&s, '.');
	return str_steal(&s);
}

/* ---- as text ---- */

static void print_red(const struct cli *c, const struct delta_row *r)
{
	const struct paint *paint = paint_for(c, stdout);

	fputs(paint->red, stdout);
	fputs("! ", stdout);
	print_escaped(stdout, r->name, strlen(r->name));
	printf(": %s: ", r->change);
	print_escaped(stdout, r->before ? r->before : "-", strlen(r->before ? r->before : "-"));
	fputs(" -> ", stdout);
	print_escaped(stdout, r->after ? r->after : "-", strlen(r->after ? r->after : "-"));
	puts(paint->off);
}

static void print_alarms(const struct cli *c, const struct delta_part *p)
{
	for (size_t i = 0; i < DELTA_SECTIONS; i++) {
		for (size_t k = 0; k < p->rows[i].count; k++) {
			if (p->rows[i].items[k].alarm)
				print_red(c, &p->rows[i].items[k]);
		}
	}
}

static void print_section(const struct delta_rows *rows, const struct delta_title *title)
{
	size_t count, minor, left;
	const struct delta_row **list cleanup_free = diff_show_rows(rows, &count, &minor, &left);
	struct table *t = table_new("", "CHANGE", title->text, "BEFORE", "AFTER", NULL);

	for (size_t i = 0; i < count; i++)
		table_row(t, list[i]->alarm ? "!" : "", list[i]->change, list[i]->name,
			  list[i]->before, list[i]->after);
	if (count)
		putchar('\n');
	table_print(t);
	if (left)
		printf("  and %zu more (--json has all)\n", left);
	if (minor)
		printf("  %s%zu that follow: of packages that changed, in directories that came or "
		       "went (--json has all)\n",
		       count ? "and " : "", minor);
}

static void print_sizes(const struct sizes *z)
{
	char *now cleanup_free = str_bytes(z->total.bytes[SIZES_NOW]);
	char *grew cleanup_free = size_signed(sizes_grown(&z->total));

	printf("\n%s in files now: %s\n", now, grew);
	size_tables_print(z);
}

static void print_part(const struct cli *c, const struct delta *d, size_t i)
{
	const struct delta_part *p = &d->parts.items[i], *twin = diff_show_twin(d, i);
	char *counts cleanup_free = diff_show_counts(p);
	char *update cleanup_free = diff_show_update(d, p);

	if (*p->name) {
		fputs("\n", stdout);
		print_escaped(stdout, p->name, strlen(p->name));
		fputs(": ", stdout);
	}
	if (twin) {
		fputs("the same files differ as in ", stdout);
		print_escaped(stdout, twin->name, strlen(twin->name));
		putchar('\n');
		return;
	}
	print_escaped(stdout, p->note ? p->note : counts, strlen(p->note ? p->note : counts));
	putchar('\n');
	print_alarms(c, p);
	for (size_t k = 0; k < DELTA_SECTIONS; k++)
		print_section(&p->rows[k], &delta_titles[k]);
	if (p->has_sizes && p->differs)
		print_sizes(&p->sizes);
	if (update)
		printf("\n%s\n", update);
}

void diff_show_text(const struct cli *c, const char *title, const struct delta *d)
{
	struct str line cleanup_str = STR_INIT;

	str_escape(&line, title, strlen(title));
	printf("%s: %s\n", line.buf, delta_differs(d) ? "differs" : "no difference");
	for (size_t i = 0; i < d->parts.count; i++) {
		if (d->parts.items[i].differs || d->parts.items[i].note)
			print_part(c, d, i);
	}
}

/* ---- as JSON ---- */

static json_t *row_object(const struct delta_row *r)
{
	json_t *o = json_pack("{s:o, s:s, s:o, s:o, s:b}", "name", json_text(r->name), "change",
			      r->change, "before", json_text(r->before), "after",
			      json_text(r->after), "alarm", r->alarm);

	if (r->package)
		json_object_set_new(o, "package", json_text(r->package));
	return o;
}

static json_t *update_object(const struct delta *d, const struct delta_part *p)
{
	json_t *o = json_pack("{s:I, s:I, s:I, s:I, s:I}", "blocks", (json_int_t)p->blocks.blocks,
			      "changed", (json_int_t)p->blocks.changed, "fetch",
			      (json_int_t)blocks_fetched(&p->blocks), "write",
			      (json_int_t)blocks_written(&p->blocks), "full_write",
			      (json_int_t)(p->blocks.blocks * BLOCK_BYTES));

	if (d->payload[1])
		json_object_set_new(o, "full_fetch", json_integer((json_int_t)d->payload[1]));
	return o;
}

static json_t *part_object(const struct delta *d, const struct delta_part *p)
{
	json_t *o = json_pack("{s:o, s:o, s:b}", "name", json_text(p->name), "note",
			      json_text(p->note), "differs", p->differs);

	for (size_t i = 0; i < DELTA_SECTIONS; i++) {
		json_t *rows = json_array();

		for (size_t k = 0; k < p->rows[i].count; k++)
			json_array_append_new(rows, row_object(&p->rows[i].items[k]));
		json_object_set_new(o, delta_titles[i].key, rows);
	}
	json_object_set_new(o, "sizes", p->has_sizes ? size_object(&p->sizes) : json_null());
	json_object_set_new(o, "update", p->has_blocks ? update_object(d, p) : json_null());
	return o;
}

json_t *diff_show_json(const char *title, const struct delta *d)
{
	json_t *parts = json_array();

	for (size_t i = 0; i < d->parts.count; i++)
		json_array_append_new(parts, part_object(d, &d->parts.items[i]));
	return json_pack("{s:o, s:b, s:o}", "name", json_text(title), "differs", delta_differs(d),
			 "parts", parts);
}
