/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch log: what a node printed, from the run history; without a name the last node that failed. */
#include "base/file.h"
#include "cli/history.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"

#define LOG_MAX ((size_t)1 << 30)

/* Among those of all projects, a node's name says little. */
static void print_head(const struct session *s, const struct run_info *run,
		       const struct run_node *n)
{
	char *text cleanup_free = NULL;

	text = xasprintf("%s: %s in run %lld", n->node, n->status, (long long)run->id);
	print_escaped(stderr, text, strlen(text));
	if (!s->dir && run->root) {
		char *of cleanup_free = xasprintf(" of project '%s' in '%s'", run->name, run->root);

		print_escaped(stderr, of, strlen(of));
	}
	fputc('\n', stderr);
}

static void print_foreign(const struct str *text)
{
	struct foreign f cleanup_foreign = foreign_begin(stdout);

	print_lines(stdout, "", text->buf, text->len);
}

static int print_log(const struct session *s, const struct run_info *run, const struct run_node *n,
		     struct err **err)
{
	char *path cleanup_free = store_log_path(s->store, &n->log);
	struct str text cleanup_str = STR_INIT;

	if (file_read(path, LOG_MAX, &text, err))
		return err_wrap(err, "log of node '%s'", n->node);
	if (s->cli->json) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:I, s:o, s:o, s:s, s:o, s:o}", "v", 1, "ok", 1,
				     "run", (json_int_t)run->id, "project", history_project(run),
				     "node", json_text(n->node), "status", n->status, "error",
				     json_text(n->error), "log", json_text(text.buf)),
			   false);
		return 0;
	}
	print_head(s, run, n);
	print_foreign(&text);
	if (n->error)
		print_lines(stderr, "", n->error, strlen(n->error));
	return 0;
}

struct search {
	const char *name;
	bool found;
	struct run_info run;
	struct run_node node;
};

static bool has_log(const struct run_node *n)
{
	static const struct digest none;

	return !digest_eq(&n->log, &none);
}

/* The newest log of the node; without a name, of the node that failed last in the newest run. */
static int look(void *arg, const struct run_info *run, const struct run_node *n)
{
	struct search *q = arg;

	if (q->found && q->run.id != run->id)
		return 1;
	if (!has_log(n) || (q->name ? !str_eq(n->node, q->name) : !str_eq(n->status, "failed")))
		return 0;
	q->found = true;
	q->run = *run;
	q->node = *n;
	return 0;
}

static int nothing(const struct session *s, const char *name, struct err **err)
{
	if (s->cli->run)
		return err_set(err, ERR_USER, "run '%s' has no log of '%s'", s->cli->run,
			       name ? name : "a failed node");
	if (name && s->dir)
		return err_set(err, ERR_USER,
			       "node '%s' has no log: this project never built it with this store",
			       name);
	if (name)
		return err_set(err, ERR_USER,
			       "node '%s' has no log: it was never built with this store", name);
	return err_set(err, ERR_USER,
		       "no node%s failed in any recorded run; name one: orch log NODE",
		       s->dir ? " of this project" : "");
}

int cmd_log(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct search q = {.name = c->args.count ? c->args.items[0] : NULL};
	struct err *err = NULL;
	int code = session_open_history(&s, c);

	if (code)
		return code;
	if (history_search(&s, c->run, look, &q, &err) < 0 ||
	    (!q.found && nothing(&s, q.name, &err) < 0) || print_log(&s, &q.run, &q.node, &err))
		return cli_fail(&s, err);
	return 0;
}
