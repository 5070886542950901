/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * subordinate USER FIRST COUNT COMMAND...: runs it, as root does it, in a user namespace with
 * subordinate ids: root there is user USER here, 1 to COUNT are FIRST and those after it, as
 * newuidmap and a rootless container have it.
 */
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int map(pid_t pid, const char *what, char **argv)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	f = fopen(path, "we");
	if (!f)
		return -1;
	fprintf(f, "0 %s 1\n1 %s %s\n", argv[1], argv[2], argv[3]);
	return fclose(f);
}

int main(int argc, char **argv)
{
	int ready[2], mapped[2], status;
	char byte;
	pid_t pid;

	if (argc < 5) {
		fputs("usage: subordinate USER FIRST COUNT COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	if (pipe(ready) < 0 || pipe(mapped) < 0 || (pid = fork()) < 0) {
		perror("subordinate");
		return 1;
	}
	if (pid == 0) {
		close(mapped[1]);
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1 ||
		    read(mapped[0], &byte, 1) != 1 || setgroups(0, NULL) < 0 ||
		    setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) {
			perror("subordinate");
			_exit(1);
		}
		close(mapped[0]);
		close(ready[0]);
		close(ready[1]);
		execvp(argv[4], argv + 4);
		perror(argv[4]);
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1 || map(pid, "uid_map", argv) < 0 ||
	    map(pid, "gid_map", argv) < 0 || write(mapped[1], "", 1) != 1)
		perror("subordinate");
	close(mapped[1]);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}
