/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch shell: what a node needs is built, and then, instead of its steps, a shell gets a terminal
 * (machine/pty.h): in a new work directory, or in the one that the node's last attempt left when it
 * failed. A node without steps is built itself, and the shell is in the tree that it made.
 */
#include <signal.h>
#include <sys/wait.h>

#include "base/path.h"
#include "base/tmp.h"
#include "cli/builder.h"
#include "cli/history.h"
#include "cli/paint.h"
#include "cli/view.h"
#include "kinds/run/tree_shell.h"
#include "kinds/makers.h"
#include "machine/pty.h"
#include "machine/terminal.h"
#include "run/decode.h"
#include "run/job.h"

struct shell {
	struct session s;
	struct node *node;
	char *dir;      /* of this attempt */
	char *kept;     /* work directory of the failed one, or NULL */
	bool in_result; /* it has no steps: the shell is in what it made */
	struct view view;
};

static int find_node(struct shell *sh, const struct cli *c, struct err **err)
{
	const char *text = c->args.items[0];
	char *name cleanup_free = xstrndup(text, strcspn(text, ":"));

	sh->node = session_node(&sh->s, name, err);
	if (!sh->node)
		return -1;
	sh->in_result = !sh->node->recipe->kind->has_shell;
	if (sh->in_result || str_eq(name, text))
		return 0;
	return err_set(err, E_USAGE,
		       "'%s' has steps, and its shell is where they run: orch shell %s", name,
		       name);
}

/* What the node needs, but not the node, unless the shell is in its result. 0 or the exit code. */
static int build_inputs(struct shell *sh)
{
	struct session *s = &sh->s;
	struct builder run = {
		.cli = s->cli, .session = s, .modest = true, .deliver = builder_hash_targets};
	struct strv targets cleanup_strv = {0};
	struct err *err = NULL;
	int code = 0;

	if (sh->in_result)
		strv_push(&targets, sh->node->name);
	for (size_t i = 0; i < sh->node->in.count; i++) {
		if (!sh->in_result && sh->node->in.items[i].from)
			strv_push(&targets, sh->node->in.items[i].from->name);
	}
	if (session_add_store(s, &err))
		return cli_fail(s, err);
	if (!targets.count)
		return 0;
	if (graph_select(s->graph, &targets, &err))
		return cli_fail(s, err);
	code = session_check_files(s, true);
	if (code)
		return code;
	if (builder_run(&run, &code, &err))
		code = cli_fail(s, err);
	else if (code)
		builder_failures(&run);
	builder_close(&run);
	return code;
}

struct last_attempt {
	const struct node *node;
	bool failed, same;
};

static int look_at(void *arg, const struct run_info *run, const struct run_node *n)
{
	struct last_attempt *last = arg;

	if (!str_eq(n->node, last->node->name) || str_eq(n->status, "skipped"))
		return 0;
	last->failed = str_eq(n->status, "failed");
	last->same = last->failed && digest_eq(&n->key, &last->node->key);
	return 1;
}

/* The directory of the last attempt, if that failed with the inputs of now. */
static int find_kept(struct shell *sh, struct err **err)
{
	char *dir cleanup_free = job_failed_path(sh->s.store, sh->node->name);
	char *path cleanup_free = path_join(dir, "work");
	struct last_attempt last = {.node = sh->node};

	if (!path_exists(path))
		return 0;
	if (history_search(&sh->s, NULL, look_at, &last, err) < 0)
		return -1;
	if (last.same)
		sh->kept = steal_ptr(path);
	else if (last.failed)
		fprintf(stderr,
			"orch: it failed with other inputs; this is a new work directory\n");
	return 0;
}

static int make_directories(struct shell *sh, struct err **err)
{
	char *name cleanup_free = job_flat_name(sh->node->name);
	char *work cleanup_free = NULL, *out cleanup_free = NULL;

	if (tmp_dir(store_subdir(sh->s.store, "tmp"), name, &sh->dir, err))
		return -1;
	work = path_join(sh->dir, "work");
	out = path_join(sh->dir, "out");
	return path_mkdirs(work, err) || path_mkdirs(out, err) ? -1 : 0;
}

static void nothing(int number)
{
}

