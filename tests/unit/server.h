/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* A server that is a test's child and prints its port first. */
#include <fcntl.h>
#include <unistd.h>

#include "base/proc.h"

/* Puts the line that comes from FD into RET without its end: it may come in pieces. Its bytes. */
static inline size_t read_line(int fd, char *ret, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(fd, ret + n, 1) == 1 && ret[n] != '\n')
		n++;
	ret[n] = 0;
	return n;
}

/* Starts it; RET_PORT has SIZE bytes. -1: it does not come up. */
static inline int server_start(char *const argv[], pid_t *ret_pid, char *ret_port, size_t size)
{
	struct err *err cleanup_err = NULL;
	struct proc_opts opts = {0};
	size_t len;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	opts.out = fds[1];
	if (proc_start(argv, &opts, ret_pid, &err) < 0)
		return -1;
	close(fds[1]);
	len = read_line(fds[0], ret_port, size);
	close(fds[0]);
	return len ? 0 : -1;
}
