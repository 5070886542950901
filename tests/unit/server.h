/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* A server that is a test's child and prints its port first. */
#include <unistd.h>

/* Puts the line that comes from FD into RET without its end: it may come in pieces. Its bytes. */
static inline size_t read_line(int fd, char *ret, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && read(fd, ret + n, 1) == 1 && ret[n] != '\n')
		n++;
	ret[n] = 0;
	return n;
}
