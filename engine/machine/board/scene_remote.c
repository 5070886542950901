/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/scene_remote.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"

#define OPEN_S 10     /* until somebody listens where the console is */
#define OPEN_MS 200   /* between two tries */
#define AGENT_MS 1000 /* likewise, of what takes commands */
#define HELLO_S 60    /* until what has been started for that says so */
#define LEAVE_S 20    /* until its connection ends when the system restarts */
#define DRAIN_MS 300  /* for what the console still says when the power is gone */
#define CARRY_S 600   /* for one file */

/* -- the console -- */

static void end_child(pid_t *pid)
{
	struct err *ignored cleanup_err = NULL;
	int status;

	if (!*pid)
		return;
	proc_kill_group(*pid, SIGKILL);
	(void)!proc_wait(*pid, &status, &ignored);
	*pid = 0;
}

static void close_console(struct scene *s)
{
	fd_closep(&s->outfd);
	end_child(&s->remote->console.pid);
}

/* 1: it cannot be opened yet, and why_closed says why. */
static int open_console(struct scene *s, struct err **err)
{
	struct scene_remote *r = s->remote;
	struct err *why cleanup_err = NULL;
	struct remote_console c;

	r->open_again = clock_ms() + OPEN_MS;
	if (remote_console_open(r->board, r->own, &c, &why) < 0) {
		const char *rest;

		free(r->why_closed);
		r->why_closed = xstrdup(why->text);
		/* A serial line and a program are there, or never. */
		if (remote_console_sort(r->board, &rest) < REMOTE_AT_TTY)
			return 1;
		*err = steal_ptr(why);
		return -1;
	}
	r->console = c;
	s->outfd = c.fd;
	return 0;
}

static const char *console_name(const struct scene_remote *r)
{
	return r->board->commands[REMOTE_CMD_CONSOLE].items[0];
}

/* It has hung up, or was never there. */
static int reopen_console(struct scene *s, struct err **err)
{
	struct scene_remote *r = s->remote;

	end_child(&r->console.pid);
	if (s->heard || clock_ms() >= r->open_until) {
		if (r->why_closed && !s->heard)
			return err_set(err, E_BOARD_OFF, "%s", r->why_closed);
		return err_set(err, E_BOARD_OFF,
			       "board '%s': its console %s hung up%s%s: see that nobody else has "
			       "it, and what 'console' in %s says by itself",
			       r->board->name, console_name(r), s->last_own ? ": " : "",
			       s->last_own ? s->last_own : "", r->board->config);
	}
	if (clock_ms() < r->open_again)
		return 0;
	return open_console(s, err) < 0 ? -1 : 0;
}

size_t scene_remote_filter(struct scene *s, char *buf, size_t len)
{
	struct scene_remote *r = s->remote;
	struct str reply cleanup_str = STR_INIT;

	if (!r->console.is_telnet)
		return len;
	len = telnet_filter(&r->console.telnet, buf, len, &reply);
	if (reply.len && write(s->outfd, reply.buf, reply.len) < 0 && errno != EAGAIN)
		fd_closep(&s->outfd);
	return len;
}

/* -- power -- */

static void close_all(struct scene *s)
{
	struct scene_remote *r = s->remote;

	close_console(s);
	fd_closep(&s->agentfd);
	end_child(&r->agent);
	fd_closep(&r->own);
	fd_closep(&s->errfd);
	console_end(&s->console);
	console_end(&s->own);
	s->hello = false;
	r->on = false;
}

static int open_own(struct scene *s, struct err **err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start the board");
	s->errfd = ends[0];
	s->remote->own = ends[1];
	return 0;
}

int scene_remote_on(struct scene *s, const struct board_power *p, struct err **err)
{
	struct scene_remote *r = s->remote;
	struct err *ignored cleanup_err = NULL;
	int rc = 0;

	r->ending = r->carried = false;
	r->carry = p->carry;
	r->agent_again = 0;
	s->heard = false;
	s->start = clock_ms();
	if (open_own(s, err) < 0)
		return -1;
	rc = open_console(s, err) < 0 ? -1 : remote_run(r->board, REMOTE_CMD_POWER_ON, NULL, err);
	if (rc < 0) {
		/* Half a command may have switched it on. */
		(void)!remote_run(r->board, REMOTE_CMD_POWER_OFF, NULL, &ignored);
		close_all(s);
		return -1;
	}
	r->on = true;
	r->open_until = clock_ms() + OPEN_S * 1000;
	scene_note(s, "power on: board '%s'", r->board->name);
	while (rc == 0 && s->outfd < 0)
		rc = scene_pump(s, clock_ms() + OPEN_MS, err) < 0 ? -1 : 0;
	return rc;
}

