/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest/appliance_wall.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/sandbox/confined.h"

#define FIRST_LINE \
	"#!/proc/self/exe appliance\n" /* whose: of libguestfs' process, before it execs */
#define FILES_MAX 1048576
#define FAILED 125
#define WALL_NAME "guestfs-qemu"
/*
 * Of libguestfs' line, with some bytes to spare: the memory it begins with, what is before the path
 * at least, and all that is around it at most.
 */
#define LINE_ROOM 256
#define LINE_BEFORE 100
#define LINE_AROUND 230

void appliance_wall_program(struct str *files, const char *path)
{
	str_printf(files, "program %s\n", path);
}

void appliance_wall_read(struct str *files, const char *path)
{
	str_printf(files, "read %s\n", path);
}

void appliance_wall_write(struct str *files, const char *path)
{
	str_printf(files, "write %s\n", path);
}

/* What PATH takes in libguestfs' line, which is in double quotes. */
static size_t quoted_len(const char *path)
{
	size_t len = 0;

	for (; *path; path++)
		len += strchr("$`\\\"", *path) ? 2 : 1;
	return len;
}

/* How many bytes more than LEN a path must have, see above. */
static size_t padding(size_t len)
{
	for (size_t room = LINE_ROOM;; room *= 2) {
		if (len + LINE_BEFORE < room)
			return room - LINE_BEFORE - len;
		if (len + LINE_AROUND < 2 * room)
			return 0;
	}
}

char *appliance_wall_path(const char *dir)
{
	char *path cleanup_free = path_join(dir, WALL_NAME);
	struct str padded = STR_INIT;

	str_append(&padded, dir);
	for (size_t more = padding(quoted_len(path)); more; more--)
		str_append_char(&padded, '/');
	str_append(&padded, "/" WALL_NAME);
	return str_steal(&padded);
}

int appliance_wall_make(const char *path, const char *program, const struct str *files,
			struct err **err)
{
	char *list cleanup_free = xasprintf("%s.files", path);
	struct stat st;

	if (stat(program, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot find '%s'", program);
	if (file_write(list, files->buf, files->len, 0600, false, err) < 0 ||
	    file_write(path, FIRST_LINE, strlen(FIRST_LINE), 0700, false, err) < 0)
		return -1;
	if (utimensat(AT_FDCWD, path, (struct timespec[]){st.st_mtim, st.st_mtim}, 0) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the time of '%s'", path);
	return 0;
}

/* --- in the other process ------------------------------------------------------------------ */

/* What FILES say; *RET_PROGRAM points into it. */
static void take_files(char *files, struct confined *ret, const char **ret_program)
{
	char *save = NULL;

	for (char *line = strtok_r(files, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *path;

		if ((path = str_skip(line, "program ")))
			*ret_program = path;
		else if ((path = str_skip(line, "read ")))
			confined_read(ret, path);
		else if ((path = str_skip(line, "write ")))
			confined_write(ret, path);
	}
}

/* The directory of libguestfs' own socket, wherever that is (guest.c, configure()). */
static void take_socket(char *arguments[], struct confined *ret)
{
	for (char **a = arguments; *a; a++) {
		const char *path = str_skip(*a, "socket,path=");
		char *socket cleanup_free = path ? xstrndup(path, strcspn(path, ",")) : NULL;
		char *dir cleanup_free = socket ? path_dir(socket) : NULL;

		if (dir && str_skip(path_base(dir), "libguestfs"))
			confined_write(ret, dir);
	}
}

static pid_t qemu;

static void hand_on(int signo)
{
	kill(qemu, signo);
}

/* libguestfs ends this process when it means QEMU. */
static int await(void)
{
	static const int handed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	int status = 0;

	for (size_t i = 0; i < array_len(handed_on); i++)
		signal(handed_on[i], hand_on);
	while (waitpid(qemu, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int start(const char *program, struct confined *wall, const char *dir, char *arguments[],
		 struct err **err)
{
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};
	/* Its console is on stdin and stdout. */
	struct proc_opts opts = {.in = fcntl(0, F_DUPFD_CLOEXEC, 3), .same_group = true};

	strv_push(&argv, program);
	for (char **a = arguments; *a; a++)
		strv_push(&argv, *a);
	strv_printf(&env, "TMPDIR=%s", dir);
	strv_push(&env, "PATH=/usr/bin:/bin");
	strv_push(&env, "LC_ALL=C");
	opts.env = strv_argv(&env);
	take_socket(arguments, wall);
	confined_program(wall, program);
	confined_apply(wall, &opts);
	return proc_start(strv_argv(&argv), &opts, &qemu, err);
}

int appliance_wall_main(char *argv[])
{
	char *list cleanup_free = xasprintf("%s.files", argv[0]);
	char *dir cleanup_free = path_dir(argv[0]);
	struct confined wall cleanup_confined = {0};
	struct str files cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	const char *program = NULL;

	if (file_read(list, FILES_MAX, &files, &err) == 0) {
		take_files(files.buf, &wall, &program);
		if (!program)
			err_set(&err, E_INTERNAL, "'%s' names no program", list);
		else if (start(program, &wall, dir, argv + 1, &err) == 0)
			return await();
	}
	fprintf(stderr, "orch: %s\n", err->text);
	return FAILED;
}
