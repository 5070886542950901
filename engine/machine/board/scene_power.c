/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Power, QEMU's process and its monitor. */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/board/scene_priv.h"
#include "machine/board/scene_remote.h"
#include "machine/guest/steps.h"

#define QMP_S 60 /* for an answer of QEMU's monitor */

/* -- power -- */

static void pair_close(int (*fds)[2])
{
	fd_closep(&(*fds)[0]);
	fd_closep(&(*fds)[1]);
}
#define cleanup_pair __attribute__((cleanup(pair_close)))

static int pair(int ret[2], struct err **err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start the board");
	return 0;
}

/*
 * With a server: the guest reaches the loopback of QEMU's network, which must be one that has
 * nothing else.
 */
static int start_qemu(struct scene *s, struct strv *argv, struct confined *wall,
		      struct proc_opts *opts, struct err **err)
{
	int ends[2] cleanup_pair = {-1, -1}, fd;

	if (!s->o.web) {
		confined_apply(wall, opts);
		return proc_start(strv_argv(argv), opts, &s->pid, err);
	}
	if (pair(ends, err) < 0)
		return -1;
	confined_listen(wall, BOARD_WEB_PORT, ends[1]);
	confined_apply(wall, opts);
	if (!opts->namespaces)
		return err_set(err, E_SANDBOX_UNAVAILABLE,
			       "a board has a server ('serve') only where programs have networks "
			       "of their own, and here none has: 'orch doctor' says why");
	if (proc_start(strv_argv(argv), opts, &s->pid, err) < 0 ||
	    confined_take_socket(ends[0], &fd, err) < 0)
		return -1;
	web_open(s->o.web, fd);
	return 0;
}

static int spawn(struct scene *s, struct board_power *p, struct err **err)
{
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};
	struct str line cleanup_str = STR_INIT;
	int agent[2] = {-1, -1}, qmp[2] = {-1, -1}, out[2] = {-1, -1}, own[2] = {-1, -1};
	int pass[3] = {-1, -1, -1}, rc;
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {.same_group = true, .pass = pass};

	rc = pair(agent, err) < 0 || pair(qmp, err) < 0 ? -1 : 0;
	if (rc == 0 && (pipe2(out, O_CLOEXEC) < 0 || pipe2(own, O_CLOEXEC) < 0))
		rc = err_errno(err, E_CANNOT_START, errno, "cannot start the board");
	if (rc == 0) {
		p->agent_fd = pass[0] = agent[1];
		p->qmp_fd = pass[1] = qmp[1];
		board_argv(s->o.board, p, &argv);
		steps_quote_argv((const char *const *)argv.items, argv.count, &line);
		s->o.log(s->o.arg, SCENE_QEMU, line.buf);
		strv_printf(&env, "TMPDIR=%s", s->o.dir);
		strv_push(&env, "PATH=/usr/bin:/bin");
		opts.env = strv_argv(&env);
		opts.out = out[1];
		opts.errfd = own[1];
		board_show(s->o.board, p, &wall);
		confined_write(&wall, s->o.dir);
		rc = start_qemu(s, &argv, &wall, &opts, err);
	}
	fd_closep(&agent[1]);
	fd_closep(&qmp[1]);
	fd_closep(&out[1]);
	fd_closep(&own[1]);
	s->agentfd = agent[0];
	s->qmpfd = qmp[0];
	s->outfd = out[0];
	s->errfd = own[0];
	if (rc == 0)
		s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	return rc;
}

void scene_forget(struct scene *s)
{
	for (size_t i = 0; i < s->lines.count; i++)
		free(s->lines.items[i].text);
	scene_lines_clear(&s->lines);
	s->kept = 0;
	job_ends_clear(&s->ends);
	strv_clear(&s->background);
	str_clear(&s->console.line);
	str_clear(&s->own.line);
	str_clear(&s->monitor);
	agent_reset(&s->agent);
	free(steal_ptr(s->last_own));
	s->cursor = 0;
	s->hello = s->qmp_ready = s->open_taken = false;
	s->resets = 0;
}

/* Part of it, if there is room. 0, with *ret_sent bytes, or -1. */
static int send_some(int fd, const char *data, size_t len, size_t *ret_sent, struct err **err)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	*ret_sent = n > 0 ? (size_t)n : 0;
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return err_errno(err, E_BOARD_OFF, errno, "cannot write to the board");
	return 0;
}

int scene_send(struct scene *s, const int *fd, const void *data, size_t len, unsigned seconds,
	       size_t *ret_sent, struct err **err)
{
	uint64_t deadline = scene_deadline(s, seconds);
	int rc = 0;

	s->sending = fd;
	for (*ret_sent = 0; rc == 0 && *fd >= 0;) {
		size_t n;

		rc = send_some(*fd, (const char *)data + *ret_sent, len - *ret_sent, &n, err);
		*ret_sent += n;
		if (rc < 0 || *ret_sent == len)
			break;
		rc = scene_pump(s, deadline, err);
	}
	s->sending = NULL;
	return rc == 0 && *ret_sent < len ? 2 : rc;
}

