/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/step.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/guest/steps.h"

#define STEP_NOTE "step" /* in the work directory: the number of the step that runs */

/* "recipes/u-boot.yaml:5: step 2 of 3" */
static char *step_name(const struct steps *s, size_t i)
{
	const struct step *step = LIST_AT(*s->list, struct step *, i);

	return xasprintf("%s: step %zu of %zu", action_place(s->a, step->pos), i + 1,
			 s->list->count);
}

int step_note(struct action *a, size_t i, struct err **err)
{
	char *path cleanup_free = path_join(a->workdir, STEP_NOTE);
	char *text cleanup_free = xasprintf("%zu", i + 1);

	return file_write(path, text, strlen(text), 0644, false, err);
}

size_t step_noted(const char *kept)
{
	char *path cleanup_free = path_join(kept, STEP_NOTE);
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	return file_read(path, 32, &text, &ignored) == 0 ? strtoul(text.buf, NULL, 10) : 0;
}

int step_write_all(const struct steps *s, struct err **err)
{
	for (size_t i = 0; i < s->list->count; i++) {
		const struct step *step = LIST_AT(*s->list, struct step *, i);
		char *path cleanup_free = xasprintf("%s/step-%zu", s->dir, i + 1);
		struct str text cleanup_str = STR_INIT;

		if (step->script)
			str_append(&text, step->script);
		else
			steps_quote_argv(step->argv.items, step->argv.count, &text);
		str_append_char(&text, '\n');
		if (file_write(path, text.buf, text.len, 0644, false, err) < 0)
			return -1;
	}
	return 0;
}

int step_begin(const struct steps *s, size_t i, struct strv *argv, struct err **err)
{
	const struct step *step = LIST_AT(*s->list, struct step *, i);

	if (step_note(s->a, i, err) < 0)
		return -1;
	action_progress(s->a, -1, "step %zu of %zu", i + 1, s->list->count);
	if (!step->script) {
		for (size_t j = 0; j < step->argv.count; j++)
			strv_push(argv, step->argv.items[j]);
		return 0;
	}
	strv_push(argv, "/bin/sh");
	strv_push(argv, "-e");
	strv_printf(argv, "%s/step-%zu", s->inside, i + 1);
	return 0;
}

int step_wrap(const struct steps *s, size_t i, struct err **err)
{
	char *name cleanup_free = step_name(s, i);

	return err_wrap(err, "%s", name);
}

/* "exited with 137 (a program was killed by SIGKILL; out of memory?)" */
static char *step_status(int status)
{
	char *how cleanup_free = proc_status_string(status);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : code > 128 ? code - 128 : 0;
	const char *name = code > 128 ? sigabbrev_np(number) : NULL;
	const char *memory = number == SIGKILL ? "out of memory?" : "";

	if (code == 126 || code == 127)
		return xasprintf("%s (a program %s)", how,
				 code == 127 ? "was not found" : "could not be executed");
	if (name)
		return xasprintf("%s (a program was killed by SIG%s%s%s)", how, name,
				 *memory ? "; " : "", memory);
	return *memory ? xasprintf("%s (%s)", how, memory) : steal_ptr(how);
}

int step_check(const struct steps *s, size_t i, int status, struct err **err)
{
	char *name cleanup_free = NULL, *how cleanup_free = NULL;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	name = step_name(s, i);
	how = step_status(status);
	return err_set(err, E_STEP_FAILED, "%s failed: %s", name, how);
}

/* ---- a shell ---- */

void step_tell_place(const struct steps *s, const struct shell_request *q, const char *place)
{
	size_t step = q->kept ? step_noted(q->kept) : 0;

	if (step)
		action_log(s->a,
			   "orch: '%s', where step %zu of %zu failed: sh -e %s/step-%zu runs it "
			   "again; 'exit' ends",
			   s->a->node, step, s->list->count, s->inside, step);
	else if (!s->list)
		action_log(
			s->a,
			"orch: '%s', as it was built; 'exit' ends, and what is changed is thrown "
			"away",
			s->a->node);
	else
		action_log(s->a,
			   "orch: '%s', before its %zu step%s (%s/step-N); 'exit' ends, and the "
			   "%s is thrown away",
			   s->a->node, s->list->count, s->list->count == 1 ? "" : "s", s->inside,
			   place);
}

static const char *find_shell(const struct sandbox_opts *box)
{
	char *bash cleanup_free = path_join(box->root ? box->root : "/", "bin/bash");

	return path_exists(bash) ? "/bin/bash" : "/bin/sh";
}

int step_shell(const struct steps *s, const struct shell_request *q, struct sandbox_opts *box,
	       struct strv *env, int *ret_status, struct err **err)
{
	const char *shell = find_shell(box);
	char *argv[] = {(char *)shell, NULL, NULL};
	int in cleanup_fd = fcntl(q->term ? q->terminal : STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	step_tell_place(s, q, "directory");
	if (q->term) {
		strv_printf(env, "TERM=%s", q->term);
		if (str_eq(shell, "/bin/bash")) {
			argv[1] = "--norc";
			strv_printf(env, "PS1=(%s) \\w \\$ ", s->a->node);
		}
	}
	box->env = strv_argv(env);
	box->in = in;
	box->terminal = q->term != NULL;
	if (q->term && isatty(STDOUT_FILENO))
		box->out = in;
	if (q->term && isatty(STDERR_FILENO))
		box->errfd = in;
	if (sandbox_run(argv, box, ret_status, err) < 0)
		return err_wrap(err, "shell of node '%s'", s->a->node);
	return 0;
}
