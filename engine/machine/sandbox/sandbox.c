/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 *   caller ── clone ──► init (pid 1: maps the user, mounts, reaps) ── fork ──► the command
 *      ▲                  │
 *      ├── report pipe ◄──┤ one "N text" line (note) and at most one "E class text" (set-up failed)
 *      └── verdict pipe ◄─┘ at most one "E class text": what ended the run (opts.owners)
 *
 * The report pipe closes when the command is started or set-up has failed.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h> /* struct clone_args */
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/owners.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "machine/sandbox/call_wall.h"
#include "machine/sandbox/identity.h"
#include "machine/sandbox/sandbox_internal.h"

#define NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
#define REMEDY                                                                                \
	"; allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "                \
	"user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0), " \
	"or in a container run it with --security-opt seccomp=unconfined"
#define REPORT_LIMIT 65536
#define SETUP_FAILED 125
#define COMMAND_STACK (256 * 1024) /* execvp() puts the arguments of a script there */

static int write_proc(const char *path, const char *text, struct err **err)
{
	int fd cleanup_fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_errno(err, E_SANDBOX_UNAVAILABLE, errno, "cannot write '%s'" REMEDY,
				 path);
	return 0;
}

/* The caller is ID inside, and nobody else exists. */
static int map_user(unsigned id, uid_t uid, gid_t gid, struct err **err)
{
	char *users cleanup_free = xasprintf("%u %u 1\n", id, uid);
	char *groups cleanup_free = xasprintf("%u %u 1\n", id, gid);

	if (write_proc("/proc/self/setgroups", "deny", err) < 0 ||
	    write_proc("/proc/self/uid_map", users, err) < 0 ||
	    write_proc("/proc/self/gid_map", groups, err) < 0)
		return -1;
	return 0;
}

int loopback_up(struct err **err)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd cleanup_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot bring up the sandbox's loopback");
	return 0;
}

/*
 * Gives up the rights of root over the namespaces: a user namespace below them. An emulator
 * registered above still serves it; the kernel looks upwards for one. Nested steps get mounts of
 * their own there: what they were given is locked, and can neither be taken away nor made writable.
 */
static int step_down(const struct sandbox_opts *opts, struct err **err)
{
	if (unshare(CLONE_NEWUSER | (opts->nested ? CLONE_NEWNS : 0)) < 0)
		return err_errno(err, E_SANDBOX_UNAVAILABLE, errno,
				 "cannot create a second user namespace" REMEDY);
	return map_user(opts->as_root ? 0 : 1000, 0, 0, err);
}

/*
 * This process has the memory of the caller, who may hold passwords of archives, and the list of
 * owners. Root of the namespace could trace it, or read it through /proc, if programs could have
 * all the capabilities that it has. They can trace each other: they have the same.
 */
