/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/program.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

#define WORKER "orch-worker"
#define LAUNCHER "orch-launcher"
#define SCHEMA "recipes.schema.json"
#define DELETED " (deleted)" /* what the kernel adds to the name of a program that is no more */

/* The directory of this program, whatever links led to it; caller frees. */
static char *own_dir(struct err **err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0) {
		err_errno(err, E_READ_FAILED, errno, "cannot read '/proc/self/exe'");
		return NULL;
	}
	path[n] = 0;
	if (str_ends(path, DELETED))
		path[n - (ssize_t)strlen(DELETED)] = 0;
	return path_dir(path);
}

/* PART in DIR, as in a build directory, else in PLACE below it, if it is there; caller frees. */
static char *find_part(const char *dir, const char *part, const char *place, char **ret_installed)
{
	char *beside cleanup_free = path_join(dir, part);

	*ret_installed = NULL;
	if (path_exists(beside))
		return steal_ptr(beside);
	*ret_installed =
		place[0] == '/' ? path_join(place, part) : xasprintf("%s/%s/%s", dir, place, part);
	return path_exists(*ret_installed) ? xstrdup(*ret_installed) : NULL;
}

char *program_worker(struct err **err)
{
	char *dir cleanup_free = own_dir(err), *installed cleanup_free = NULL, *found;

	if (!dir)
		return NULL;
	found = find_part(dir, WORKER, ORCH_LIBEXEC, &installed);
	if (!found)
		err_set(err, E_WORKER_PROGRAM,
			"orch's worker program is missing, '%s/" WORKER
			"' or '%s': install orch again",
			dir, installed);
	return found;
}

char *program_orch(struct err **err)
{
	char *dir cleanup_free = own_dir(err), *installed cleanup_free = NULL, *found;

	if (!dir)
		return NULL;
	found = find_part(dir, "orch", "../../bin", &installed);
	if (!found)
		err_set(err, E_PROGRAM_MISSING,
			"orch is neither '%s/orch' nor '%s': install it again", dir, installed);
	return found;
}

char *program_launcher(struct err **err)
{
	char *dir cleanup_free = own_dir(err), *installed cleanup_free = NULL, *found;

	if (!dir)
		return NULL;
	found = find_part(dir, LAUNCHER, ORCH_LIBEXEC, &installed);
	if (!found)
		err_set(err, E_WORKER_PROGRAM,
			"'%s/" LAUNCHER "' or '%s' is missing: install orch again", dir, installed);
	return found;
}

char *program_schema(void)
{
	struct err *err cleanup_err = NULL;
	char *dir cleanup_free = own_dir(&err), *installed cleanup_free = NULL;
	char *found cleanup_free = dir ? find_part(dir, SCHEMA, ORCH_SHARE, &installed) : NULL;

	return found ? realpath(found, NULL) : NULL;
}

void program_hand_over(char **argv, struct err **err)
{
	char *worker cleanup_free = program_worker(err);
	struct strv args cleanup_strv = {0};

	if (!worker)
		return;
	strv_push(&args, worker);
	strv_push(&args, "command");
	strv_push(&args, build_id);
	for (char **a = argv + 1; *a; a++)
		strv_push(&args, *a);
	execv(worker, strv_argv(&args));
	err_errno(err, E_PROGRAM_MISSING, errno, "cannot start '%s'", worker);
}
