/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/git_priv.h"
#include "base/proc.h"

#define OUTPUT_MAX (1u << 30)
#define LINE_MAX 200 /* of what git says, in an error */

/* git warns of settings in a directory that it may not enter, as root's are for another user. */
static void keep_settings(struct strv *v, const char *name)
{
	const char *dir = getenv(name);

	if (dir && access(dir, X_OK) == 0)
		strv_set(v, name, dir);
}

char *const *git_environment(struct strv *v, const struct strv *more)
{
	static const char *const kept[] = {"PATH", "TMPDIR", "LD_LIBRARY_PATH"};

	for (size_t i = 0; i < array_len(kept); i++)
		strv_set(v, kept[i], getenv(kept[i]));
	keep_settings(v, "HOME");
	keep_settings(v, "XDG_CONFIG_HOME");
	strv_set(v, "LC_ALL", "C");
	strv_push(v, "GIT_TERMINAL_PROMPT=0");
	strv_push(v, "GIT_NO_LAZY_FETCH=1");
	strv_push(v, "GIT_ALLOW_PROTOCOL=none"); /* counts for more than any configuration */
	for (size_t i = 0; more && i < more->count; i++)
		strv_push(v, more->items[i]);
	return strv_argv(v);
}

void git_command(struct strv *argv, const char *dir)
{
	static const char *const words[] = {
		"git",
		"--no-pager",
		"--no-optional-locks",
		"--literal-pathspecs",
		"-c",
		"core.fsmonitor=false",
		"-c",
		"core.hooksPath=/dev/null",
		"-c",
		"safe.directory=*",
		"-C",
	};

	for (size_t i = 0; i < array_len(words); i++)
		strv_push(argv, words[i]);
	strv_push(argv, dir);
}

/* Puts the first line of what it said before the error. */
static int wrap(int said, struct err **err)
{
	char line[LINE_MAX];
	ssize_t n = pread(said, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = 0;
	line[strcspn(line, "\n")] = 0;
	return *line ? err_wrap(err, "%s", line) : -1;
}

int git_run(struct strv *argv, const struct strv *more, bool quiet, struct str *ret,
	    struct err **err)
{
	struct strv env cleanup_strv = {0};
	int said cleanup_fd = quiet ? memfd_create("git", MFD_CLOEXEC) : -1;
	struct proc_opts opts = {.env = git_environment(&env, more), .errfd = quiet ? said : 0};

	if (proc_output(strv_argv(argv), &opts, OUTPUT_MAX, ret, err) == 0)
		return 0;
	return said < 0 ? -1 : wrap(said, err);
}