/* Keys that are signals are for the shell, which resets what is handled but not what is ignored. */
static void leave_signals_to_shell(void)
{
	struct sigaction handled = {.sa_handler = nothing, .sa_flags = SA_RESTART};

	sigaction(SIGINT, &handled, NULL);
	sigaction(SIGQUIT, &handled, NULL);
}

static int shell_of_steps(struct shell *sh, const struct shell_request *q, int *ret_status,
			  struct err **err)
{
	struct session *s = &sh->s;
	const struct sched_opts opts = {.offline = s->cli->offline};
	const struct job_env env = {.graph = s->graph, .store = s->store, .opts = &opts};
	struct job_spec spec;
	struct action a;
	int rc;

	job_describe(s->arena, &env, sh->node, sh->dir, 1, &spec);
	rc = action_decode(s->arena, &spec, makers_all, &a, err);
	if (rc == 0)
		rc = a.maker->shell(&a, q, ret_status, err);
	job_spec_clear_lists(&spec);
	return rc;
}

/* In the tree that the node made, or that a path in what it made leads to. */
static int shell_of_result(struct shell *sh, const struct shell_request *q, int *ret_status,
			   struct err **err)
{
	struct session *s = &sh->s;
	const char *text = s->cli->args.items[0];
	struct action a = {.arena = s->arena,
			   .node = sh->node->name,
			   .workdir = arena_printf(s->arena, "%s/work", sh->dir),
			   .roots_dir = store_subdir(s->store, "roots"),
			   .cpus = 1};

	if (view_open(&sh->view, s, text, NULL, false, err) < 0)
		return -1;
	if (sh->view.look.disk)
		return err_set(err, E_NO_SHELL,
			       "'%s' is a disk: name a partition, as 'orch image ls %s' shows "
			       "them; 'orch boot' starts it",
			       text, text);
	if (!sh->view.look.tree || *sh->view.look.rest)
		return err_set(
			err, E_NO_SHELL,
			"'%s' is neither a tree nor a file system: a shell has no place there",
			text);
	return tree_shell_run(&a, sh->view.look.tree, q, ret_status, err);
}

static int enter(struct shell *sh, int *ret_status, struct err **err)
{
	const char *term = getenv("TERM");
	struct shell_request q = {.kept = sh->kept};
	struct terminal *terminal = NULL;
	struct pty pty = PTY_INIT;
	int rc = 0;

	if (isatty(STDIN_FILENO))
		q.term = term ? term : "dumb";
	if (sh->node->recipe->kind->shell_in_guest)
		return shell_of_steps(sh, &q, ret_status, err);
	if (q.term) {
		rc = pty_open(STDIN_FILENO, isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO,
			      &pty, err);
		q.terminal = pty.slave;
		if (rc == 0)
			rc = terminal_lend(STDIN_FILENO, true, &terminal, err);
	}
	if (rc >= 0) {
		leave_signals_to_shell();
		rc = sh->in_result ? shell_of_result(sh, &q, ret_status, err)
				   : shell_of_steps(sh, &q, ret_status, err);
	}
	pty_close(&pty);
	terminal_restore(terminal);
	return rc;
}

/* Where the node's steps would begin, or had failed. */
static int find_steps(struct shell *sh, struct err **err)
{
	struct session *s = &sh->s;

	if (sh->in_result)
		return 0;
	if (manifest_make(s->graph, sh->node, s->store, &s->tools, err))
		return -1;
	return find_kept(sh, err);
}

static int shell(struct shell *sh, struct cli *c)
{
	struct session *s = &sh->s;
	struct err *err = NULL;
	int code = session_open(s, c, SESSION_GRAPH, NULL), status = 0;

	if (code)
		return code;
	if (find_node(sh, c, &err))
		return cli_fail(s, err);
	code = build_inputs(sh);
	if (code)
		return code;
	if (find_steps(sh, &err) || make_directories(sh, &err) || enter(sh, &status, &err))
		return cli_fail(s, err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int cmd_shell(struct cli *c)
{
	struct err *ignored cleanup_err = NULL;
	struct shell sh = {0};
	int code = shell(&sh, c);

	if (sh.dir && path_remove(sh.dir, &ignored) < 0)
		print_aside(ignored->text);
	view_close(&sh.view);
	free(sh.dir);
	free(sh.kept);
	session_close(&sh.s);
	return code;
}
