/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/graph_svg.h"

#include "cli/layers.h"
#include "cli/markup.h"
#include "cli/progress_layout.h"

#define MARGIN 16.0
#define LEGEND 34.0
#define CHAR_WIDTH 7.4 /* of a bold letter of 13 px, roughly */
#define SMALL_WIDTH 6.3

static const char style[] =
	"svg{--fg:#1b1f24;--bg:#fff;--dim:#566;--edge:#8a93a0;--light:86%;--sat:60%;"
	"--cached:#d3ecd3;--build:#fbd9c0;--perhaps:#f7efc0;font-family:sans-serif}\n"
	"@media (prefers-color-scheme:dark){svg{--fg:#e8ebef;--bg:#15181c;--dim:#a5adb8;"
	"--edge:#6b7480;--light:26%;--sat:40%;--cached:#1f4a2a;"
	"--build:#6b3a1c;--perhaps:#585013}}\n"
	".paper{fill:var(--bg)}.box{stroke:var(--edge);stroke-width:1}"
	".target .box{stroke:var(--fg);stroke-width:2.5}\n"
	".name{font-size:13px;font-weight:600;fill:var(--fg)}"
	".more{font-size:11px;fill:var(--dim)}\n"
	".edge{fill:none;stroke:var(--edge);stroke-width:1.3}.tip{fill:var(--edge)}\n"
	".cached{fill:var(--cached)}.build{fill:var(--build)}.perhaps{fill:var(--perhaps)}\n"
	".kind{fill:hsl(var(--h) var(--sat) var(--light))}\n";

static const char *const status_words[] = {"cached", "build", "perhaps"};

struct picture {
	const struct graph *g;
	const struct plan_node *const *plan;
	struct layers layers;
	size_t *place; /* in layers, by node index */
	struct strs kinds;
	struct str *to;
};

static size_t kind_index(struct picture *p, const char *kind)
{
	for (size_t i = 0; i < p->kinds.count; i++) {
		if (str_eq(p->kinds.items[i], kind))
			return i;
	}
	strs_push(&p->kinds, kind);
	return p->kinds.count - 1;
}

/* "1.2 s", of what is to be built as `orch plan` has it; heap. */
static char *time_text(const struct node *n)
{
	return n->record ? str_seconds(n->record->seconds) : text_estimate(n->estimate, n->guessed);
}

/* "image · 1.2 s · 64.0 MiB"; heap. */
static char *more_text(const struct picture *p, const struct node *n)
{
	char *time cleanup_free = NULL, *size cleanup_free = NULL;
	uint64_t bytes = 0;

	if (!p->plan || !p->plan[n->index])
		return xstrdup(n->recipe->kind->name);
	time = time_text(n);
	for (size_t i = 0; n->record && i < n->record->output_count; i++)
		bytes += n->record->outputs[i].allocated;
	size = str_bytes(bytes);
	return xasprintf("%s \302\267 %s%s%s", n->recipe->kind->name, time,
			 n->record ? " \302\267 " : "", n->record ? size : "");
}

static double width_of(const struct picture *p, const struct node *n)
{
	char *more cleanup_free = more_text(p, n);
	double name = (double)strlen(n->name) * CHAR_WIDTH;
	double small = (double)strlen(more) * SMALL_WIDTH;

	return (name > small ? name : small) + 22;
}

/* ---- placing ---- */

static bool first_time(const struct node *n, size_t input)
{
	for (size_t i = 0; i < input; i++) {
		if (n->in.items[i].from == n->in.items[input].from)
			return false;
	}
	return true;
}

static void place(struct picture *p)
{
	for (size_t i = 0; i < p->g->order.count; i++) {
		const struct node *n = p->g->order.items[i];

		if (n->wanted)
			p->place[n->index] = layers_node(&p->layers, width_of(p, n), 40);
	}
	for (size_t i = 0; i < p->g->order.count; i++) {
		const struct node *n = p->g->order.items[i];

		for (size_t k = 0; n->wanted && k < n->in.count; k++) {
			const struct node *from = n->in.items[k].from;

			if (from && from->wanted && first_time(n, k))
				layers_edge(&p->layers, p->place[from->index], p->place[n->index]);
		}
	}
	layers_place(&p->layers);
}

/* ---- drawing ---- */

/* From the right of one node to the left of the next, level at both ends. */
static void draw_line(struct picture *p, const struct layers_line *line)
{
	const struct layers_node *nodes = p->layers.nodes.items;
	const struct layers_node *a = &nodes[line->path.items[0]];
	double x = a->x + a->width / 2;

	str_printf(p->to, "<path class=\"edge\" d=\"M%.1f %.1f", x, a->y);
	for (size_t i = 1; i < line->path.count; i++) {
		const struct layers_node *b = &nodes[line->path.items[i]];
		double to = b->x - b->width / 2 - (b->bend ? 0 : 5), half = (to - x) / 2;

		str_printf(p->to, "C%.1f %.1f %.1f %.1f %.1f %.1f", x + half, a->y, to - half, b->y,
			   to, b->y);
		x = b->x + b->width / 2;
		if (b->bend)
			str_printf(p->to, "H%.1f", x);
		a = b;
	}
	str_append(p->to, "\" marker-end=\"url(#tip)\"/>\n");
}

