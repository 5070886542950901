/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/tools.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"

#define VERSION_LINE_MAX 200
#define VERSION_OUTPUT_MAX (1024 * 1024)

/* The first line of "PROGRAM --version", or 1 when it says nothing. */
static int ask_version(const char *program, struct str *ret)
{
	char path[] = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
	     locale[] = "LC_ALL=C.UTF-8";
	char *env[] = {path, locale, NULL};
	char *file cleanup_free = xstrdup(program), option[] = "--version";
	char *argv[] = {file, option, NULL};
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_opts opts = {.env = env, .errfd = null, .timeout_s = 20};
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	size_t n;

	if (null < 0 || proc_output(argv, &opts, VERSION_OUTPUT_MAX, &out, &err))
		return 1;
	n = strcspn(out.buf, "\n");
	str_append_len(ret, out.buf, n < VERSION_LINE_MAX ? n : VERSION_LINE_MAX);
	return n == 0;
}

static int digest_program(const char *program, struct store *s, struct str *ret, struct err **err)
{
	char *real cleanup_free = realpath(program, NULL);
	const char *path = real ? real : program;
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	struct stat st;

	if (store_stat_digest(s, AT_FDCWD, path, path, &st, &digest, err))
		return -1;
	str_printf(ret, "sha256:%s", digest_hex(&digest, hex));
	return 0;
}

const char *tool_version(struct tool_versions *tools, const char *name, bool ask, struct store *s,
			 struct err **err)
{
	char *key cleanup_free = xasprintf("%s%s", ask ? "" : "file ", name);
	const char *known = map_get(&tools->known, key);
	struct str version cleanup_str = STR_INIT;
	char *program cleanup_free = NULL;

	if (known)
		return known;
	program = path_program(name);
	if (!program) {
		err_set(err, E_PROGRAM_MISSING, "program '%s' is not installed: %s", name,
			ask ? "see 'orch doctor'"
			    : "install it, or name in 'root' a tree that has it");
		return NULL;
	}
	if (!ask || ask_version(program, &version)) {
		str_clear(&version);
		if (digest_program(program, s, &version, err))
			return NULL;
	}
	known = arena_strndup(tools->arena, version.buf, version.len);
	map_set(&tools->known, arena_strdup(tools->arena, key), (void *)known);
	return known;
}
