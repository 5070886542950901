/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/failure_hint.h"
#include "cli/log_text.h"
#include "cli/paint.h"
#include "cli/ui.h"

#define TAIL_LINES 40
#define CI_TAIL_LINES 400
#define TAIL_BYTES (64 * 1024)

static void failure(const struct paint *p, const struct node *n, const struct outcome *o)
{
	size_t lines = ui_ci() == CI_NONE ? TAIL_LINES : CI_TAIL_LINES;
	struct log_tail tail cleanup_log_tail = LOG_TAIL_INIT;
	bool has_log = o->log_path && log_tail_read(&tail, o->log_path, lines, TAIL_BYTES);
	char *hint cleanup_free = has_log ? failure_hint(n, o, tail.text, tail.len) : NULL;
	struct foreign told;

	fprintf(stderr, "\n%s--- %s failed ---%s\n", p->red, n->name, p->off);
	told = foreign_begin(stderr);
	if (has_log)
		log_print(stderr, "  ", tail.text, tail.len);
	if (o->error)
		print_lines(stderr, "", o->error, strlen(o->error));
	foreign_end(&told);
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
	if (has_log)
		fprintf(stderr, "whole log: orch log %s\n", n->name);
	if (has_log && n->recipe->kind->has_shell)
		fprintf(stderr, "to look around where it failed: orch shell %s\n", n->name);
}

void ui_failures(const struct cli *c, const struct graph *g, const struct tally *tally)
{
	const struct paint *p = paint_for(c, stderr);

	for (size_t i = 0; i < tally->failed_count; i++)
		failure(p, g->nodes.items[tally->failed[i]], &tally->nodes[tally->failed[i]]);
}
