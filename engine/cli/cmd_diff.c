/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch diff: what is different between two of anything: runs and revisions, of which it tells the
 * results that differ (diff_runs.h), and what ships (evidence/delta.h).
 */
#include <string.h>

#include "base/path.h"
#include "base/tmp.h"
#include "cli/diff_runs.h"
#include "cli/diff_show.h"
#include "cli/paint.h"
#include "cli/result.h"
#include "cli/revision.h"
#include "cli/task.h"
#include "graph/manifest.h"

enum { BEFORE, AFTER, SIDES };

/* What one of the two arguments means. */
struct operand {
	const char *run, *rev; /* at most one; both NULL: as it is now */
	const char *thing;     /* "NODE[:...]", "./FILE"; NULL: the whole project then */
	struct revision then;  /* of REV */
};

struct comparison {
	struct session *s;
	struct operand sides[SIDES];
	char *scratch;
	unsigned count; /* of directories in it */
	bool differs;
	json_t *things; /* with --json */
};

/* ---- arguments ---- */

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* "run:N:NODE" and "git:REV:NODE" name a node, too. */
static void split(struct arena *arena, const char *text, const char **ret_time,
		  const char **ret_thing)
{
	const char *colon = strchr(text, ':');

	*ret_time = colon ? arena_strndup(arena, text, (size_t)(colon - text)) : text;
	*ret_thing = colon && colon[1] ? colon + 1 : NULL;
}

static void parse(const struct session *s, const char *text, struct operand *ret)
{
	const char *run = str_skip(text, "run:"), *rev = str_skip(text, "git:");

	if (run || rev)
		split(s->arena, run ? run : rev, run ? &ret->run : &ret->rev, &ret->thing);
	else if (*text == '^' || is_number(text))
		ret->run = text;
	else if (strchr("/.", *text) || !path_exists(text) ||
		 (s->dir && session_has_recipe(s, text)))
		ret->thing = text;
	else
		ret->thing = arena_printf(s->arena, "./%s", text);
}

static bool is_file(const char *thing)
{
	return *thing == '/' || str_skip(thing, "./") || str_skip(thing, "../");
}

/* A run or revision beside a node means that node then. */
static int complete(struct operand *sides, struct err **err)
{
	for (int i = 0; i < SIDES; i++) {
		struct operand *own = &sides[i], *other = &sides[!i];

		if (own->thing || !other->thing)
			continue;
		if (is_file(other->thing))
			return err_set(
				err, E_USAGE,
				"a file is compared with a file or a node, as in 'run:3:root' "
				"or 'git:main:root', not with a whole run or revision");
		own->thing = other->thing;
	}
	return 0;
}

/* ---- two things that ship ---- */

static char *new_scratch(struct comparison *c, struct err **err)
{
	char *dir = xasprintf("%s/%u", c->scratch, c->count++);

	if (path_mkdirs(dir, err) == 0)
		return dir;
	free(dir);
	return NULL;
}

static void tell(struct comparison *c, const char *title, const struct delta *d)
{
	const struct cli *cli = c->s->cli;

	c->differs |= delta_differs(d);
	if (cli->json)
		json_array_append_new(c->things, diff_show_json(title, d));
	else if (cli->markdown)
		diff_show_markdown(title, d);
	else
		diff_show_text(cli, title, d);
}

static void progress(void *arg, const char *name, size_t i, size_t count)
{
	char *text cleanup_free = xasprintf("comparing %zu of %zu: %s", i, count, name);

	task_begin(arg, *name ? text : "comparing");
}

