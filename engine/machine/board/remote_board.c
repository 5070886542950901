/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/remote_board.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"

const char *const remote_words[REMOTE_CMD_COUNT] = {
	"power-on",     "power-off",     "console",  "write",   "read",
	"card-to-host", "card-to-board", "commands", "acquire", "release"};

bool board_is_remote(const struct board *b)
{
	return str_eq(b->machine, REMOTE_BOARD);
}

void remote_board_clear(struct remote_board *r)
{
	for (size_t i = 0; i < REMOTE_CMD_COUNT; i++)
		strv_clear(&r->commands[i]);
}

bool remote_card_is_live(const struct remote_board *r)
{
	return r->card && !remote_has(r, REMOTE_CMD_TO_HOST);
}

bool remote_card_is_readable(const struct remote_board *r)
{
	return r->card || remote_has(r, REMOTE_CMD_READ);
}

static void push_command(const struct remote_board *r, enum remote_command which, const char *arg,
			 struct strv *ret)
{
	for (size_t i = 0; i < r->commands[which].count; i++)
		strv_push(ret, r->commands[which].items[i]);
	if (arg)
		strv_push(ret, arg);
}

/* "board 'bench': 'power-on' of /home/me/.config/orch/config.yaml: TEXT" */
static int blame(const struct remote_board *r, enum remote_command which, struct err **err)
{
	struct err *cause cleanup_err = steal_ptr(*err);

	if (cause->code == E_PROGRAM_TIMEOUT)
		return err_set(err, E_BOARD_TIMEOUT,
			       "board '%s': %s ('%s' in %s): look at the board, or raise its "
			       "'timeout' there",
			       r->name, cause->text, remote_words[which], r->config);
	return err_set(err, E_BOARD_COMMAND, "board '%s': %s ('%s' in %s)", r->name, cause->text,
		       remote_words[which], r->config);
}

int remote_run(const struct remote_board *r, enum remote_command which, const char *arg,
	       struct err **err)
{
	struct strv argv cleanup_strv = {0};
	struct proc_opts opts = {.timeout_s = r->timeout_s, .out = STDERR_FILENO};

	push_command(r, which, arg, &argv);
	return proc_run(strv_argv(&argv), &opts, err) < 0 ? blame(r, which, err) : 0;
}

int remote_start(const struct remote_board *r, enum remote_command which, const char *arg,
		 int errfd, pid_t *ret_pid, int *ret_fd, struct err **err)
{
	struct strv argv cleanup_strv = {0};
	struct proc_opts opts = {.errfd = errfd};
	int ends[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'",
				 remote_words[which]);
	push_command(r, which, arg, &argv);
	opts.in = opts.out = ends[1];
	rc = proc_start(strv_argv(&argv), &opts, ret_pid, err);
	close(ends[1]);
	if (rc < 0) {
		close(ends[0]);
		return blame(r, which, err);
	}
	*ret_fd = ends[0];
	return 0;
}

/* A name that only one socket of the machine can have, and that goes with it. */
static socklen_t lock_name(const struct remote_board *r, struct sockaddr_un *ret)
{
	int len = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "orch-board-%u-%s",
			   (unsigned)getuid(), r->name);

	ret->sun_family = AF_UNIX;
	ret->sun_path[0] = 0;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
}

int remote_lock(const struct remote_board *r, void (*progress)(void *arg, const char *text),
		void *arg, int *ret_fd, struct err **err)
{
	const struct timespec second = {.tv_sec = 1};
	struct sockaddr_un name = {0};
	socklen_t len = lock_name(r, &name);
	int fd cleanup_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char *text cleanup_free = xasprintf("another scenario has board '%s'; waiting", r->name);

	if (fd < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot lock board '%s'", r->name);
	for (bool told = false; bind(fd, (struct sockaddr *)&name, len) < 0; told = true) {
		if (errno != EADDRINUSE)
			return err_errno(err, E_CANNOT_START, errno, "cannot lock board '%s'",
					 r->name);
		if (!told)
			progress(arg, text);
		nanosleep(&second, NULL);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}
