/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/timings_html.h"

#include <stdlib.h>
#include <time.h>

#include "cli/history.h"
#include "cli/markup.h"

#define TICKS_MOST 10
#define LABELS_END 0.93 /* of the chart: what begins after it would leave the page */

static const char style[] =
	".chart{position:relative;margin:.6em 0 2em 4.5em}\n"
	".lane{position:relative;height:30px;border-bottom:1px solid var(--line)}\n"
	".lane>.name{position:absolute;left:-4.5em;line-height:30px;color:var(--dim)}\n"
	".bar,.key{background:hsl(var(--h) var(--sat) var(--light))}\n"
	".bar{position:absolute;top:3px;height:22px;min-width:2px;border-radius:3px;"
	"font-size:12px;line-height:22px;white-space:nowrap;overflow:hidden;text-indent:4px;"
	"box-sizing:border-box}\n"
	".bar.critical{box-shadow:inset 0 -3px 0 var(--hot)}\n"
	".bar.failed{outline:2px dashed var(--hot);outline-offset:-2px}\n"
	".bar.stopped{opacity:.55}\n"
	".tick{position:absolute;top:0;bottom:-1.4em;border-left:1px solid var(--line);"
	"color:var(--dim);font-size:11px;display:flex;align-items:flex-end;padding-left:3px;"
	"white-space:nowrap}\n"
	"@media (max-width:46em){.tick:nth-child(even){font-size:0}}\n"
	".key{display:inline-block;padding:0 .6em;border-radius:3px;margin-right:.5em}\n"
	".key.hot{background:none;box-shadow:inset 0 -3px 0 var(--hot)}\n";

struct page {
	const struct timing *t;
	const bool *critical;
	double wall; /* seconds, not 0 */
	struct strs kinds;
	struct str *to;
};

static size_t kind_index(struct page *p, const char *kind)
{
	for (size_t i = 0; i < p->kinds.count; i++) {
		if (str_eq(p->kinds.items[i], kind))
			return i;
	}
	strs_push(&p->kinds, kind);
	return p->kinds.count - 1;
}

static void say_seconds(struct str *to, double seconds)
{
	char *text cleanup_free = str_seconds(seconds);

	str_append(to, text);
}

static void bar(struct page *p, size_t i)
{
	const struct span *s = &p->t->spans.items[i];
	double width = (s->ended - s->began) / p->wall * 100;

	str_printf(p->to,
		   "<div class=\"bar %s%s\" style=\"--h:%u;left:%.3f%%;width:%.3f%%\" title=\"",
		   str_eq(s->status, "failed")    ? "failed"
		   : str_eq(s->status, "stopped") ? "stopped"
						  : "",
		   p->critical[i] ? " critical" : "", markup_hue(kind_index(p, s->kind)),
		   s->began / p->wall * 100, width);
	markup_text(p->to, s->node);
	str_append(p->to, " (");
	markup_text(p->to, s->kind);
	str_append(p->to, "), ");
	markup_text(p->to, s->status);
	str_append(p->to, ": ");
	say_seconds(p->to, s->ended - s->began);
	str_append(p->to, " from ");
	say_seconds(p->to, s->began);
	str_append(p->to, " on");
	if (s->after) {
		str_append(p->to, ", after ");
		markup_text(p->to, s->after);
	}
	str_append(p->to, "\">");
	markup_text(p->to, s->node);
	str_append(p->to, "</div>\n");
}

/* 1, 2 or 5 times a power of ten, or what fits minutes and hours. */
static double tick_step(double wall)
{
	static const double steps[] = {0.1, 0.2, 0.5, 1,   2,    5,    10,   15,    30,   60,
				       120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400};

	for (size_t i = 0; i < array_len(steps); i++) {
		if (wall / steps[i] <= TICKS_MOST)
			return steps[i];
	}
	return wall;
}

static void ticks(struct page *p)
{
	double step = tick_step(p->wall);

	for (unsigned i = 0; i * step <= p->wall; i++) {
		str_printf(p->to, "<div class=\"tick\" style=\"left:%.3f%%\">",
			   i * step / p->wall * 100);
		if (i && i * step <= LABELS_END * p->wall)
			say_seconds(p->to, i * step);
		str_append(p->to, "</div>\n");
	}
}

