/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program that is carried along (carried.h): it starts real/NAME beside it, NAME being what this
 * one is called, by the loader that lies there, too, with the libraries there. Linked statically,
 * so that it runs on any Linux of its architecture.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char self[PATH_MAX], loader[PATH_MAX + 64], program[PATH_MAX + 64], *name;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char **args = calloc((size_t)argc + 7, sizeof(*args));

	if (n < 0 || !args) {
		perror("orch: /proc/self/exe");
		return 3;
	}
	self[n] = 0;
	name = strrchr(self, '/');
	*name++ = 0;
	snprintf(loader, sizeof(loader), "%s/" LOADER, self);
	snprintf(program, sizeof(program), "%s/real/%s", self, name);
	args[0] = loader;
	args[1] = "--argv0";
	args[2] = argv[0];
	args[3] = "--library-path";
	args[4] = self;
	args[5] = program;
	memcpy(args + 6, argv + 1, (size_t)argc * sizeof(*args)); /* with the NULL */
	execv(loader, args);
	perror(loader);
	return 3;
}
