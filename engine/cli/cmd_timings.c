/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch timings: when the nodes of a run ran, and what it had to wait for. */
#include <sys/stat.h>

#include "base/file.h"
#include "cli/history.h"
#include "cli/json.h"
#include "cli/remote_sums.h"
#include "cli/table.h"
#include "cli/timings_html.h"

#define CHART 32   /* columns */
#define SLACK 0.05 /* seconds between what ends and what then begins */

/* ---- the critical path ---- */

static const struct span *find_span(const struct timing *t, const char *node, double until)
{
	for (size_t i = t->spans.count; i-- > 0;) {
		const struct span *s = &t->spans.items[i];

		if (str_eq(s->node, node) && s->ended <= until + SLACK)
			return s;
	}
	return NULL;
}

/*
 * What S waited for last: its input; or, when that had long ended, whatever gave up its slot. NULL:
 * nothing.
 */
static const struct span *before(const struct timing *t, const struct span *s)
{
	const struct span *best = s->after ? find_span(t, s->after, s->began) : NULL;

	if (best && s->began - best->ended <= SLACK)
		return best;
	for (size_t i = 0; i < t->spans.count; i++) {
		const struct span *o = &t->spans.items[i];

		if (o != s && o->began < s->began && o->ended <= s->began + SLACK &&
		    (!best || o->ended > best->ended + SLACK))
			best = o;
	}
	return best;
}

static void find_critical(const struct timing *t, bool *critical)
{
	const struct span *s = NULL;

	for (size_t i = 0; i < t->spans.count; i++) {
		if (!s || t->spans.items[i].ended > s->ended)
			s = &t->spans.items[i];
	}
	for (; s && !critical[s - t->spans.items]; s = before(t, s))
		critical[s - t->spans.items] = true;
}

/* ---- as text ---- */

/* "    ====   " */
static char *chart_text(const struct span *s, double wall, bool critical)
{
	struct str text = STR_INIT;
	unsigned from = (unsigned)(s->began / wall * CHART), to;

	to = (unsigned)(s->ended / wall * CHART);
	for (unsigned i = 0; i <= to && i < CHART; i++)
		str_append_char(&text, i < from ? ' ' : critical ? '#' : '=');
	if (!text.len || from >= CHART)
		str_append_char(&text, critical ? '#' : '=');
	return str_steal(&text);
}

static void span_row(struct table *t, const struct span *s, double wall, bool critical)
{
	char *began cleanup_free = str_seconds(s->began);
	char *took cleanup_free = str_seconds(s->ended - s->began);
	char *slot cleanup_free = xasprintf("%u", s->lane + 1);
	char *chart cleanup_free = chart_text(s, wall, critical);

	table_row(t, began, took, slot, s->status, s->node, s->kind, critical ? "*" : "", chart);
}

static double wall_of(const struct timing *t, const struct run_info *run)
{
	double wall = run->wall_s;

	for (size_t i = 0; i < t->spans.count; i++) {
		if (t->spans.items[i].ended > wall)
			wall = t->spans.items[i].ended;
	}
	return wall > 0 ? wall : 0.001;
}

static void print_text(const struct timing *t, const struct run_info *run, const bool *critical)
{
	struct table *table = table_new(">BEGAN", ">TIME", ">SLOT", "STATUS", "NODE", "KIND",
					"CRITICAL", "WHEN", NULL);
	double wall = wall_of(t, run), spared = 0;
	char *took cleanup_free = str_seconds(wall), *saved cleanup_free = NULL;
	struct str remote cleanup_str = STR_INIT;

	for (size_t i = 0; i < t->spared.count; i++)
		spared += t->spared.items[i].seconds;
	saved = str_seconds(spared);
	remote_sums_text(&t->remote, &remote);
	printf("run %lld: %s, %s; %zu ran, at most %u at once; %zu cached, which once took %s%s\n",
	       (long long)run->id, history_state(run), took, t->spans.count, t->jobs,
	       t->spared.count, saved, remote.buf);
	for (size_t i = 0; i < t->spans.count; i++)
		span_row(table, &t->spans.items[i], wall, critical[i]);
	table_print(table);
}

/* ---- as JSON ---- */

static void print_json(const struct timing *t, const struct run_info *run, const bool *critical)
{
	json_t *ran = json_array(), *cached = json_array();

	for (size_t i = 0; i < t->spans.count; i++) {
		const struct span *s = &t->spans.items[i];

		json_array_append_new(ran,
				      json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:i, s:b}", "node",
						s->node, "kind", s->kind, "status", s->status,
						"after", json_text(s->after), "began", s->began,
						"seconds", s->ended - s->began, "slot",
						(int)s->lane + 1, "critical", (int)critical[i]));
	}
	for (size_t i = 0; i < t->spared.count; i++) {
		const struct spared *s = &t->spared.items[i];

		json_array_append_new(cached, json_pack("{s:s, s:s, s:f}", "node", s->node, "kind",
							s->kind, "seconds", s->seconds));
	}
	json_print(stdout,
		   json_pack("{s:i, s:b, s:I, s:o, s:f, s:i, s:o, s:o, s:o}", "v", 1, "ok", 1,
			     "run", (json_int_t)run->id, "project", history_project(run), "wall_s",
			     run->wall_s, "jobs", (int)t->jobs, "ran", ran, "cached", cached,
			     "remote", remote_sums_json(&t->remote)),
		   false);
}

/* ---- */

static int write_html(const struct timing *t, const struct run_info *run, const bool *critical,
		      const char *path, struct err **err)
{
	struct str page cleanup_str = STR_INIT;

	timings_html(t, run, critical, &page);
	if (file_write(path, page.buf, page.len, 0644, false, err) < 0)
		return err_wrap(err, "--html");
	return 0;
}

static int timings(const struct session *s, struct err **err)
{
	const struct cli *c = s->cli;
	const char *text = c->args.count ? c->args.items[0] : "^0";
	struct run_info run;
	struct timing t = {0};
	bool *critical cleanup_free = NULL;
	int rc = history_run(s, text, &run, err);

	if (rc == 0)
		rc = timing_load(s->store, run.id, s->arena, &t, err);
	if (rc == 1)
		return err_set(err, E_NO_TIMINGS,
			       "run %lld has no times: it did not come to its end, or is of an "
			       "orch that kept none; 'orch runs' lists the others",
			       (long long)run.id);
	if (rc < 0)
		return -1;
	critical = xcalloc(t.spans.count + 1, sizeof(*critical));
	find_critical(&t, critical);
	if (c->json)
		print_json(&t, &run, critical);
	else if (!c->html)
		print_text(&t, &run, critical);
	if (c->html)
		rc = write_html(&t, &run, critical, c->html, err);
	timing_close(&t);
	return rc;
}

int cmd_timings(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct err *err = NULL;
	int code = session_open_history(&s, c);

	if (code == 0 && timings(&s, &err) < 0)
		code = cli_fail(&s, err);
	return code;
}
