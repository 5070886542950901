/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch lock: resolves the packages of every node that has a lock, inputs before users. */
#include "cli/json.h"
#include "cli/lock_layout.h"
#include "cli/lock_debs.h"
#include "cli/lock_moves.h"
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
	struct moved moved;
	json_t *list; /* with --json */
	size_t count;
	size_t named; /* locks that have the package of --update */
	int built;    /* exit code of a build of what is locked with */
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

static void tell(struct relock *l, const struct node *n, const struct str *report)
{
	if (l->list) {
		json_array_append_new(l->list,
				      json_pack("{s:o, s:o, s:o}", "node", json_text(n->name),
						"changes", json_text(report->buf), "moves",
						moved_json(&l->moved, l->opts.moves)));
		return;
	}
	printf("%s: %s\n", n->name, report->len ? "locked again" : "unchanged");
	print_lines(stdout, "  ", report->buf, report->len);
	fflush(stdout);
}

static int lock_one(struct relock *l, const struct node *n, struct err **err)
{
	struct str report cleanup_str = STR_INIT;
	struct lock_moves moves = {0};
	struct relock_words debs = {0};
	int rc;

	l->opts.moves = &moves;
	l->opts.debs = &debs;
	task_pause(&l->task);
	rc = lock_debs_gather(l->s, n, &debs, &l->built, err);
	if (rc == 0)
		rc = relock_node(l->s->arena, n->recipe->project, n->recipe, &l->opts, &report,
				 err);
	lock_debs_clear(&debs);
	task_pause(&l->task);
	if (rc)
		(void)err_wrap(err, "node '%s'", n->name);
	else
		rc = moved_add(&l->moved, n->name, &moves, err);
	if (rc == 0) {
		l->count++;
		tell(l, n, &report);
	}
	lock_moves_clear(&moves);
	return rc;
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

/* --from names an archive of the project, or a suite of one. */
static int check_from(const struct session *s, const char *from, struct err **err)
{
	const struct list *archives = &s->project->archives;
	struct strs known = {0};
	const char *near;
	bool found = false;

	for (size_t i = 0; i < archives->count; i++) {
		const struct archive *a = LIST_AT(*archives, const struct archive *, i);

		strs_push(&known, a->alias);
		for (size_t k = 0; k < a->suites.count; k++)
			strs_push(&known, LIST_AT(a->suites, const char *, k));
	}
	for (size_t i = 0; i < known.count; i++)
		found |= str_eq(known.items[i], from);
	near = found ? NULL : str_nearest(from, known.items, known.count);
	strs_clear(&known);
	if (found)
		return 0;
	return err_set(err, E_UNKNOWN_ARCHIVE,
		       "'%s' is no archive of recipes/project.yaml, and no suite of one%s%s%s",
		       from, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int check_options(const struct session *s, const struct cli *c, struct err **err)
{
	if (!c->from)
		return 0;
	if (!c->update)
		return err_set(err, E_USAGE, "--from says what --update moves: give both");
	return check_from(s, c->from, err);
}

/* What was locked, and what that brings. */
static void tell_all(const struct relock *l, const struct cli *c)
{
	if (c->json)
		json_print(stdout, json_pack("{s:i, s:b, s:O}", "v", 1, "ok", 1, "nodes", l->list),
			   false);
	else if (!l->count)
		puts("no node of this project has a lock");
	else if (c->from && !l->moved.all.count)
		printf("'%s' has nothing that is newer\n", c->from);
	else if (c->from || c->advisories)
		moved_print(&l->moved);
}

int cmd_lock(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct relock l = {.s = &s};
	struct err *err = NULL;
	int code, rc;

	if (c->layout)
		return lock_layout(c);
	code = session_open(&s, c, SESSION_STORE, c->args.count ? &c->args : NULL);
	if (code)
		return code;
	l.opts = (struct relock_opts){.update = c->update,
				      .package = c->update_name,
				      .from = c->from,
				      .offline = c->offline,
				      .named = &l.named,
				      .say = say,
				      .arg = &l,
				      .cache_dir = store_subdir(s.store, "apt"),
				      .downloads = store_subdir(s.store, "downloads")};
	l.list = c->json ? json_array() : NULL;
	task_open(&l.task, TASK_ALWAYS);
	rc = check_options(&s, c, &err) < 0 ||
	     moved_open(&l.moved, s.arena, c->advisories, &err) < 0;
	if (!rc)
		rc = lock_all(&l, c->args.count ? c->args.items[0] : NULL, &err);
	task_close(&l.task);
	if (!rc)
		tell_all(&l, c);
	moved_close(&l.moved);
	json_decref(l.list);
	if (rc)
		code = cli_fail(&s, err);
	return l.built ? l.built : code;
}
