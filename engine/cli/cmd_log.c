/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch log: what a node printed, from the run history, or from what it prints now; without a name
 * the last node that failed.
 */
#include "base/file.h"
#include "base/path.h"
#include "cli/history.h"
#include "cli/json.h"
#include "cli/log_follow.h"
#include "cli/log_text.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "run/job.h"

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

	log_print(stdout, "", text->buf, text->len);
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
		return err_set(err, E_NO_LOG, "run '%s' has no log of '%s'", s->cli->run,
			       name ? name : "a failed node");
	if (name && !session_has_recipe(s, name))
		return err_set(err, E_UNKNOWN_NODE,
			       "no node '%s', and none of that name was built: 'orch plan' lists "
			       "nodes, 'orch log --run RUN' shows what failed in a run",
			       name);
	if (name && s->dir)
		return err_set(err, E_NO_LOG,
			       "node '%s' has no log: this project never built it with this store",
			       name);
	if (name)
		return err_set(err, E_NO_LOG,
			       "node '%s' has no log: it was never built with this store", name);
	return err_set(err, E_NO_LOG,
		       "no node%s failed in any recorded run; name one: orch log NODE",
		       s->dir ? " of this project" : "");
}

/* 0 when the node runs now, and what it printed so far was shown; 1; -1. */
static int print_running(const struct session *s, const char *node, struct err **err)
{
	char *dir cleanup_free = s->dir && node ? job_running_path(s->store, node) : NULL;
	struct str text cleanup_str = STR_INIT;
	char *path cleanup_free = NULL;

	if (!dir || s->cli->run)
		return 1;
	path = path_join(dir, "log");
	if (file_read(path, LOG_MAX, &text, err)) {
		err_free(steal_ptr(*err)); /* it has ended just now */
		return 1;
	}
	if (s->cli->json) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:s, s:o}", "v", 1, "ok", 1, "node",
				     json_text(node), "status", "running", "log",
				     json_text(text.buf)),
			   false);
		return 0;
	}
	fprintf(stderr, "%s: running; orch log -f %s follows it\n", node, node);
	print_foreign(&text);
	return 0;
}

/* -f: done when *RET_CODE is set; else there is nothing to follow, and the log is told of. */
static int follow(const struct cli *c, const char *node, int *ret_code, struct err **err)
{
	if (!node)
		return err_set(err, E_USAGE, "-f wants a node: orch log -f NODE");
	if (c->json || c->run)
		return err_set(err, E_USAGE, "-f goes with neither --json nor --run");
	return log_follow(c, node, ret_code, err);
}

int cmd_log(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct search q = {.name = c->args.count ? c->args.items[0] : NULL};
	struct err *err = NULL;
	int code = 0, rc = c->follow ? follow(c, q.name, &code, &err) : 1;

	if (rc == 0)
		return code;
	s.cli = c;
	if (rc < 0)
		return cli_fail(&s, err);
	code = session_open_history(&s, c);
	if (code)
		return code;
	rc = print_running(&s, q.name, &err);
	if (rc <= 0)
		return rc ? cli_fail(&s, err) : 0;
	if (history_search(&s, c->run, look, &q, &err) < 0 ||
	    (!q.found && nothing(&s, q.name, &err) < 0) || print_log(&s, &q.run, &q.node, &err))
		return cli_fail(&s, err);
	return c->follow && str_eq(q.node.status, "failed") ? err_exit_code(ERR_BUILD) : 0;
}