static void chart(struct page *p)
{
	unsigned lanes = 0;

	for (size_t i = 0; i < p->t->spans.count; i++) {
		if (p->t->spans.items[i].lane >= lanes)
			lanes = p->t->spans.items[i].lane + 1;
	}
	str_append(p->to, "<div class=\"chart\">\n");
	ticks(p);
	for (unsigned lane = 0; lane < lanes; lane++) {
		str_printf(p->to, "<div class=\"lane\"><span class=\"name\">slot %u</span>\n",
			   lane + 1);
		for (size_t i = 0; i < p->t->spans.count; i++) {
			if (p->t->spans.items[i].lane == lane)
				bar(p, i);
		}
		str_append(p->to, "</div>\n");
	}
	str_append(p->to, "</div>\n<p>");
	for (size_t i = 0; i < p->kinds.count; i++) {
		str_printf(p->to, "<span class=\"key\" style=\"--h:%u\">", markup_hue(i));
		markup_text(p->to, p->kinds.items[i]);
		str_append(p->to, "</span>");
	}
	str_append(p->to, "<span class=\"key hot\">critical path</span></p>\n");
}

static void cells(struct page *p, const char *node, const char *kind, double seconds)
{
	str_append(p->to, "<tr><td class=\"n\">");
	say_seconds(p->to, seconds);
	str_append(p->to, "</td><td>");
	markup_text(p->to, node);
	str_append(p->to, "</td><td>");
	markup_text(p->to, kind);
	str_append(p->to, "</td>");
}

#define TABLE "<table>\n<tr><th class=\"n\">time</th><th>node</th><th>kind</th>"

static void span_table(struct page *p, bool critical)
{
	str_append(p->to, TABLE "<th class=\"n\">began</th><th>status</th><th>after</th></tr>\n");
	for (size_t i = 0; i < p->t->spans.count; i++) {
		const struct span *s = &p->t->spans.items[i];

		if (critical && !p->critical[i])
			continue;
		cells(p, s->node, s->kind, s->ended - s->began);
		str_append(p->to, "<td class=\"n\">");
		say_seconds(p->to, s->began);
		str_append(p->to, "</td><td>");
		markup_text(p->to, s->status);
		str_append(p->to, "</td><td>");
		markup_text(p->to, s->after ? s->after : "");
		str_append(p->to, "</td></tr>\n");
	}
	str_append(p->to, "</table>\n");
}

static void spared_table(struct page *p)
{
	str_append(p->to, TABLE "</tr>\n");
	for (size_t i = 0; i < p->t->spared.count; i++) {
		const struct spared *s = &p->t->spared.items[i];

		cells(p, s->node, s->kind, s->seconds);
		str_append(p->to, "</tr>\n");
	}
	str_append(p->to, "</table>\n");
}

static void heading(struct page *p, const struct run_info *run)
{
	time_t when = (time_t)run->started_at;
	double spared = 0, ran = 0;
	char text[64] = "";
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm);
	for (size_t i = 0; i < p->t->spared.count; i++)
		spared += p->t->spared.items[i].seconds;
	for (size_t i = 0; i < p->t->spans.count; i++)
		ran += p->t->spans.items[i].ended - p->t->spans.items[i].began;
	str_append(p->to, "<h1>");
	markup_text(p->to, run->name ? run->name : "orch");
	str_printf(p->to, ", run %lld: ", (long long)run->id);
	say_seconds(p->to, p->wall);
	str_printf(p->to, "</h1>\n<p class=\"dim\">%s · %s · at most %u at once · targets: ", text,
		   history_state(run), p->t->jobs);
	markup_text(p->to, *run->targets ? run->targets : "(default)");
	str_printf(p->to, "</p>\n<p>%zu ran, for ", p->t->spans.count);
	say_seconds(p->to, ran);
	str_printf(p->to, " in all; %zu were cached, which once took ", p->t->spared.count);
	say_seconds(p->to, spared);
	str_append(p->to, ".</p>\n");
}

void timings_html(const struct timing *t, const struct run_info *run, const bool *critical,
		  struct str *ret)
{
	struct page p = {.t = t, .critical = critical, .wall = run->wall_s, .to = ret};
	char *title cleanup_free =
		xasprintf("%s, run %lld", run->name ? run->name : "orch", (long long)run->id);

	for (size_t i = 0; i < t->spans.count; i++) {
		if (t->spans.items[i].ended > p.wall)
			p.wall = t->spans.items[i].ended;
	}
	if (p.wall <= 0)
		p.wall = 0.001;
	markup_page(ret, title, style);
	heading(&p, run);
	str_append(ret, "<h2>When what ran</h2>\n");
	chart(&p);
	str_append(ret,
		   "<h2>The critical path</h2>\n<p class=\"dim\">What the run had to wait for, "
		   "one after the other: made faster, it ends sooner.</p>\n");
	span_table(&p, true);
	str_append(ret, "<h2>All that ran</h2>\n");
	span_table(&p, false);
	if (t->spared.count) {
		str_append(ret, "<h2>What was cached</h2>\n");
		spared_table(&p);
	}
	str_append(ret, "</body>\n</html>\n");
	strs_clear(&p.kinds);
}
