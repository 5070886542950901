/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/progress_layout.h"

#include <stdio.h>

#include "base/utf8.h"

#define BAR_MIN 4
#define BAR_MAX 30
#define GAP "  "
#define TEXT_MIN 6

/* ---- text of a width ---- */

static unsigned width_of(const struct utf8 *u, bool utf8)
{
	return u->bad || !utf8 ? 1 : utf8_width(u->code);
}

static unsigned text_width(const char *text, bool utf8)
{
	struct utf8 u = utf8_start(text, strlen(text));
	unsigned width = 0;

	while (utf8_next(&u))
		width += width_of(&u, utf8);
	return width;
}

unsigned text_cut(struct str *to, const char *text, unsigned columns, bool utf8)
{
	const char *mark = utf8 ? "…" : "..";
	unsigned mark_width = utf8 ? 1 : 2, used = 0, width;
	bool cut = text_width(text, utf8) > columns;
	struct utf8 u = utf8_start(text, strlen(text));

	if (cut && columns < mark_width)
		return 0;
	if (cut)
		columns -= mark_width;
	while (utf8_next(&u) && used + (width = width_of(&u, utf8)) <= columns) {
		if (u.bad || (!utf8 && u.code >= 0x80))
			str_append_char(to, '?');
		else
			str_append_len(to, u.at, (size_t)(u.next - u.at));
		used += width;
	}
	if (!cut)
		return used;
	str_append(to, mark);
	return used + mark_width;
}

static void pad(struct str *to, unsigned used, unsigned columns)
{
	if (used < columns)
		str_printf(to, "%*s", (int)(columns - used), "");
}

char *text_age(double seconds)
{
	if (seconds < 59.5)
		return xasprintf("%.0f s", seconds > 0 ? seconds : 0);
	return str_seconds(seconds < 60 ? 60 : seconds);
}

char *text_estimate(double seconds, bool guessed)
{
	char *text cleanup_free =
		guessed ? text_age(seconds < 1 ? 1 : seconds) : str_seconds(seconds);

	return xasprintf("%s%s", guessed ? "~" : "", text);
}

/* ---- the line of the run ---- */

enum { FIELD_COUNTS, FIELD_RUNNING, FIELD_FAILED, FIELD_TIME, FIELD_LEFT, FIELD_LOADED, FIELDS };

struct head {
	const struct view *v;
	const struct screen *s;
	char *field[FIELDS]; /* ASCII; NULL: not shown */
};

/* What goes first where there is no room. The counts and what is left stay. */
static const int expendable[] = {FIELD_TIME, FIELD_LOADED, FIELD_RUNNING, FIELD_FAILED, FIELD_LEFT};

static void fill_head(struct head *h)
{
	const struct view *v = h->v;
	char *left cleanup_free = text_age(v->left);
	char *loaded cleanup_free = str_bytes(v->loaded), *rate cleanup_free = str_bytes(v->rate);

	h->field[FIELD_COUNTS] = xasprintf("%zu/%zu", v->done, v->total);
	if (v->node_count)
		h->field[FIELD_RUNNING] = xasprintf("%zu running", v->node_count);
	if (v->failed)
		h->field[FIELD_FAILED] = xasprintf("%zu failed", v->failed);
	h->field[FIELD_TIME] = text_age(v->elapsed);
	if (v->stopping)
		h->field[FIELD_LEFT] = xstrdup("stopping");
	else if (v->left >= 0)
		h->field[FIELD_LEFT] = xasprintf("%s%s left", v->guessed ? "~" : "", left);
	if (v->loaded && v->rate)
		h->field[FIELD_LOADED] = xasprintf("%s at %s/s", loaded, rate);
	else if (v->loaded)
		h->field[FIELD_LOADED] = xstrdup(loaded);
}

static unsigned head_width(const struct head *h)
{
	unsigned width = 0;

	for (size_t i = 0; i < FIELDS; i++)
		if (h->field[i])
			width += (width ? 2 : 0) + (unsigned)strlen(h->field[i]);
	return width;
}

static void drop_fields(struct head *h, unsigned columns)
{
	for (size_t i = 0; i < array_len(expendable) && head_width(h) > columns; i++) {
		free(h->field[expendable[i]]);
		h->field[expendable[i]] = NULL;
	}
}

/* Done, running and waiting nodes as parts of CELLS. */
static void bar(const struct head *h, unsigned cells, struct str *to)
{
	static const char *const marks[2][3] = {{"#", "-", "."}, {"█", "▒", "░"}};
	const struct view *v = h->v;
	size_t total = v->total ? v->total : 1;
	size_t done = v->done * cells / total;
	size_t running = (v->done + v->node_count) * cells / total - done;

	if (v->node_count && !running && done < cells)
		running = 1;
	str_append_char(to, '[');
	for (size_t i = 0; i < cells; i++)
		str_append(to, marks[h->s->utf8][i < done ? 0 : i < done + running ? 1 : 2]);
	str_append_char(to, ']');
}

