/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/janitor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"

struct janitor {
	pid_t pid;
	int fd; /* the pipe's writing end; its closing is the signal */
	struct strv told;
};

/* Field 22 of /proc/PID/stat: when the process started, in clock ticks; 0 when there is none. */
static unsigned long long start_time(pid_t pid)
{
	char path[64];
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	unsigned long long ticks = 0;
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, 4096, &text, &ignored) < 0)
		return 0;
	p = strrchr(text.buf, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, "%llu", &ticks) == 1 ? ticks : 0;
}

/* One order: "rPATH" or "kPID TICKS". */
static void obey(const char *order)
{
	struct err *ignored cleanup_err = NULL;
	unsigned long long ticks;
	int pid;

	if (order[0] == 'r')
		(void)!path_remove(order + 1, &ignored);
	else if (sscanf(order + 1, "%d %llu", &pid, &ticks) == 2 && pid > 1 && ticks &&
		 start_time(pid) == ticks)
		kill(pid, SIGKILL);
}

/* The janitor's life: gathers orders until the pipe's other end is gone. Killing comes first. */
static void live(int fd)
{
	struct str orders cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	setsid();
	prctl(PR_SET_NAME, "orch-janitor");
	for (int other = 0; other < 1024; other++) {
		if (other != fd)
			close(other);
	}
	(void)!fd_read_all(fd, "pipe", 1 << 20, &orders, &ignored);
	for (const char *kind = "kr"; *kind; kind++) {
		for (size_t at = 0; at < orders.len; at += strlen(orders.buf + at) + 1) {
			if (orders.buf[at] == *kind)
				obey(orders.buf + at);
		}
	}
	_exit(0);
}

int janitor_start(struct janitor **ret, struct err **err)
{
	struct janitor *j;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, ERR_RESOURCE, errno, "cannot make a pipe");
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_errno(err, ERR_RESOURCE, errno, "cannot start a process");
	}
	if (pid == 0) {
		close(fds[1]);
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		live(fds[0]);
	}
	close(fds[0]);
	j = xcalloc(1, sizeof(*j));
	j->pid = pid;
	j->fd = fds[1];
	*ret = j;
	return 0;
}

/* Sends ORDER with its NUL, once. */
static void tell(struct janitor *j, char *order)
{
	struct err *ignored cleanup_err = NULL;

	for (size_t i = 0; i < j->told.count; i++) {
		if (str_eq(j->told.items[i], order)) {
			free(order);
			return;
		}
	}
	strv_take(&j->told, order);
	(void)!fd_write_all(j->fd, "pipe", order, strlen(order) + 1, &ignored);
}

void janitor_remove(struct janitor *j, const char *path)
{
	if (path[0] == '/' && path[1])
		tell(j, xasprintf("r%s", path));
}

void janitor_kill(struct janitor *j, pid_t pid)
{
	tell(j, xasprintf("k%d %llu", (int)pid, start_time(pid)));
}

void janitor_dismiss(struct janitor *j)
{
	int status;

	if (!j)
		return;
	close(j->fd);
	while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
		;
	strv_clear(&j->told);
	free(j);
}