/* One command, and its answer. */
static int qmp(struct scene *s, const char *command, struct err **err)
{
	uint64_t deadline = clock_ms() + QMP_S * 1000;
	size_t sent;
	int rc = 0;

	while (!s->qmp_ready && rc == 0)
		rc = scene_pump(s, deadline, err);
	s->qmp_answer = false;
	if (rc == 0)
		rc = scene_send(s, &s->qmpfd, command, strlen(command), QMP_S, &sent, err);
	while (rc == 0 && !s->qmp_answer)
		rc = scene_pump(s, deadline, err);
	if (rc == 2)
		return scene_went_off(s, "cannot start the board", err);
	if (rc == 1 || (rc == 0 && s->qmp_failed))
		return err_set(err, E_BOARD_OFF, "QEMU's monitor does not take '%s'", command);
	return rc;
}

int scene_link(struct scene *s, bool up, struct err **err)
{
	if (s->o.board->network == BOARD_NET_NONE)
		return err_set(err, E_BOARD_LACKS, "this board has no network");
	return qmp(
		s,
		up ? "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic0\",\"up\":true}}\n"
		   : "{\"execute\":\"set_link\",\"arguments\":{\"name\":\"nic0\",\"up\":false}}\n",
		err);
}

int scene_power_on(struct scene *s, const struct board_power *power, bool link, struct err **err)
{
	struct board_power p = *power;
	struct str script cleanup_str = STR_INIT;

	if (scene_is_on(s))
		return err_set(err, E_INTERNAL, "the power is on");
	if (s->remote) {
		scene_forget(s);
		return scene_remote_on(s, power, err);
	}
	str_printf(&script, "%s%s%s", p.program ? p.program : "", p.media ? AGENT_MEDIA : "",
		   agent_script);
	if (file_write(s->script, script.buf, script.len, 0600, false, err) < 0)
		return -1;
	scene_forget(s);
	p.paused = true;
	p.web = s->o.web != NULL;
	p.agent_unit = s->unit;
	p.agent_drop_in = s->drop_in;
	p.agent_script = s->script;
	s->start = clock_ms();
	if (spawn(s, &p, err) < 0)
		return -1;
	scene_note(s, "power on");
	if (qmp(s, "{\"execute\":\"qmp_capabilities\"}\n", err) < 0 ||
	    (!link && scene_link(s, false, err) < 0))
		return -1;
	return qmp(s, "{\"execute\":\"cont\"}\n", err);
}

bool scene_is_on(const struct scene *s)
{
	return s->remote ? s->remote->on : s->pid != 0;
}

int scene_cut(struct scene *s, struct err **err)
{
	struct err *ignored cleanup_err = NULL;
	int rc;

	if (s->remote)
		return scene_remote_cut(s, err);
	if (!s->pid)
		return 0;
	kill(s->pid, SIGKILL);
	while ((rc = scene_pump(s, clock_ms() + QMP_S * 1000, err)) == 0)
		;
	if (s->pid && scene_reap(s, &ignored) < 0)
		return -1;
	scene_note(s, "power cut");
	return rc < 0 ? -1 : 0;
}

int scene_wait_off(struct scene *s, unsigned seconds, struct err **err)
{
	uint64_t deadline = scene_deadline(s, seconds);
	int rc;

	if (s->remote)
		return scene_remote_wait_off(s, seconds, err);
	while ((rc = scene_pump(s, deadline, err)) == 0)
		;
	if (rc < 0)
		return -1;
	if (rc == 1)
		return scene_too_late(s, "the board did not switch itself off", seconds, err);
	if (!WIFEXITED(s->status) || WEXITSTATUS(s->status))
		return scene_went_off(s, "instead of switching off", err);
	scene_note(s, "power off");
	return 0;
}

/* -- making -- */

static int put(const char *dir, const char *name, const char *text, char **ret, struct err **err)
{
	char *path = path_join(dir, name);

	*ret = path;
	return file_write(path, text, strlen(text), 0600, false, err);
}

int scene_new(const struct scene_opts *opts, struct scene **ret, struct err **err)
{
	struct scene *s cleanup_scene = xcalloc(1, sizeof(*s));

	s->o = *opts;
	s->pidfd = s->outfd = s->errfd = s->agentfd = s->qmpfd = -1;
	s->console = (struct console)CONSOLE_INIT(NULL, scene_console_said, s);
	s->own = (struct console)CONSOLE_INIT(NULL, scene_qemu_said, s);
	s->agent = (struct agent)AGENT_INIT(scene_agent_said, s);
	s->monitor = (struct str)STR_INIT;
	if (opts->total_s)
		s->deadline = scene_deadline(s, opts->total_s);
	if (put(opts->dir, "agent.service", agent_unit, &s->unit, err) < 0 ||
	    put(opts->dir, "agent.conf", agent_drop_in, &s->drop_in, err) < 0)
		return -1;
	s->script = path_join(opts->dir, "agent.sh");
	if (opts->remote && scene_remote_take(s, err) < 0)
		return -1;
	*ret = steal_ptr(s);
	return 0;
}

void scene_free(struct scene *s)
{
	struct err *ignored cleanup_err = NULL;

	if (!s)
		return;
	if (scene_cut(s, &ignored) < 0)
		s->pid = 0;
	if (s->remote)
		scene_remote_leave(s);
	scene_forget(s);
	console_release(&s->console);
	console_release(&s->own);
	agent_release(&s->agent);
	str_release(&s->monitor);
	free(s->broken);
	free(s->unit);
	free(s->drop_in);
	free(s->script);
	free(s);
}
