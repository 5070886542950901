/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/log_follow.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "cli/log_text.h"
#include "cli/paint.h"
#include "run/job.h"

#define LOOK_MS 100
/* A run that began but tells nothing of the node is looked for this often. */
#define WAIT_MS 500
/* Between the end of a node and what history has of it. */
#define RESULT_MS 5000

/* What the store knows of the node at a moment. */
struct sight {
	int64_t run;  /* the project's newest, 0: none */
	bool goes_on; /* that run */
	char *dir;    /* where the node runs now, or NULL */
	char *status; /* what RUN has of the node, or NULL */
	char *error;
};

static void sight_clear(struct sight *s)
{
	free(s->dir);
	free(s->status);
	free(s->error);
	*s = (struct sight){0};
}
#define cleanup_sight __attribute__((cleanup(sight_clear)))

static int look_into(struct session *s, const char *node, struct sight *ret, struct err **err)
{
	struct run_info *runs;
	struct run_node *nodes;
	size_t count;

	ret->dir = job_running_path(s->store, node);
	if (store_runs(s->store, s->arena, false, 1, &runs, &count, err))
		return -1;
	if (!count)
		return 0;
	ret->run = runs[0].id;
	ret->goes_on = runs[0].state == RUN_RUNNING;
	if (store_run_nodes(s->store, ret->run, s->arena, &nodes, &count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(nodes[i].node, node))
			continue;
		ret->status = xstrdup(nodes[i].status);
		ret->error = nodes[i].error ? xstrdup(nodes[i].error) : NULL;
	}
	return 0;
}

/* 0, or the exit code of what was said on stderr. */
static int look(const struct cli *c, const char *node, struct sight *ret)
{
	struct session s cleanup_session = {0};
	struct err *err = NULL;
	int code;

	sight_clear(ret);
	code = session_open_history(&s, c);
	if (code == 0 && !s.dir)
		err_set(&err, E_USAGE,
			"'orch log -f' follows a node of a project: call it there, without --all");
	else if (code == 0)
		(void)!look_into(&s, node, ret, &err);
	return err ? cli_fail(&s, err) : code;
}

static void pause_ms(unsigned ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000l};

	nanosleep(&t, NULL);
}

/* Prints what came since; LINE holds what is no whole line yet. */
static int print_more(int fd, struct str *line, struct err **err)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		const char *end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read the log");
		str_append_len(line, buf, (size_t)n);
		end = memrchr(line->buf, '\n', line->len);
		if (end) {
			size_t len = (size_t)(end + 1 - line->buf);

			log_print(stdout, "", line->buf, len);
			memmove(line->buf, end + 1, line->len - len + 1);
			line->len -= len;
		}
		fflush(stdout);
	}
	return 0;
}

/* Whether the file at PATH is the one open as FD. */
static bool is_there(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* Until the log is where finished logs are, or its orch is gone. */
static int follow(const char *dir, struct err **err)
{
	char *path cleanup_free = path_join(dir, "log");
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct foreign told cleanup_foreign = foreign_begin(stdout);
	struct str line cleanup_str = STR_INIT;
	bool ended = fd < 0;

	while (!ended) {
		ended = !is_there(path, fd) || !tmp_alive(dir);
		if (print_more(fd, &line, err))
			return -1;
		if (!ended)
			pause_ms(LOOK_MS);
	}
	log_print(stdout, "", line.buf, line.len);
	fflush(stdout);
	return 0;
}

static void say(const char *node, const char *text)
{
	char *line cleanup_free = xasprintf("%s: %s", node, text);

	print_aside(line);
}

static int verdict(const char *node, const struct sight *seen)
{
	const char *status = seen->status;

	if (status && (str_eq(status, "built") || str_eq(status, "cached"))) {
		say(node, status);
		return 0;
	}
	say(node, seen->error                          ? seen->error
		  : status && str_eq(status, "failed") ? "failed"
						       : "stopped");
	return err_exit_code(ERR_BUILD);
}

/* 0 when it runs or is known to have ended; 1 when nothing goes on; else the exit code, negated. */
static int wait_for_start(const struct cli *c, const char *node, struct sight *seen)
{
	bool told = false;
	int code;

	while ((code = look(c, node, seen)) == 0 && !seen->dir) {
		if (!seen->goes_on)
			return told ? 0 : 1;
		if (seen->status)
			return 0;
		if (!told)
			say(node, "does not run yet; waiting for it");
		told = true;
		pause_ms(WAIT_MS);
	}
	return -code;
}

/* After the end of an attempt: SEEN is what became of it, or a new attempt. */
static int wait_for_result(const struct cli *c, const char *node, struct sight *seen)
{
	uint64_t until = clock_ms() + RESULT_MS;
	int code;

	while ((code = look(c, node, seen)) == 0 && !seen->dir && !seen->status &&
	       clock_ms() < until)
		pause_ms(LOOK_MS);
	return code;
}

int log_follow(const struct cli *c, const char *node, int *ret_code, struct err **err)
{
	struct sight seen cleanup_sight = {0};
	int rc = wait_for_start(c, node, &seen);

	*ret_code = 0;
	if (rc == 1)
		return 1;
	while (rc == 0 && seen.dir) {
		if (follow(seen.dir, err))
			return -1;
		rc = -wait_for_result(c, node, &seen);
	}
	*ret_code = rc ? -rc : verdict(node, &seen);
	return 0;
}