static void print_fields(const struct head *h, struct str *to)
{
	size_t start = to->len;

	for (size_t i = 0; i < FIELDS; i++) {
		const char *color = i == FIELD_FAILED ? h->s->paint->red : "";

		if (h->field[i])
			str_printf(to, "%s%s%s%s", to->len > start ? GAP : "", color, h->field[i],
				   *color ? h->s->paint->off : "");
	}
}

static void layout_head(const struct view *v, const struct screen *s, unsigned columns,
			struct str *ret)
{
	struct head h = {v, s, {NULL}};
	unsigned reserve = 2 + BAR_MIN + 2, width; /* of the bar, its ends and the gap after it */

	fill_head(&h);
	drop_fields(&h, columns > reserve ? columns - reserve : columns);
	width = head_width(&h);
	if (width + reserve <= columns) {
		bar(&h, columns - width - 4 < BAR_MAX ? columns - width - 4 : BAR_MAX, ret);
		str_append(ret, GAP);
	}
	if (width <= columns)
		print_fields(&h, ret);
	else /* the counts alone are left */
		text_cut(ret, h.field[FIELD_COUNTS], columns, s->utf8);
	str_append_char(ret, '\n');
	for (size_t i = 0; i < FIELDS; i++)
		free(h.field[i]);
}

/* ---- the lines of nodes ---- */

/* Columns that all lines of nodes share; 0: not shown. */
struct grid {
	unsigned name, time, usual, percent, text;
};

static char *usual_text(const struct view_node *n)
{
	char *text cleanup_free = n->usual < 0 ? xstrdup("") : text_age(n->usual);

	return *text ? xasprintf(" of %s%s", n->guessed ? "~" : "", text) : xstrdup("");
}

static struct grid make_grid(const struct view *v, const struct screen *s, size_t count,
			     unsigned columns)
{
	struct grid g = {0};
	unsigned most = columns / 3 > 8 ? columns / 3 : 8, used;

	for (size_t i = 0; i < count; i++) {
		const struct view_node *n = &v->nodes[i];
		char *time cleanup_free = text_age(n->seconds), *usual cleanup_free = usual_text(n);
		unsigned name = text_width(n->name, s->utf8);

		g.name = name > g.name ? name : g.name;
		g.time = strlen(time) > g.time ? (unsigned)strlen(time) : g.time;
		g.usual = strlen(usual) > g.usual ? (unsigned)strlen(usual) : g.usual;
		g.percent = n->percent >= 0 ? 7 : g.percent;
	}
	g.name = g.name < most ? g.name : most;
	if (2 + g.name + 2 + g.time + g.usual + g.percent + 2 + 10 > columns)
		g.usual = 0;
	if (2 + g.name + 2 + g.time + g.percent + 2 + TEXT_MIN > columns)
		g.percent = 0;
	used = 2 + g.name + 2 + g.time + g.usual + g.percent + 2;
	g.text = used + TEXT_MIN <= columns ? columns - used : 0;
	return g;
}

/* A node that takes half as long again as it usually does, and more than a moment. */
static bool is_late(const struct view_node *n)
{
	return n->usual >= 0 && !n->guessed && n->seconds > 10 && n->seconds > 1.5 * n->usual;
}

static void layout_node(const struct view_node *n, const struct screen *s, const struct grid *g,
			unsigned columns, struct str *ret)
{
	char *time cleanup_free = text_age(n->seconds), *usual cleanup_free = usual_text(n);
	const char *color = is_late(n) ? s->paint->yellow : "";
	struct str line cleanup_str = STR_INIT;

	str_append(&line, "  ");
	pad(&line, text_cut(&line, n->name, g->name, s->utf8), g->name);
	str_printf(&line, "  %*s", (int)g->time, time);
	if (g->usual)
		str_printf(&line, "%-*s", (int)g->usual, usual);
	if (g->percent && n->percent >= 0)
		str_printf(&line, "  %3d %%", n->percent < 100 ? n->percent : 100);
	else if (g->percent)
		str_printf(&line, "%*s", (int)g->percent, "");
	if (g->text && n->text && *n->text) {
		str_append(&line, GAP);
		text_cut(&line, n->text + strspn(n->text, " "), g->text, s->utf8);
	}
	while (line.len && line.buf[line.len - 1] == ' ')
		line.buf[--line.len] = 0;
	str_append(ret, color);
	text_cut(ret, line.buf, columns, s->utf8);
	str_printf(ret, "%s\n", *color ? s->paint->off : "");
}

void progress_layout(const struct view *v, const struct screen *s, struct str *ret)
{
	unsigned columns = s->columns > 1 ? s->columns - 1 : 1;
	size_t room = s->rows > 3 ? s->rows - 3 : 0; /* beside the run's line */
	size_t count = v->node_count <= room ? v->node_count : room ? room - 1 : 0;
	struct grid g = make_grid(v, s, count, columns);

	layout_head(v, s, columns, ret);
	for (size_t i = 0; i < count; i++)
		layout_node(&v->nodes[i], s, &g, columns, ret);
	if (room && count < v->node_count) {
		char *more cleanup_free = xasprintf("  and %zu more", v->node_count - count);

		text_cut(ret, more, columns, s->utf8);
		str_append_char(ret, '\n');
	}
}