static int keep_to_itself(struct err **err)
{
	if (prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot give up a capability");
	return 0;
}

static int set_up(const struct sandbox_opts *opts, uid_t uid, gid_t gid, struct err **err)
{
	/*
	 * A kernel lets mount another /proc only who sees all of the present one, in which an
	 * ordinary user may change nothing but what is his.
	 */
	struct mounts_how how = {.whole_proc = opts->nested && uid != 0};

	umask(022);
	if (personality(PER_LINUX) < 0) /* of whom setarch(8) has started */
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot set the sandbox's personality");
	if (map_user(0, uid, gid, err) < 0)
		return -1;
	limits_segments(&opts->limits);
	if (loopback_up(err) < 0 || emulator_register(opts, &how.own_binfmt, err) < 0 ||
	    mounts_enter(opts, &how, err) < 0)
		return -1;
	if (sethostname("localhost", 9) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot set the sandbox's host name");
	if ((!opts->as_root || opts->nested) && step_down(opts, err) < 0)
		return -1;
	if (opts->cwd && chdir(opts->cwd) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot enter '%s' in the sandbox",
				 opts->cwd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot set no_new_privs");
	if (keep_to_itself(err) < 0 || limits_apply(&opts->limits, err) < 0)
		return -1;
	return call_wall(opts->nested, err);
}

static void report(int fd, char tag, const char *text)
{
	char *line cleanup_free = xasprintf("%c %s\n", tag, text);

	if (write(fd, line, strlen(line)) < 0)
		_exit(SETUP_FAILED);
}

static void report_err(int fd, const struct err *e)
{
	char *line cleanup_free = xasprintf("%s %s", e->code->name, e->text);

	report(fd, 'E', line);
}

/* Becomes the command; the report pipe closes by itself. */
static void __attribute__((noreturn))
exec_command(char *const argv[], const struct sandbox_opts *opts, int report_fd)
{
	struct err *err = NULL;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	environ = (char **)opts->env;
	execvp(argv[0], argv);
	err_errno(&err, E_COMMAND_NOT_STARTED, errno, "cannot run '%s' in the sandbox", argv[0]);
	report_err(report_fd, err);
	_exit(SETUP_FAILED);
}

struct command {
	char *const *argv;
	const struct sandbox_opts *opts;
	int report_fd;
};

static void start_command(void *arg, struct err *err)
{
	const struct command *c = arg;

	if (err) {
		report_err(c->report_fd, err);
		_exit(SETUP_FAILED);
	}
	exec_command(c->argv, c->opts, c->report_fd);
}

static int command_main(void *arg)
{
	const struct command *c = arg;

	exec_command(c->argv, c->opts, c->report_fd);
}

/*
 * As vfork() does it: no memory is copied, and this process stands still until the command has
 * started. It has a stack of its own until then, so that nothing here is overwritten.
 */
static pid_t spawn_command(struct command *c)
{
	_Alignas(16) char stack[COMMAND_STACK];

	return clone(command_main, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, c);
}

/* Ends with STATUS of wait(2), or tells the signal in the usual way. */
static void __attribute__((noreturn)) end_as(int status)
{
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* Runs the command with all users, see identity.h. */
static void __attribute__((noreturn)) serve(struct identity *id, struct command *c, int verdict_fd)
{
	struct err *err = NULL;
	int status;

	if (identity_start(id, start_command, c, &err) < 0) {
		report_err(c->report_fd, err);
		_exit(SETUP_FAILED);
	}
	close(c->report_fd);
	if (identity_serve(id, &status, &err) < 0) {
		report_err(verdict_fd, err);
		_exit(SETUP_FAILED);
	}
	end_as(status);
}

/* Ends as the command did. */
static void __attribute__((noreturn)) init_wait(pid_t command)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, 0);

		if (pid < 0 && errno != EINTR)
			_exit(SETUP_FAILED);
		if (pid == command)
			end_as(status);
	}
}

static void redirect(const struct sandbox_opts *opts)
{
	int in = opts->in > 0 ? opts->in : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (dup2(in, 0) < 0 || (opts->out > 0 && dup2(opts->out, 1) < 0) ||
	    (opts->errfd > 0 && dup2(opts->errfd, 2) < 0))
		_exit(SETUP_FAILED);
}

static int leave_login(const struct sandbox_opts *opts, struct err **err)
{
	if (proc_leave_login() < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot start a session for the sandbox");
	if (opts->terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno,
				 "cannot give the sandbox its terminal");
	return 0;
}

/* The pipes of a sandbox: both ends of each. ALIVE is readable (end of file) without a caller. */
struct pipes {
	int report[2], verdict[2], alive[2];
};

/* Nothing of the caller's stays open; what init needs is put right after stderr. */
static void keep_pipes(struct pipes *p)
{
	int verdict = fcntl(p->verdict[1], F_DUPFD_CLOEXEC, 5);

	if (verdict < 0 || (dup3(p->report[1], 3, O_CLOEXEC) < 0 && p->report[1] != 3) ||
	    dup3(verdict, 4, O_CLOEXEC) < 0)
		_exit(SETUP_FAILED);
	p->report[1] = 3;
	p->verdict[1] = 4;
	close_range(5, ~0u, 0);
}

/* Process 1 of the namespaces. */
static void __attribute__((noreturn)) init_main(char *const argv[], const struct sandbox_opts *opts,
						uid_t uid, gid_t gid, struct pipes *pipes)
{
	struct pollfd gone = {.fd = pipes->alive[0], .events = POLLIN};
	struct str note = STR_INIT;
	struct sandbox_opts o = *opts;
	struct command command = {argv, opts, 3};
	struct identity *id = NULL;
	struct err *err = NULL;
	int report_fd;
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&gone, 1, 0) != 0)
		_exit(SETUP_FAILED);
	redirect(opts);
	keep_pipes(pipes);
	report_fd = pipes->report[1];
	o.note = &note;
	if ((opts->owners && identity_open(opts->owners, &id, &err) < 0) ||
	    leave_login(&o, &err) < 0 || set_up(&o, uid, gid, &err) < 0) {
		report_err(report_fd, err);
		_exit(SETUP_FAILED);
	}
	if (note.len)
		report(report_fd, 'N', note.buf);
	if (id)
		serve(id, &command, pipes->verdict[1]);
	pid = spawn_command(&command);
	close(report_fd);
	if (pid < 0)
		_exit(SETUP_FAILED);
	init_wait(pid);
}