static int compare_results(struct comparison *c, const char *title, const struct result *a,
			   const struct result *b, struct err **err)
{
	struct subject before cleanup_subject = {.name = a->name};
	struct subject after cleanup_subject = {.name = b->name};
	struct task task;
	struct delta d cleanup_delta = {
		.arena = c->s->arena, .progress = progress, .progress_arg = &task};
	int rc;
	char *one cleanup_free = new_scratch(c, err), *two cleanup_free = NULL;

	two = one ? new_scratch(c, err) : NULL;
	if (!two)
		return -1;
	before.scratch = one;
	after.scratch = two;
	if (subject_list(&before, a->file, a->path, err) < 0)
		return err_wrap(err, "'%s'", a->name);
	if (subject_list(&after, b->file, b->path, err) < 0)
		return err_wrap(err, "'%s'", b->name);
	task_open(&task, TASK_TERMINAL);
	rc = delta_make(&d, &before, &after, err);
	task_close(&task);
	if (rc == 0)
		tell(c, title, &d);
	return rc;
}

/* The record of a node in the graph of a revision. */
static int find_then(const struct operand *o, const struct session *s, struct result *ret,
		     struct err **err)
{
	char *name cleanup_free = xstrndup(o->thing, strcspn(o->thing, ":"));
	const struct node *n = o->then.found ? graph_node(o->then.s.graph, name) : NULL;

	if (!n)
		return err_set(err, E_UNKNOWN_NODE, "revision %.12s has no node '%s'",
			       o->then.commit, name);
	if (!n->record)
		return err_set(
			err, E_NO_RESULT,
			"the store has not what node '%s' made of revision %.12s: check that "
			"out in another directory, and 'orch build %s' makes it",
			name, o->then.commit, name);
	return result_in(s, o->thing, n->record, ret, err);
}

static int find_thing(const struct operand *o, const struct session *s, struct result *ret,
		      struct err **err)
{
	return o->rev ? find_then(o, s, ret, err) : result_find(s, o->thing, o->run, ret, err);
}

static int compare_things(struct comparison *c, struct err **err)
{
	struct result a cleanup_result = {0}, b cleanup_result = {0};
	const char *title;

	if (find_thing(&c->sides[BEFORE], c->s, &a, err) < 0 ||
	    find_thing(&c->sides[AFTER], c->s, &b, err) < 0)
		return -1;
	title = str_eq(a.name, b.name) ? a.name
				       : arena_printf(c->s->arena, "%s -> %s", a.name, b.name);
	return compare_results(c, title, &a, &b, err);
}

/* ---- two states of the project ---- */

static int take_state(struct comparison *c, const struct operand *o, struct diff_state *ret,
		      struct err **err)
{
	if (o->run)
		return diff_state_run(c->s, o->run, ret, err);
	if (!o->then.found)
		return err_set(err, E_NO_REVISION, "revision %.12s has no project here",
			       o->then.commit);
	diff_state_graph(c->s, o->then.s.graph, o->then.commit, ret);
	return 0;
}

/* Both are there, and of that kind now. */
static bool is_of_kind(const struct diff_node *n, const char *kind)
{
	return n->before.rec && n->after.rec && manifest_is_of_kind(n->after.rec->manifest, kind);
}

static int compare_node(struct comparison *c, const struct diff_node *n, struct err **err)
{
	struct result a cleanup_result = {0}, b cleanup_result = {0};

	if (result_in(c->s, n->node, n->before.rec, &a, err) < 0 ||
	    result_in(c->s, n->node, n->after.rec, &b, err) < 0)
		return -1;
	return digest_eq(&a.artifact->digest, &b.artifact->digest)
		       ? 0
		       : compare_results(c, n->node, &a, &b, err);
}

/* What ships, or else what would be in it: the first kind of which something differs. */
static int compare_shipped(struct comparison *c, const struct diff_nodes *list, struct err **err)
{
	static const char *const kinds[] = {"bundle", "disk", "image", "tree", "debian"};
	bool any = false;

	for (size_t k = 0; k < array_len(kinds) && !any; k++) {
		for (size_t i = 0; i < list->count; i++) {
			if (!is_of_kind(&list->items[i], kinds[k]))
				continue;
			any = true;
			if (!c->s->cli->json)
				putchar('\n');
			if (compare_node(c, &list->items[i], err) < 0)
				return -1;
		}
	}
	return 0;
}