/* What has been said until the line goes dead; then all is closed. */
static int drain(struct scene *s, struct err **err)
{
	uint64_t deadline = clock_ms() + DRAIN_MS;
	int rc;

	while ((rc = scene_pump(s, deadline, err)) == 0)
		;
	close_all(s);
	return rc < 0 ? -1 : 0;
}

int scene_remote_cut(struct scene *s, struct err **err)
{
	struct scene_remote *r = s->remote;
	struct err *ignored cleanup_err = NULL;

	if (!r->on)
		return 0;
	r->ending = true;
	if (remote_run(r->board, REMOTE_CMD_POWER_OFF, NULL, err) < 0) {
		if (drain(s, &ignored) < 0)
			scene_note(s, "%s", ignored->text);
		return -1;
	}
	if (drain(s, err) < 0)
		return -1;
	scene_note(s, "power cut");
	return 0;
}

/* What Linux says last, on every console, however quiet it is. */
static bool is_down(const struct scene_line *line)
{
	return line->source == SCENE_CONSOLE && (strstr(line->text, "reboot: Power down") ||
						 strstr(line->text, "reboot: System halted"));
}

int scene_remote_wait_off(struct scene *s, unsigned seconds, struct err **err)
{
	struct scene_remote *r = s->remote;
	uint64_t deadline = scene_deadline(s, seconds);
	bool down = false;
	int rc = 0;

	r->ending = true;
	for (size_t i = s->cursor; rc == 0 && !down;) {
		for (; i < s->lines.count && !down; i++)
			down = is_down(&s->lines.items[i]);
		if (!down)
			rc = scene_pump(s, deadline, err);
	}
	if (rc < 0)
		return -1;
	if (rc == 1)
		return scene_too_late(s,
				      "the console did not say 'reboot: Power down', as Linux does",
				      seconds, err);
	if (remote_run(r->board, REMOTE_CMD_POWER_OFF, NULL, err) < 0)
		return -1;
	if (r->on && drain(s, err) < 0)
		return -1;
	scene_note(s, "power off");
	return 0;
}

/* -- commands in the running system -- */

static void end_agent(struct scene *s)
{
	struct scene_remote *r = s->remote;

	fd_closep(&s->agentfd);
	end_child(&r->agent);
	agent_reset(&s->agent);
	if (s->hello)
		scene_note(s, "the connection for commands has ended");
	s->resets += s->hello;
	s->hello = r->carried = false;
	r->agent_again = clock_ms() + AGENT_MS;
}

static int start_agent(struct scene *s, struct err **err)
{
	struct scene_remote *r = s->remote;
	struct str program cleanup_str = STR_INIT;

	str_printf(&program, AGENT_STREAM "%s", agent_script);
	r->agent_until = scene_deadline(s, HELLO_S);
	return remote_start(r->board, REMOTE_CMD_COMMANDS, program.buf, r->own, &r->agent,
			    &s->agentfd, err);
}

void scene_remote_forget_agent(struct scene *s)
{
	s->hello = false;
	s->remote->agent_until = scene_deadline(s, LEAVE_S);
}

int scene_remote_pumped(struct scene *s, struct err **err)
{
	struct scene_remote *r = s->remote;

	if (r->agent && (s->agentfd < 0 || (!s->hello && clock_ms() >= r->agent_until)))
		end_agent(s);
	if (s->outfd >= 0)
		return 0;
	if (r->ending) {
		close_all(s);
		return 2;
	}
	return reopen_console(s, err);
}

/* Runs SCRIPT there; *RET_STATUS is its end. */
static int run_there(struct scene *s, const char *script, int *ret_status, struct err **err)
{
	unsigned job;

	if (scene_start(s, script, false, &job, err) < 0)
		return -1;
	return scene_wait_job(s, job, HELLO_S, ret_status, err);
}

static int send_bytes(struct scene *s, const struct carried *c, int fd, uint64_t size,
		      struct err **err)
{
	char buf[65536];
	size_t sent;

	for (uint64_t left = size; left;) {
		ssize_t n = read(fd, buf, left < sizeof(buf) ? (size_t)left : sizeof(buf));
		int rc;

		if (n <= 0)
			return err_errno(err, E_READ_FAILED, n < 0 ? errno : EIO,
					 "cannot read '%s'", c->path);
		rc = scene_send(s, &s->agentfd, buf, (size_t)n, HELLO_S, &sent, err);
		if (rc < 0)
			return -1;
		if (rc)
			return err_set(err, E_SCENARIO_FAILED,
				       "%" PRIu64 " of the %" PRIu64 " bytes of '%s' got to board "
				       "'%s', and then none for %u s",
				       size - left, size, c->name, s->remote->board->name,
				       board_seconds(s->o.board, HELLO_S));
		left -= (uint64_t)n;
	}
	return 0;
}

