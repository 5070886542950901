/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/own_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/git.h"
#include "base/mirror.h"
#include "base/path.h"
#include "base/tmp.h"
#include "cli/paint.h"
#include "cli/program.h"
#include "cli/session.h"
#include "machine/drop.h"

#define COPIES "/var/cache/orch-projects" /* root's: nobody else changes names in it */

/* What there is of one command's copies. */
struct copies {
	char *project, *config; /* directories, or NULL */
	struct mirror *project_mirror, *config_mirror;
	int lock;
};

static void copies_release(struct copies *c)
{
	free(c->project);
	free(c->config);
	mirror_free(c->project_mirror);
	mirror_free(c->config_mirror);
	fd_closep(&c->lock);
}
#define cleanup_copies __attribute__((cleanup(copies_release)))

/* --- what there is to see ------------------------------------------------------------------ */

/* "NAME-DIGEST": the same for the same directory. Caller frees. */
static char *copy_name(const char *project)
{
	char hex[DIGEST_HEX + 1];
	struct digest d;

	digest_data(project, strlen(project), &d);
	return xasprintf("%s-%.8s", path_base(project), digest_hex(&d, hex));
}

static int passable(const char *what, const char *path, uid_t id, struct err **err)
{
	char *barrier cleanup_free = drop_barrier(path, id);

	if (!barrier)
		return 0;
	return err_set(
		err, E_OTHER_USER,
		"orch runs nothing as root, and no other user may pass '%s' on the way to %s "
		"'%s': put it elsewhere",
		barrier, what, path);
}

/* Our own programs are where they are. */
static int check_programs(uid_t id, struct err **err)
{
	char *orch cleanup_free = realpath("/proc/self/exe", NULL);
	char *worker cleanup_free = program_worker(err);

	if (!worker || (orch && passable("orch", orch, id, err) < 0))
		return -1;
	return passable("orch's worker", worker, id, err);
}

static int copy_config(const struct own_copy *o, const char *name, struct copies *ret,
		       struct err **err)
{
	int dir cleanup_fd = o->config ? open(o->config, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	char *top cleanup_free = xasprintf(COPIES "/%s.config", name);
	char *below cleanup_free = path_join(top, "orch");

	if (mkdir(top, 0711) < 0 && errno != EEXIST)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", top);
	ret->config = steal_ptr(top);
	return dir < 0 ? 0 : mirror_open(dir, below, o->id, NULL, &ret->config_mirror, err);
}

static void say_once(const struct own_copy *o, const char *copy)
{
	char *text cleanup_free = NULL;

	if (path_exists(copy))
		return;
	text = xasprintf("'%s' cannot be shown to another user here (%s): user %u works on a copy "
			 "of it, '%s', and what is made there is brought home when orch ends",
			 o->project, o->why, (unsigned)o->id, copy);
	fputs("orch: note: ", stderr);
	print_escaped(stderr, text, strlen(text));
	fputc('\n', stderr);
}

static int copy_all(const struct own_copy *o, const struct cli *c, struct copies *ret,
		    struct err **err)
{
	char *name cleanup_free = copy_name(o->project ? o->project : "outside");
	char *lock cleanup_free = xasprintf(COPIES "/%s.lock", name);

	if (mkdir(COPIES, 0711) < 0 && errno != EEXIST)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '" COPIES "'");
	if (lock_file(lock, LOCK_EXCLUSIVE, !c->no_wait, &ret->lock, err) < 0)
		return -1;
	if (copy_config(o, name, ret, err) < 0 || !o->project)
		return o->project ? -1 : 0;
	ret->project = xasprintf(COPIES "/%s", name);
	say_once(o, ret->project);
	return mirror_open(o->dir, ret->project, o->id, o->store, &ret->project_mirror, err);
}

/* --- the process that is the id ------------------------------------------------------------ */

/* What of PATH is below the project, or NULL. */
static const char *below(const struct own_copy *o, const char *path)
{
	const char *rest = path && o->project ? str_skip(path, o->project) : NULL;

	return rest && (!*rest || *rest == '/') ? rest : NULL;
}

/* A path of the command line that leads into the project leads into its copy. */
static void move_path(const struct own_copy *o, const struct copies *copies, char **path)
{
	const char *rest = below(o, *path);
	char *moved;

	if (!rest)
		return;
	moved = xasprintf("%s%s", copies->project, rest);
	free(*path);
	*path = moved;
}

static int work(const struct own_copy *o, const struct copies *copies, const char *cwd,
		struct cli *c, struct err **err)
{
	const char *rest = below(o, cwd);
	char *dir cleanup_free = rest ? xasprintf("%s%s", copies->project, rest) : NULL;

	move_path(o, copies, &c->result_json);
	move_path(o, copies, &c->events);
	move_path(o, copies, &c->summary);
	move_path(o, copies, &c->junit);
	move_path(o, copies, &c->code_quality);
	c->home = o->project ? xstrdup(o->project) : NULL;
	if (c->home)
		git_copied(copies->project, c->home);
	free(c->store);
	c->store = xstrdup(o->store);
	setenv("XDG_CONFIG_HOME", copies->config, 1);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	if (drop_to(o->id, o->id, NULL, err) < 0)
		return -1;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (chdir(dir ? dir : "/") < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot enter '%s'", dir ? dir : "/");
	return 0;
}

/* --- the process that waits ---------------------------------------------------------------- */

static pid_t worker_pid;

/* What the terminal sends reaches both; what somebody sends to us is meant for the other. */
static void hand_on(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code != SI_KERNEL)
		kill(worker_pid, signo);
}

static int await(pid_t pid)
{
	static const int handed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction act = {.sa_sigaction = hand_on, .sa_flags = SA_SIGINFO | SA_RESTART};
	int status = 0;

	worker_pid = pid;
	for (size_t i = 0; i < array_len(handed_on); i++)
		sigaction(handed_on[i], &act, NULL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void __attribute__((noreturn))
wait_and_take_back(pid_t pid, struct copies *copies, const struct cli *c)
{
	const struct session s = {.cli = c};
	struct err *err = NULL;
	int code = await(pid), other = 0;

	if (copies->project_mirror && mirror_take_back(copies->project_mirror, &err) < 0) {
		err_wrap(&err, "cannot bring home what was made in '%s'", copies->project);
		other = cli_fail(&s, err);
		err = NULL;
	}
	if (copies->config_mirror && path_remove(copies->config, &err) < 0)
		other = cli_fail(&s, err);
	_exit(code ? code : other);
}

int own_copy_enter(const struct own_copy *o, struct cli *c, struct err **err)
{
	struct copies copies cleanup_copies = {.lock = -1};
	char *cwd cleanup_free = getcwd(NULL, 0);
	pid_t pid;

	if (check_programs(o->id, err) < 0 || passable("the store", o->store, o->id, err) < 0 ||
	    copy_all(o, c, &copies, err) < 0)
		return -1;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start a process");
	if (pid > 0)
		wait_and_take_back(pid, &copies, c);
	return work(o, &copies, cwd ? cwd : "/", c, err);
}
