/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The summary of a build, in the Markdown that GitHub and GitLab have in common. */
#include "cli/checkout.h"
#include "cli/finding.h"
#include "cli/remote_sums.h"
#include "cli/report.h"

#define ROWS_MAX 300  /* of nodes that were not cached */
#define FAILED_MAX 10 /* whose log is shown */
#define TAIL_LINES 40
#define SLOWEST 5
#define SHORT_TABLE 20

/* Text that nothing in it can end, as a block. */
static void block(struct str *to, const char *text)
{
	size_t longest = 2, run = 0;

	for (const char *p = text; *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (unsigned twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i <= longest; i++)
			str_append_char(to, '`');
		str_append(to, twice ? "\n" : "text\n");
		if (!twice)
			str_append(to, text);
	}
}

/* Foreign text of one line in `: what would end that, or a cell of a table, is left out. */
static void code(struct str *to, const char *text)
{
	struct str shown cleanup_str = STR_INIT;

	str_escape(&shown, text, strlen(text));
	str_append_char(to, '`');
	for (const char *p = shown.buf; *p; p++)
		str_append_char(to, *p == '`' || *p == '|' ? '?' : *p);
	str_append_char(to, '`');
}

static const char *status_of(const struct report *r, const struct node *n)
{
	const char *status = r->tally->nodes[n->index].status;

	return status ? status : "skipped";
}

static void row(const struct report *r, const struct node *n, struct str *to)
{
	const struct outcome *o = &r->tally->nodes[n->index];
	const char *status = status_of(r, n);
	uint64_t size = 0;

	for (size_t i = 0; n->record && i < n->record->output_count; i++)
		size += n->record->outputs[i].allocated;
	str_append(to, "| ");
	code(to, n->name);
	str_printf(to, " | %s | %s%s%s | ", n->recipe->kind->name,
		   str_eq(status, "failed") ? "**" : "", status,
		   str_eq(status, "failed") ? "**" : "");
	if (o->seconds > 0) {
		char *took cleanup_free = str_seconds(o->seconds);

		str_append(to, took);
	}
	str_append(to, " | ");
	if (size && (str_eq(status, "built") || str_eq(status, "cached"))) {
		char *bytes cleanup_free = str_bytes(size);

		str_append(to, bytes);
	}
	str_append(to, " |\n");
}

/* Those that were built, failed or skipped, then the cached ones. */
static void table(const struct report *r, struct str *to)
{
	size_t rows = 0, all = 0;
	struct str lines cleanup_str = STR_INIT;

	for (unsigned cached = 0; cached < 2; cached++) {
		for (size_t i = 0; i < r->graph->order.count; i++) {
			const struct node *n = r->graph->order.items[i];

			if (!n->wanted || str_eq(status_of(r, n), "cached") != (cached == 1))
				continue;
			all++;
			if (rows < ROWS_MAX && ++rows)
				row(r, n, &lines);
		}
	}
	if (all > SHORT_TABLE)
		str_printf(to, "<details><summary>%zu nodes</summary>\n\n", all);
	str_printf(to, "| node | kind | | time | data |\n|---|---|---|--:|--:|\n%s", lines.buf);
	if (all > rows)
		str_printf(to, "\nand %zu more, most of them cached\n", all - rows);
	str_append(to, all > SHORT_TABLE ? "\n</details>\n\n" : "\n");
}

static void failures(const struct report *r, struct str *to)
{
	const struct tally *t = r->tally;

	for (size_t i = 0; i < t->failed_count && i < FAILED_MAX; i++) {
		const struct node *n = r->graph->nodes.items[t->failed[i]];
		const struct outcome *o = &t->nodes[n->index];
		struct str text cleanup_str = STR_INIT;

		str_append(to, "**");
		code(to, n->name);
		str_append(to, " failed**\n\n");
		report_log_tail(o, TAIL_LINES, &text);
		if (o->error) {
			str_escape(&text, o->error, strlen(o->error));
			str_append_char(&text, '\n');
		}
		block(to, text.buf);
		str_append_char(to, '\n');
	}
	if (t->failed_count > FAILED_MAX)
		str_printf(to, "%zu more failed.\n\n", t->failed_count - FAILED_MAX);
}

/* The node that took longest of those not TAKEN; the number of nodes when there is none. */
static size_t next_slowest(const struct tally *t, const bool *taken)
{
	size_t found = t->count;

	for (size_t i = 0; i < t->count; i++)
		if (!taken[i] && t->nodes[i].seconds > 0 &&
		    (found == t->count || t->nodes[i].seconds > t->nodes[found].seconds))
			found = i;
	return found;
}

static void slowest(const struct report *r, struct str *to)
{
	bool *taken cleanup_free = xcalloc(r->tally->count + 1, sizeof(*taken));
	size_t n;

	for (unsigned i = 0; i < SLOWEST; i++) {
		char *took cleanup_free = NULL;

		n = next_slowest(r->tally, taken);
		if (n == r->tally->count)
			break;
		taken[n] = true;
		took = str_seconds(r->tally->nodes[n].seconds);
		str_append(to, i ? ", " : "Slowest: ");
		code(to, r->graph->nodes.items[n]->name);
		str_printf(to, " %s", took);
	}
	str_append(to, "\n\n");
}

static void targets(const struct report *r, struct str *to)
{
	size_t before = to->len;

	for (size_t i = 0; i < r->graph->nodes.count; i++) {
		const struct node *n = r->graph->nodes.items[i];

		for (size_t k = 0; n->target && n->record && k < n->record->output_count; k++) {
			const struct artifact *a = &n->record->outputs[k];
			char *path cleanup_free = checkout_path(n->name, a->name);
			char *size cleanup_free = str_bytes(a->size);

			str_append(to, "- ");
			code(to, path);
			str_printf(to, " %s\n", size);
		}
	}
	str_append(to, to->len > before ? "\n" : "");
}

static void mistakes(const struct report *r, struct str *to)
{
	const struct findings *all = r->cli->findings;
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < all->items.count && i < ROWS_MAX; i++) {
		char *line cleanup_free = finding_text(&all->items.items[i]);

		str_escape(&text, line, strlen(line));
		str_append_char(&text, '\n');
	}
	if (text.len)
		block(to, text.buf);
	str_append_char(to, '\n');
}

void report_summary(const struct report *r, struct str *to)
{
	const struct sched_result *result = &r->result;
	char *wall cleanup_free = str_seconds(result->wall_s);

	str_append(to, "### orch build: ");
	str_append(to, result->signal ? "stopped" : r->code ? "failed" : "ok");
	str_append(to, "\n\n");
	if (!r->graph) {
		str_printf(to, "Nothing was built: exit code %d.\n\n", r->code);
		mistakes(r, to);
		return;
	}
	str_append(to, "Project ");
	code(to, r->project->name);
	str_printf(to, ": built %zu, cached %zu, failed %zu, skipped %zu in %s", result->built,
		   result->cached, result->failed, result->skipped, wall);
	remote_sums_text(&result->remote, to);
	str_append(to, "\n\n");
	failures(r, to);
	targets(r, to);
	table(r, to);
	slowest(r, to);
}