static int carry_file(struct scene *s, const struct carried *c, struct err **err)
{
	int fd cleanup_fd = open(c->path, O_RDONLY | O_CLOEXEC), status, rc;
	struct str head cleanup_str = STR_INIT;
	struct stat st;
	unsigned job = ++s->next_job;
	size_t sent;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", c->path);
	scene_note(s, "command %u: carries %s, %jd bytes", job, c->name, (intmax_t)st.st_size);
	str_printf(&head, "put %u %jd %s\n", job, (intmax_t)st.st_size, c->name);
	rc = scene_send(s, &s->agentfd, head.buf, head.len, HELLO_S, &sent, err);
	if (rc < 0 || (rc == 0 && send_bytes(s, c, fd, (uint64_t)st.st_size, err) < 0))
		return -1;
	if (rc)
		return err_set(err, E_SCENARIO_FAILED, "the board takes no files");
	if (scene_wait_job(s, job, CARRY_S, &status, err) < 0)
		return -1;
	if (!status)
		return 0;
	return err_set(err, E_SCENARIO_FAILED,
		       "'%s' cannot be stored in /run/orch/media of board '%s': it has too little "
		       "memory for the files of this scenario",
		       c->name, s->remote->board->name);
}

/* In memory, where nothing of a board's is written to; once in each system that comes up. */
static int carry_files(struct scene *s, struct err **err)
{
	static const char prepare[] =
		"test ! -e /run/orch/carried || exit 3\n"
		"mkdir -p /run/orch/media\n"
		"mount -t tmpfs -o mode=755,size=%" PRIu64 "M tmpfs /run/orch/media\n";
	const struct board_files_carried *files = s->remote->carry;
	struct str script cleanup_str = STR_INIT;
	int status;

	s->remote->carried = true;
	if (!files || !files->count)
		return 0;
	str_printf(&script, prepare, (files->size >> 20) + 16);
	if (run_there(s, script.buf, &status, err) < 0)
		return -1;
	if (status == 3)
		return 0;
	if (status)
		return err_set(err, E_SCENARIO_FAILED,
			       "board '%s': its system has no place for files at /run/orch/media: "
			       "'commands' in %s must be root's",
			       s->remote->board->name, s->remote->board->config);
	for (size_t i = 0; i < files->count; i++)
		if (carry_file(s, &files->items[i], err) < 0)
			return -1;
	return run_there(s, ": >/run/orch/carried", &status, err);
}

static int no_agent(struct scene *s, unsigned seconds, struct err **err)
{
	const struct remote_board *b = s->remote->board;

	return err_set(err, E_SCENARIO_FAILED,
		       "board '%s' takes no commands within %u s by '%s' ('commands' in %s)%s%s",
		       b->name, board_seconds(s->o.board, seconds),
		       b->commands[REMOTE_CMD_COMMANDS].items[0], b->config,
		       s->last_own ? "; it said last: " : "", s->last_own ? s->last_own : "");
}

int scene_remote_wait_agent(struct scene *s, unsigned seconds, struct err **err)
{
	struct scene_remote *r = s->remote;
	uint64_t deadline = scene_deadline(s, seconds);
	int rc = 0;

	while (!s->hello && rc >= 0) {
		uint64_t now = clock_ms();

		if (!r->on)
			return scene_went_off(s, "while waiting for the guest to take commands",
					      err);
		if (now >= deadline)
			return no_agent(s, seconds, err);
		if (!r->agent && now >= r->agent_again && start_agent(s, err) < 0)
			return -1;
		rc = scene_pump(s, now + OPEN_MS < deadline ? now + OPEN_MS : deadline, err);
	}
	if (rc < 0)
		return -1;
	return r->carried ? 0 : carry_files(s, err);
}

/* -- the board as a whole -- */

static void note_waiting(void *arg, const char *text)
{
	scene_note(arg, "%s", text);
}

int scene_remote_take(struct scene *s, struct err **err)
{
	struct scene_remote *r = xcalloc(1, sizeof(*r));

	s->remote = r;
	r->board = s->o.remote;
	r->lock = r->own = -1;
	if (remote_lock(r->board, note_waiting, s, &r->lock, err) < 0)
		return -1;
	if (remote_has(r->board, REMOTE_CMD_ACQUIRE)) {
		if (remote_run(r->board, REMOTE_CMD_ACQUIRE, NULL, err) < 0)
			return -1;
		r->acquired = true;
	}
	return remote_run(r->board, REMOTE_CMD_POWER_OFF, NULL, err);
}

void scene_remote_leave(struct scene *s)
{
	struct scene_remote *r = s->remote;
	struct err *ignored cleanup_err = NULL;

	if (r->acquired && remote_has(r->board, REMOTE_CMD_RELEASE) &&
	    remote_run(r->board, REMOTE_CMD_RELEASE, NULL, &ignored) < 0)
		scene_note(s, "%s", ignored->text);
	fd_closep(&r->lock);
	free(r->why_closed);
	free(steal_ptr(s->remote));
}
