/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/trace.h"
#include "machine/guest/qemu.h"

#define AFTER_PANIC_S 10 /* panic=-1 reboots at once, and QEMU leaves with -no-reboot */
#define ROOM_BYTES (8u * 1024 * 1024)

struct run {
	const struct qemu_watch *watch;
	const char *disks;                 /* directory on the file system where they grow */
	struct console console;            /* QEMU's stdout: the guest's serial line */
	struct console own;                /* QEMU's stderr */
	char *panic;                       /* the line, or NULL */
	char *last_own;                    /* QEMU's last message, or NULL */
	bool begun, over;                  /* the first marker came; *watch->done was seen */
	bool full;                         /* there is no room for what the guest writes */
	uint64_t start, panic_at, done_at; /* ms */
	pid_t pid;
	int pidfd, outfd, errfd;
};

static void guest_said(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct run *r = arg;

	if (event == CONSOLE_MARKER)
		r->begun = true;
	if (event == CONSOLE_PANIC && !r->panic) {
		r->panic = xstrdup(text);
		r->panic_at = clock_ms();
	}
	r->watch->fn(r->watch->arg, event, text, a, b);
	if (!r->over && r->watch->done && *r->watch->done) {
		r->over = true;
		r->done_at = clock_ms();
	}
}

static void qemu_said(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct run *r = arg;
	char *line cleanup_free = NULL;

	if (event != CONSOLE_LINE)
		return;
	free(r->last_own);
	r->last_own = xstrdup(text);
	if (strstr(text, strerror(ENOSPC)))
		r->full = true;
	line = xasprintf("qemu: %s", text);
	r->watch->fn(r->watch->arg, CONSOLE_LINE, line, 0, 0);
}

/* Reads what is there. 1 at the end of the stream. */
static int take(int fd, struct console *c)
{
	char buf[16384];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : 1;
	if (n == 0)
		return 1;
	console_feed(c, buf, (size_t)n);
	return 0;
}

/* The next deadline in ms and what has to be said when it passes; 0: none. */
static uint64_t next_deadline(const struct run *r, const char **ret_what)
{
	const struct qemu_watch *w = r->watch;
	uint64_t at = w->total_s ? r->start + w->total_s * 1000ull : 0;
	uint64_t begin = w->begin_s && !r->begun ? r->start + w->begin_s * 1000ull : 0;

	*ret_what = "the guest was not done in time";
	if (r->panic_at) {
		*ret_what = "";
		return r->panic_at + AFTER_PANIC_S * 1000;
	}
	if (r->over) {
		*ret_what = "the guest did not power off after its steps";
		return r->done_at + (w->quit_s ? w->quit_s : 60) * 1000ull;
	}
	if (begin && (!at || begin < at)) {
		*ret_what = "the guest did not start its steps in time";
		return begin;
	}
	return at;
}

static int wait_ms(uint64_t deadline)
{
	uint64_t now = clock_ms();

	if (!deadline)
		return QEMU_ROOM_MS;
	if (deadline <= now)
		return 0;
	return deadline - now > QEMU_ROOM_MS ? QEMU_ROOM_MS : (int)(deadline - now);
}

bool qemu_has_room(const char *dir)
{
	uint64_t bytes;
	struct err *ignored cleanup_err = NULL;

	return file_free_bytes(dir, &bytes, &ignored) < 0 || bytes >= ROOM_BYTES;
}

/*
 * Feeds the consoles until QEMU is gone and has said everything. 1: a deadline passed, *ret_what.
 */
static int watch_guest(struct run *r, const char **ret_what, struct err **err)
{
	struct pollfd fds[] = {{.fd = r->outfd, .events = POLLIN},
			       {.fd = r->errfd, .events = POLLIN},
			       {.fd = r->pidfd, .events = POLLIN}};

	for (;;) {
		uint64_t deadline = next_deadline(r, ret_what);
		bool ended = fds[0].fd < 0 && fds[1].fd < 0 && fds[2].fd < 0;
		int n;

		if (ended)
			return 0;
		r->full = r->full || !qemu_has_room(r->disks);
		if (r->full || (deadline && deadline <= clock_ms()))
			return 1;
		n = poll(fds, array_len(fds), wait_ms(deadline));
		if (n < 0 && errno != EINTR)
			return err_errno(err, E_INTERNAL, errno, "cannot wait for the guest");
		if (n <= 0)
			continue;
		if (fds[0].revents && take(r->outfd, &r->console))
			fds[0].fd = -1;
		if (fds[1].revents && take(r->errfd, &r->own))
			fds[1].fd = -1;
		if (fds[2].revents)
			fds[2].fd = -1;
	}
}

static void show_files(const struct qemu_machine *m, struct confined *ret)
{
	qemu_show(m->command, m->program, ret);
	confined_read(ret, m->firmware_code);
	confined_read(ret, m->kernel);
	confined_read(ret, m->initrd);
	confined_write(ret, m->vars_path);
	confined_write(ret, m->tmp_dir);
	for (size_t i = 0; i < m->disk_count; i++) {
		const struct qemu_disk *d = &m->disks[i];

		if (d->readonly || d->snapshot)
			confined_read(ret, d->path);
		else
			confined_write(ret, d->path);
	}
}