/* What a mouse over it shows. */
static void draw_title(struct picture *p, const struct node *n)
{
	const struct plan_node *plan = p->plan ? p->plan[n->index] : NULL;

	str_append(p->to, "<title>");
	markup_text(p->to, n->name);
	str_append(p->to, ": ");
	markup_text(p->to, n->recipe->kind->name);
	if (plan) {
		str_printf(p->to, ", %s", status_words[plan->verdict]);
		if (plan->verdict != PLAN_CACHED && plan->reason) {
			str_append(p->to, ": ");
			markup_text(p->to, plan->reason);
		}
	}
	str_append(p->to, "</title>");
}

static void draw_node(struct picture *p, const struct node *n)
{
	const struct layers_node *at = &p->layers.nodes.items[p->place[n->index]];
	char *more cleanup_free = more_text(p, n);
	double x = at->x - at->width / 2, y = at->y - at->height / 2;

	str_append(p->to, n->target ? "<g class=\"target\">" : "<g>");
	draw_title(p, n);
	str_printf(p->to,
		   "<rect class=\"box %s\" style=\"--h:%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
		   "height=\"%.1f\" rx=\"6\"/>",
		   p->plan ? status_words[p->plan[n->index]->verdict] : "kind",
		   markup_hue(kind_index(p, n->recipe->kind->name)), x, y, at->width, at->height);
	str_printf(p->to, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", x + 10, y + 17);
	markup_text(p->to, n->name);
	str_printf(p->to, "</text><text class=\"more\" x=\"%.1f\" y=\"%.1f\">", x + 10, y + 32);
	markup_text(p->to, more);
	str_append(p->to, "</text></g>\n");
}

static void draw_key(struct picture *p, double *x, const char *class, unsigned hue,
		     const char *word)
{
	double y = p->layers.height + LEGEND - 18;

	str_printf(p->to,
		   "<rect class=\"box %s\" style=\"--h:%u\" x=\"%.1f\" y=\"%.1f\" width=\"14\" "
		   "height=\"14\" rx=\"3\"/><text class=\"more\" x=\"%.1f\" y=\"%.1f\">",
		   class, hue, *x, y, *x + 20, y + 11);
	markup_text(p->to, word);
	str_append(p->to, "</text>\n");
	*x += 34 + (double)strlen(word) * SMALL_WIDTH;
}

static double draw_legend(struct picture *p)
{
	double x = 0;

	for (size_t i = 0; p->plan && i < array_len(status_words); i++)
		draw_key(p, &x, status_words[i], 0, status_words[i]);
	for (size_t i = 0; !p->plan && i < p->kinds.count; i++)
		draw_key(p, &x, "kind", markup_hue(i), p->kinds.items[i]);
	str_printf(p->to, "<text class=\"more\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", x,
		   p->layers.height + LEGEND - 7,
		   p->plan ? "kind, time of the last build (or a guess), size of what it made; "
			     "thick: a target"
			   : "thick: a target");
	return x + 60 * SMALL_WIDTH;
}

void graph_svg(const struct graph *g, const struct plan_node *const *plan, struct str *ret)
{
	struct str body cleanup_str = STR_INIT;
	struct picture p = {.g = g, .plan = plan, .to = &body};
	double width, legend;

	p.place = xcalloc(g->nodes.count + 1, sizeof(*p.place));
	place(&p);
	for (size_t i = 0; i < p.layers.lines.count; i++)
		draw_line(&p, &p.layers.lines.items[i]);
	for (size_t i = 0; i < g->order.count; i++) {
		if (g->order.items[i]->wanted)
			draw_node(&p, g->order.items[i]);
	}
	legend = draw_legend(&p);
	width = (legend > p.layers.width ? legend : p.layers.width) + 2 * MARGIN;
	str_printf(
		ret,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"%.0f %.0f %.0f %.0f\" "
		"width=\"%.0f\" height=\"%.0f\">\n<style>%s</style>\n"
		"<defs><marker id=\"tip\" viewBox=\"0 0 6 6\" refX=\"1\" refY=\"3\" "
		"markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\"><path class=\"tip\" "
		"d=\"M0 0L6 3L0 6z\"/></marker></defs>\n"
		"<rect class=\"paper\" x=\"%.0f\" y=\"%.0f\" width=\"100%%\" height=\"100%%\"/>\n"
		"%s</svg>\n",
		-MARGIN, -MARGIN, width, p.layers.height + LEGEND + 2 * MARGIN, width,
		p.layers.height + LEGEND + 2 * MARGIN, style, -MARGIN, -MARGIN, body.buf);
	layers_clear(&p.layers);
	strs_clear(&p.kinds);
	free(p.place);
}