static int parse_error(const char *line, struct err **err)
{
	const char *space = strchr(line, ' ');
	char *name cleanup_free = xstrndup(line, space ? (size_t)(space - line) : strlen(line));
	const struct err_code *code = err_code_find(name);

	if (!code || !space)
		return err_set(err, E_INTERNAL, "the sandbox reported '%s'", line);
	return err_set(err, code, "%s", space + 1);
}

/* Everything the sandbox has to say until its command runs. */
static int read_report(int fd, const struct sandbox_opts *opts, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	char *save = NULL;

	if (fd_read_all(fd, "sandbox", REPORT_LIMIT, &text, err) < 0)
		return -1;
	for (char *line = strtok_r(text.buf, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (line[0] == 'N' && opts->note)
			str_append(opts->note, line + 2);
		if (line[0] == 'E')
			return parse_error(line + 2, err);
	}
	return 0;
}

/* What runs: its first process, a descriptor of that, its control group (NULL: none). */
struct box {
	pid_t pid;
	int pidfd;
	struct cgroup *group;
};

static void box_close(struct box *b)
{
	if (b->pidfd >= 0)
		close(b->pidfd);
	cgroup_free(b->group);
}

/* Ends in -1 with ERR when a limit is exceeded or the time is over, 0 when init has ended. */
static int watch_init(const struct box *b, const struct sandbox_opts *opts, const char *name,
		      struct err **err)
{
	struct pollfd p = {.fd = b->pidfd, .events = POLLIN};
	struct limits_watch watch;
	uint64_t left = opts->timeout_s ? opts->timeout_s * 1000ull : UINT64_MAX;

	limits_watch(&watch, b->pid, opts, b->group);
	for (;;) {
		int pause = left < LIMITS_PAUSE_MS ? (int)left : LIMITS_PAUSE_MS;
		int n = poll(&p, 1, pause);

		if (n > 0)
			return limits_check_end(&watch, name, err);
		if (n == 0 && opts->timeout_s && (left -= (uint64_t)pause) == 0)
			return err_set(err, E_PROGRAM_TIMEOUT,
				       "'%s' did not end within %u s and was killed", name,
				       opts->timeout_s);
		if (limits_check(&watch, name, err) < 0)
			return -1;
	}
}

/* Waits for init to end; kills all when it has taken too much. */
static int wait_init(const struct box *b, const struct sandbox_opts *opts, const char *name,
		     int *ret_status, struct err **err)
{
	struct err *unseen cleanup_err = NULL;
	int r = watch_init(b, opts, name, err), status;

	if (r < 0)
		kill(b->pid, SIGKILL);
	if (proc_wait(b->pid, &status, r < 0 ? &unseen : err) < 0 || r < 0)
		return -1;
	/* As a shell does, init can only say 128 + n: make a signal of it again. */
	if (WIFEXITED(status) && WEXITSTATUS(status) > 128 && WEXITSTATUS(status) < 128 + 65)
		status = WEXITSTATUS(status) - 128;
	*ret_status = status;
	return 0;
}

/* In the caller: all that the sandbox says, until it has ended. */
static int follow(const struct box *b, const struct pipes *p, const char *name,
		  const struct sandbox_opts *opts, int *ret_status, struct err **err)
{
	struct err *late cleanup_err = NULL;
	int r = read_report(p->report[0], opts, err), status = 0;

	if (r < 0)
		kill(b->pid, SIGKILL);
	if (wait_init(b, opts, name, &status, r < 0 ? &late : err) < 0)
		return -1;
	if (r < 0 || read_report(p->verdict[0], opts, err) < 0)
		return -1;
	*ret_status = status;
	return 0;
}

static void close_both(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void pipes_close(struct pipes *p)
{
	close_both(p->report);
	close_both(p->verdict);
	close_both(p->alive);
}

static void close_end(int *fd)
{
	close(*fd);
	*fd = -1;
}

/* As fork() in new namespaces and in B's group; where it cannot begin in that, there is none. */
static pid_t clone_init(struct box *b)
{
	struct clone_args args = {
		.flags = NAMESPACES | CLONE_PIDFD | (b->group ? CLONE_INTO_CGROUP : 0),
		.pidfd = (uintptr_t)&b->pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = b->group ? (uint64_t)cgroup_fd(b->group) : 0,
	};
	pid_t pid = b->group ? (pid_t)syscall(SYS_clone3, &args, sizeof(args)) : -1;

	if (pid >= 0)
		return pid;
	cgroup_free(steal_ptr(b->group));
	return (pid_t)syscall(SYS_clone, NAMESPACES | SIGCHLD | CLONE_PIDFD, NULL, &b->pidfd, NULL,
			      0);
}

int sandbox_run(char *const argv[], const struct sandbox_opts *opts, int *ret_status,
		struct err **err)
{
	struct pipes pipes __attribute__((cleanup(pipes_close))) = {{-1, -1}, {-1, -1}, {-1, -1}};
	struct box box __attribute__((cleanup(box_close))) = {.pidfd = -1};
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (opts->owners && opts->arch && !str_eq(opts->arch, sandbox_host_arch()) &&
	    sandbox_is_native(opts->arch))
		return err_set(err, E_SANDBOX_OWNERS,
			       "the sandbox cannot hold the owners of what programs of "
			       "architecture '%s' make",
			       opts->arch);
	if (pipe2(pipes.report, O_CLOEXEC) < 0 || pipe2(pipes.verdict, O_CLOEXEC) < 0 ||
	    pipe2(pipes.alive, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot create a pipe");
	fflush(NULL);
	box.group = limits_group(&opts->limits);
	box.pid = clone_init(&box);
	if (box.pid == 0) {
		close_end(&pipes.alive[1]);
		init_main(argv, opts, uid, gid, &pipes);
	}
	if (box.pid < 0)
		return err_errno(err, E_SANDBOX_UNAVAILABLE, errno,
				 "cannot create a user namespace" REMEDY);
	close_end(&pipes.report[1]);
	close_end(&pipes.verdict[1]);
	close_end(&pipes.alive[0]);
	return follow(&box, &pipes, argv[0], opts, ret_status, err);
}

int sandbox_probe(struct err **err)
{
	static char *const env[] = {NULL};
	static char *const argv[] = {"/usr/bin/true", NULL};
	struct sandbox_opts opts = {.env = env};
	int status;

	if (sandbox_run(argv, &opts, &status, err) < 0)
		return -1;
	return status == 0 ? 0
			   : err_set(err, E_SANDBOX_UNAVAILABLE,
				     "the sandbox cannot run '/usr/bin/true'");
}

/* Gives a file away, at LIST's expense. */
static int try_users(const char *list, struct err **err)
{
	static char *const env[] = {"PATH=/usr/bin:/bin", NULL};
	static char *const argv[] = {"sh", "-c",
				     "cd /tmp && : >f && chown 5:6 f && "
				     "[ \"$(stat -c %u:%g f)\" = 5:6 ]",
				     NULL};
	struct sandbox_opts opts = {.env = env, .as_root = true, .owners = list, .timeout_s = 30};
	struct owners *none cleanup_owners = owners_new();
	struct str text cleanup_str = STR_INIT;
	int status;

	owners_format(none, false, &text);
	if (file_write(list, text.buf, text.len, 0600, false, err) < 0 ||
	    sandbox_run(argv, &opts, &status, err) < 0)
		return -1;
	return status == 0 ? 0
			   : err_set(err, E_SANDBOX_OWNERS,
				     "the sandbox cannot hold the owners of files");
}

int sandbox_probe_users(const char *tmp, struct err **err)
{
	struct err *ignored cleanup_err = NULL;
	char *dir cleanup_free = NULL, *list cleanup_free = NULL;
	int r;

	if (tmp_dir(tmp, "probe", &dir, err) < 0)
		return -1;
	list = path_join(dir, "owners");
	r = try_users(list, err);
	(void)!path_remove(dir, &ignored);
	return r;
}