static void set_environment(const struct qemu_machine *m, struct strv *env)
{
	strv_printf(env, "TMPDIR=%s", m->tmp_dir);
	strv_push(env, "PATH=/usr/bin:/bin");
}

static int start(struct run *r, const struct qemu_machine *m, struct err **err)
{
	struct strv argv cleanup_strv = {0};
	struct strv env cleanup_strv = {0};
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {.same_group = true};
	int out[2], own[2], rc;

	qemu_argv(m, &argv);
	set_environment(m, &env);
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'", m->program);
	if (pipe2(own, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'", m->program);
	}
	r->outfd = out[0];
	r->errfd = own[0];
	opts.env = strv_argv(&env);
	opts.out = out[1];
	opts.errfd = own[1];
	show_files(m, &wall);
	confined_apply(&wall, &opts);
	rc = proc_start(strv_argv(&argv), &opts, &r->pid, err);
	close(out[1]);
	close(own[1]);
	if (rc < 0)
		return -1;
	r->start = clock_ms();
	r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	return 0;
}

/* Ends QEMU if it is still there, and says how it went. */
static int finish(struct run *r, const char *program, int watched, const char *late,
		  struct err **err)
{
	int status;
	struct err *ignored cleanup_err = NULL;
	char *how cleanup_free = NULL;

	if (watched != 0)
		kill(r->pid, SIGKILL);
	if (proc_wait(r->pid, &status, watched < 0 ? &ignored : err) < 0)
		return -1;
	console_end(&r->console);
	console_end(&r->own);
	if (watched < 0)
		return -1;
	if (r->full)
		return err_set(err, E_DISK_FULL,
			       "there is no room left for what the guest writes to its disks");
	if (r->panic)
		return err_set(err, E_GUEST_ENDED, "the guest's kernel gave up: %s", r->panic);
	if (watched > 0)
		return err_set(err, E_GUEST_TIMEOUT, "%s (%u s)", late,
			       (unsigned)((clock_ms() - r->start) / 1000));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	how = proc_status_string(status);
	return err_set(err, E_PROGRAM_FAILED, "'%s' %s%s%s", program, how, r->last_own ? ": " : "",
		       r->last_own ? r->last_own : "");
}

static int copy_variables(const struct qemu_machine *m, struct err **err)
{
	if (!m->efi || path_exists(m->vars_path))
		return 0;
	return file_copy(m->firmware_vars, m->vars_path, 0600, err);
}

int qemu_run(const struct qemu_machine *m, const struct qemu_watch *watch, struct err **err)
{
	struct run r = {.watch = watch, .disks = m->tmp_dir, .pidfd = -1, .outfd = -1, .errfd = -1};
	const char *late = "";
	int rc;

	if (copy_variables(m, err) < 0)
		return -1;
	r.console = (struct console)CONSOLE_INIT(watch->token, guest_said, &r);
	r.own = (struct console)CONSOLE_INIT(NULL, qemu_said, &r);
	rc = start(&r, m, err);
	if (rc == 0) {
		rc = watch_guest(&r, &late, err);
		rc = finish(&r, m->program, rc, late, err);
	}
	fd_closep(&r.pidfd);
	fd_closep(&r.outfd);
	fd_closep(&r.errfd);
	console_release(&r.console);
	console_release(&r.own);
	free(r.panic);
	free(r.last_own);
	return rc;
}

/* -- on our terminal -- */

static int start_attached(struct qemu_machine *m, int console, pid_t *ret, struct err **err)
{
	const int pass[] = {console, -1};
	char *chardev cleanup_free = xasprintf("socket,id=console,fd=%d", console);
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {.pass = pass};
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};

	m->console = chardev;
	qemu_argv(m, &argv);
	m->console = NULL;
	set_environment(m, &env);
	opts.env = strv_argv(&env);
	show_files(m, &wall);
	confined_apply(&wall, &opts);
	return proc_start(strv_argv(&argv), &opts, ret, err);
}

int qemu_attach(struct qemu_machine *m, struct attach *a, enum attach_end *ret, int *ret_signal,
		struct err **err)
{
	int ours cleanup_fd = -1, process cleanup_fd = -1, pair[2], status, rc;
	struct err *ignored cleanup_err = NULL;
	pid_t pid;

	if (copy_variables(m, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start '%s'", m->program);
	ours = pair[0];
	rc = start_attached(m, pair[1], &pid, err);
	close(pair[1]);
	if (rc < 0)
		return -1;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	a->console = ours;
	a->process = process;
	rc = attach_run(a, ret, ret_signal, err);
	if (rc < 0 || *ret != ATTACH_GUEST_OFF)
		kill(pid, SIGKILL);
	if (proc_wait(pid, &status, rc < 0 ? &ignored : err) < 0 || rc < 0)
		return -1;
	return *ret == ATTACH_GUEST_OFF ? proc_check(m->program, status, err) : 0;
}
