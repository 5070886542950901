/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/shortcut.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/beside.h"
#include "cli/checkout.h"
#include "cli/paint.h"
#include "cli/release_dir.h"
#include "graph/stat_shortcut.h"
#include "kinds/user_config.h"

#define DAY_NS (24 * 3600 * 1000000000ll)

int64_t shortcut_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool applies(const struct cli *c)
{
	return !c->json && !c->result_json && !c->events && !c->summary && !c->junit &&
	       !c->code_quality && c->step_summary < 0 && c->progress != PROGRESS_JSON;
}

/* Who builds and who signs. */
static void put_config(struct str *s)
{
	char *path cleanup_free = user_config_path();
	struct stat st;

	if (path && stat(path, &st) == 0)
		str_printf(s, "config %ju %jd %jd.%09ld\n", (uintmax_t)st.st_ino,
			   (intmax_t)st.st_size, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* The day is part of it: once a day the long way notes what is in use, for `orch store gc`. */
static char *request_text(const struct cli *c, int64_t started_ns)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "day %lld\n", (long long)(started_ns / DAY_NS));
	str_printf(&s, "fetch %d\n", c->fetch);
	for (size_t i = 0; i < c->args.count; i++)
		str_printf(&s, "target %s\n", c->args.items[i]);
	for (size_t i = 0; i < c->sets.count; i++)
		str_printf(&s, "set %s\n", c->sets.items[i]);
	for (size_t i = 0; i < c->variants.count; i++)
		str_printf(&s, "variant %s\n", c->variants.items[i]);
	put_config(&s);
	return str_steal(&s);
}

/* ANSWER: the number of nodes, a space, the list for stdout. */
static void say(const struct cli *c, const char *answer, int64_t started_ns)
{
	const struct paint *p = paint_for(c, stderr);
	char *wall cleanup_free = str_seconds((double)(shortcut_now() - started_ns) / 1e9);
	size_t digits = strcspn(answer, " ");

	if (c->progress == PROGRESS_QUIET)
		return;
	fprintf(stderr, "%sok%s: built 0, cached %.*s, failed 0, skipped 0 in %s\n", p->green,
		p->off, (int)digits, answer, wall);
	fflush(stderr);
	fputs(answer + digits + 1, stdout);
}

bool shortcut_take(struct session *s, int64_t started_ns)
{
	char *text cleanup_free = request_text(s->cli, started_ns);
	struct stat_shortcut_request req = {s->dir, text, started_ns};
	struct str answer cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (!applies(s->cli) || stat_shortcut_check(s->store, &req, &answer, &ignored) != 0)
		return false;
	say(s->cli, answer.buf, started_ns);
	return true;
}

int shortcut_save(struct session *s, int64_t started_ns, const struct str *list, struct err **err)
{
	char *text cleanup_free = request_text(s->cli, started_ns);
	struct stat_shortcut_request req = {s->dir, text, started_ns};
	struct str answer cleanup_str = STR_INIT;
	struct strv copies cleanup_strv = {0};
	size_t wanted = 0;

	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];

		wanted += n->wanted;
		for (size_t k = 0; n->target && n->record && k < n->record->output_count; k++)
			strv_take(&copies, checkout_path(n->name, n->record->outputs[k].name));
		if (n->target && n->record)
			beside_paths(s, n, &copies);
		if (n->record)
			release_paths(n, &copies);
	}
	/* A tag changes no file that is looked at. */
	if (!applies(s->cli) || s->project->version_by_git)
		return 0;
	str_printf(&answer, "%zu %s", wanted, list->buf);
	return stat_shortcut_save(s->graph, s->store, &req, &copies, &answer, err);
}
