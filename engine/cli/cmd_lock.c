/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch lock: resolves the packages of every node that has a lock, inputs before users. */
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "cli/task.h"
#include "graph/variants.h"
#include "kinds/debian/lock_check.h"
#include "kinds/debian/lock_sections.h"
#include "kinds/debian/relock.h"

struct relock {
	struct session *s;
	struct relock_opts opts;
	json_t *list; /* with --json */
	size_t count;
	size_t named; /* locks that have the package of --update */
	struct task task;
};

/* What variants do not ask for any more goes out of the lock of N. */
static int tidy(const struct relock *l, const struct node *n, struct err **err)
{
	const struct graph *g = l->s->graph;
	const struct project **projects;

	if (!g->variant_count)
		return 0;
	projects = arena_alloc(l->s->arena, g->variant_count * sizeof(*projects));
	for (size_t i = 0; i < g->variant_count; i++)
		projects[i] = g->variants[i]->project;
	return lock_sections_tidy(l->s->arena, projects, g->variant_count, n->recipe->name, err);
}

static int lock_one(struct relock *l, const struct node *n, struct err **err)
{
	struct str report cleanup_str = STR_INIT;
	int rc = relock_node(l->s->arena, n->recipe->project, n->recipe, &l->opts, &report, err);

	task_pause(&l->task);
	if (rc)
		return err_wrap(err, "node '%s'", n->name);
	l->count++;
	if (l->list) {
		json_array_append_new(l->list, json_pack("{s:o, s:o}", "node", json_text(n->name),
							 "changes", json_text(report.buf)));
		return 0;
	}
	printf("%s: %s\n", n->name, report.len ? "locked again" : "unchanged");
	print_lines(stdout, "  ", report.buf, report.len);
	fflush(stdout);
	return 0;
}

/* What takes a while is said on stderr; stdout has what came of it. */
static void say(void *arg, const char *node, const char *text)
{
	struct relock *l = arg;
	char *line cleanup_free = xasprintf("%s: %s", node, text);

	task_begin(&l->task, line);
}

/* NAME: only this node; NULL: all. */
static int lock_all(struct relock *l, const char *name, struct err **err)
{
	const struct graph *g = l->s->graph;

	for (size_t i = 0; i < g->order.count; i++) {
		const struct node *n = g->order.items[i];

		if (name && n->target && !lock_applies(n->recipe))
			return err_set(err, E_WRONG_KIND, "node '%s' of kind '%s' has no lock",
				       n->name, n->recipe->kind->name);
		if ((!name || n->target) && lock_applies(n->recipe) && graph_chosen(g, n) &&
		    (lock_one(l, n, err) || tidy(l, n, err)))
			return -1;
	}
	if (l->opts.package && !l->named)
		return err_set(err, E_UNKNOWN_PACKAGE, "no lock has a package '%s'",
			       l->opts.package);
	return 0;
}

int cmd_lock(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct relock l = {.s = &s};
	struct err *err = NULL;
	int code = session_open(&s, c, SESSION_STORE, c->args.count ? &c->args : NULL), rc;

	if (code)
		return code;
	l.opts = (struct relock_opts){.update = c->update,
				      .package = c->update_name,
				      .offline = c->offline,
				      .named = &l.named,
				      .say = say,
				      .arg = &l,
				      .cache_dir = store_subdir(s.store, "apt"),
				      .downloads = store_subdir(s.store, "downloads")};
	l.list = c->json ? json_array() : NULL;
	task_open(&l.task, TASK_ALWAYS);
	rc = lock_all(&l, c->args.count ? c->args.items[0] : NULL, &err);
	task_close(&l.task);
	if (rc) {
		json_decref(l.list);
		return cli_fail(&s, err);
	}
	if (c->json)
		json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "nodes", l.list),
			   false);
	else if (!l.count)
		puts("no node of this project has a lock");
	return 0;
}