static void print_nodes_markdown(const struct diff_nodes *list)
{
	printf("**%zu node%s differ%s**", list->count, list->count == 1 ? "" : "s",
	       list->count == 1 ? "s" : "");
	for (size_t i = 0; i < list->count; i++)
		printf("%s `%s`", i ? "," : ":", list->items[i].node);
	putchar('\n');
}

static int compare_states(struct comparison *c, struct err **err)
{
	struct diff_state a = {0}, b = {0};
	struct diff_nodes list = {0};
	const struct cli *cli = c->s->cli;
	int rc = take_state(c, &c->sides[BEFORE], &a, err);

	if (rc == 0)
		rc = take_state(c, &c->sides[AFTER], &b, err);
	if (rc == 0)
		rc = diff_states(c->s, &a, &b, &list, err);
	c->differs |= list.count > 0;
	if (rc == 0 && cli->markdown)
		print_nodes_markdown(&list);
	else if (rc == 0 && !cli->json)
		diff_nodes_print(&list);
	if (rc == 0)
		rc = compare_shipped(c, &list, err);
	if (rc == 0 && cli->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:o, s:o, s:O}", "v", 1, "ok", 1, "before",
				     diff_state_json(&a), "after", diff_state_json(&b), "nodes",
				     diff_nodes_json(&list), "things", c->things),
			   false);
	diff_nodes_release(&list);
	map_clear(&a.nodes);
	map_clear(&b.nodes);
	return rc;
}

/* ---- */

/* The graph of a revision, with what the store has for its nodes. */
static int open_then(struct session *s, struct operand *o)
{
	static const struct strv all = {0};
	struct plan_nodes plan = {0};
	struct err *err = NULL;
	int code;

	if (!o->rev)
		return 0;
	code = revision_open(&o->then, s, o->rev);
	if (code || !o->then.found)
		return code;
	if (graph_select(o->then.s.graph, &all, &err) < 0 ||
	    plan_make(o->then.s.graph, s->store, &s->tools, &plan, &err) < 0)
		code = cli_fail(s, err);
	plan_release(&plan);
	return code;
}

static int open_all(struct session *s, struct comparison *c)
{
	const struct strv *args = &s->cli->args;
	bool git = str_skip(args->items[0], "git:") || str_skip(args->items[1], "git:");
	int code = git ? session_open(s, s->cli, SESSION_STORE, NULL)
		       : session_open_history(s, s->cli);

	c->s = s;
	for (int i = 0; i < SIDES && code == 0; i++) {
		parse(s, args->items[i], &c->sides[i]);
		code = open_then(s, &c->sides[i]);
	}
	return code;
}

static int compare(struct comparison *c, struct err **err)
{
	if (tmp_dir(store_subdir(c->s->store, "tmp"), "diff", &c->scratch, err) < 0 ||
	    complete(c->sides, err) < 0)
		return -1;
	if (!c->sides[BEFORE].thing)
		return compare_states(c, err);
	if (compare_things(c, err) < 0)
		return -1;
	if (c->s->cli->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:O}", "v", 1, "ok", 1, "things", c->things),
			   false);
	return 0;
}

static void release(struct comparison *c)
{
	struct err *ignored cleanup_err = NULL;

	if (c->scratch && path_remove(c->scratch, &ignored) < 0)
		print_aside(ignored->text);
	free(c->scratch);
	json_decref(c->things);
	for (int i = 0; i < SIDES; i++)
		revision_close(&c->sides[i].then);
}

int cmd_diff(struct cli *cli)
{
	struct session s cleanup_session = {0};
	struct comparison c = {0};
	struct err *err = NULL;
	int code;

	s.cli = cli;
	c.things = json_array();
	code = open_all(&s, &c);
	if (code == 0 && compare(&c, &err) < 0)
		code = cli_fail(&s, err);
	if (code == 0 && cli->exit_code && c.differs)
		code = 3;
	release(&c);
	return code;
}
