/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <time.h>

#include "cli/finding.h"
#include "cli/markup.h"
#include "cli/report.h"

#define TAIL_LINES 100

struct suite {
	const struct report *r;
	const char *name;
	bool scenarios; /* nodes of kind test, or all others */
	unsigned id;
	size_t tests, failures, skipped;
	double seconds;
	struct str cases;
};

static void text_lines(struct str *s, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line cleanup_free = xstrndup(text, len);

		markup_text(s, line);
		str_append_char(s, '\n');
		text += len + (text[len] == '\n');
	}
}

static void open_case(struct suite *suite, const char *name, const char *class, double seconds)
{
	const struct project *p = suite->r->project;

	str_append(&suite->cases, "    <testcase name=\"");
	markup_text(&suite->cases, name);
	str_append(&suite->cases, "\" classname=\"");
	markup_text(&suite->cases, p ? p->name : "orch");
	str_printf(&suite->cases, ".%s\" time=\"%.3f\"", class, seconds);
	suite->tests++;
	suite->seconds += seconds;
}

/* LOG: lines, or "". */
static void fail(struct suite *suite, const char *code, const char *text, const char *log)
{
	str_append(&suite->cases, ">\n      <failure type=\"");
	markup_text(&suite->cases, code);
	str_append(&suite->cases, "\" message=\"");
	markup_text(&suite->cases, text);
	str_append(&suite->cases, "\">");
	text_lines(&suite->cases, log);
	str_append(&suite->cases, "</failure>\n    </testcase>\n");
	suite->failures++;
}

static void add_node(struct suite *suite, const struct node *n, const struct outcome *o)
{
	struct str log cleanup_str = STR_INIT;

	open_case(suite, n->name, n->recipe->kind->name, o->seconds);
	if (o->status && str_eq(o->status, "failed")) {
		report_log_tail(o, TAIL_LINES, &log);
		fail(suite, o->code ? o->code : "failed", o->error ? o->error : "failed", log.buf);
	} else if (!o->status || str_eq(o->status, "skipped")) {
		str_append(&suite->cases, ">\n      <skipped/>\n    </testcase>\n");
		suite->skipped++;
	} else {
		str_append(&suite->cases, "/>\n");
	}
}

static void add_nodes(struct suite *suite)
{
	const struct report *r = suite->r;

	for (size_t i = 0; i < r->graph->nodes.count; i++) {
		const struct node *n = r->graph->nodes.items[i];

		if (n->wanted && str_eq(n->recipe->kind->name, "test") == suite->scenarios)
			add_node(suite, n, &r->tally->nodes[i]);
	}
}

/* Of a run that did not begin: a case for each thing that is wrong. */
static void add_findings(struct suite *suite)
{
	const struct findings *all = suite->r->cli->findings;

	for (size_t i = 0; i < all->items.count; i++) {
		const struct finding *f = &all->items.items[i];
		char *text cleanup_free = finding_text(f);

		if (f->level != FINDING_ERROR)
			continue;
		open_case(suite, f->file ? f->file : "project", "recipe", 0);
		fail(suite, f->code, text, "");
	}
}

static void print_suite(const struct suite *suite, struct str *to)
{
	const struct project *p = suite->r->project;
	time_t started = (time_t)(suite->r->started_ns / 1000000000);
	char when[sizeof("2000-01-01T00:00:00")];
	struct tm tm;

	gmtime_r(&started, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	str_printf(to, "  <testsuite name=\"%s\" package=\"", suite->name);
	markup_text(to, p ? p->name : "orch");
	str_printf(to,
		   "\" id=\"%u\" timestamp=\"%s\" hostname=\"localhost\" tests=\"%zu\" "
		   "failures=\"%zu\" errors=\"0\" skipped=\"%zu\" time=\"%.3f\">\n"
		   "    <properties/>\n%s    <system-out/>\n    <system-err/>\n  </testsuite>\n",
		   suite->id, when, suite->tests, suite->failures, suite->skipped, suite->seconds,
		   suite->cases.buf);
}

void report_junit(const struct report *r, struct str *to)
{
	static const char *const names[] = {"nodes", "scenarios"};

	str_append(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (unsigned i = 0; i < array_len(names); i++) {
		struct suite suite = {r, names[i], i == 1, i, 0, 0, 0, 0, STR_INIT};

		if (r->graph)
			add_nodes(&suite);
		else if (!suite.scenarios)
			add_findings(&suite);
		print_suite(&suite, to);
		str_release(&suite.cases);
	}
	str_append(to, "</testsuites>\n");
}
