/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/identity.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/sandbox/identity_priv.h"

#define MAX_LIST (256 * 1024 * 1024)
#define OPTIONS                                                               \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)
#define SCRIPTS "/var/lib/dpkg/" /* info/NAME.postinst, tmp.ci/preinst */

/* --- the processes --- */

static struct tracee **slot_of(struct identity *self, pid_t tid)
{
	struct tracee **at = &self->slots[(unsigned)tid % array_len(self->slots)];

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

struct tracee *identity_find(struct identity *self, pid_t tid)
{
	return *slot_of(self, tid);
}

static struct tracee *add(struct identity *self, pid_t tid)
{
	struct tracee **at = slot_of(self, tid), *t = *at;

	if (t)
		return t;
	*at = t = xcalloc(1, sizeof(*t));
	t->self = self;
	t->tid = tid;
	return t;
}

static void forget(struct identity *self, pid_t tid)
{
	struct tracee **at = slot_of(self, tid), *t = *at;

	if (!t)
		return;
	*at = t->next;
	self->unborn -= t->waiting;
	creds_drop(t->creds);
	free(t->script);
	free(t->program);
	free(t);
}

static void be_like(struct tracee *t, const struct tracee *other)
{
	creds_drop(t->creds);
	free(t->script);
	free(t->program);
	t->creds = creds_share(other->creds);
	t->script = other->script ? xstrdup(other->script) : NULL;
	t->program = other->program ? xstrdup(other->program) : NULL;
	t->strict = other->strict;
	t->born = true;
}

/* PARENT made a process, which may have stopped already. */
static void on_birth(struct identity *self, struct tracee *parent)
{
	unsigned long tid;
	struct tracee *t;

	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) == 0) {
		t = add(self, (pid_t)tid);
		be_like(t, parent);
		self->unborn -= t->waiting;
		if (t->waiting)
			ptrace(PTRACE_CONT, t->tid, NULL, NULL);
		t->waiting = false;
	}
	ptrace(PTRACE_CONT, parent->tid, NULL, NULL);
}

/* The parent of a process as the kernel has it; 0: cannot be known. */
static pid_t parent_of(const struct identity *self, pid_t tid)
{
	char path[32], text[512], *end;
	int fd cleanup_fd = -1, pid = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/stat", (int)tid);
	if (self->proc >= 0)
		fd = openat(self->proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &pid) == 1 ? pid : 0;
}

/*
 * A parent that is killed while it forks tells nobody of its child, which would wait for ever: it
 * goes the same way.
 */
static void end_orphans(struct identity *self)
{
	for (size_t i = 0; self->unborn && i < array_len(self->slots); i++)
		for (struct tracee *t = self->slots[i]; t; t = t->next)
			if (t->waiting && parent_of(self, t->tid) == 1)
				kill(t->tid, SIGKILL);
}

/* --- exec --- */

enum next exec_enter(struct tracee *t)
{
	struct target target = tracee_target(t);
	struct str path cleanup_str = STR_INIT;
	int e;

	if (tracee_stat(t, &target, &t->exec_file, &e) < 0)
		return GONE;
	t->exec_known = e == 0;
	if (e == 0 && !identity_may(t->self, t->creds, &t->exec_file, 1))
		return tracee_return(t, -EACCES);
	if (e == 0 && tracee_path(t, target.path, &path) == 0 && path.len) {
		free(t->program);
		t->program = xstrdup(path.buf);
	}
	return tracee_again(t, t->args, RUN);
}

/* After exec the process has the number of its group's leader, whichever thread called it. */
static void on_exec(struct identity *self, struct tracee *t)
{
	unsigned long former = (unsigned long)t->tid;
	struct tracee *caller;
	uint32_t uid, gid;

	ptrace(PTRACE_GETEVENTMSG, t->tid, NULL, &former);
	caller = identity_find(self, (pid_t)former);
	if (caller && caller != t) {
		be_like(t, caller);
		t->exec_file = caller->exec_file;
		t->exec_known = caller->exec_known;
		forget(self, (pid_t)former);
	}
	t->call = NULL;
	t->signals_blocked = false;
	if (t->program && strstr(t->program, SCRIPTS)) {
		free(t->script);
		t->script = xstrdup(t->program);
	}
	identity_owner(self, &t->exec_file, &uid, &gid);
	creds_exec(&t->creds, t->exec_known ? identity_mode(self, &t->exec_file) : 0, uid, gid);
	ptrace(PTRACE_CONT, t->tid, NULL, NULL);
}

/* --- calls --- */

static void on_status(struct identity *self, pid_t tid, int status);

static void go_on(struct tracee *t, enum next next)
{
	struct identity *self = t->self;

	switch (next) {
	case RUN:
		t->call = NULL;
		tracee_resume(t, PTRACE_CONT);
		return;
	case STOP_LATER:
		tracee_resume(t, PTRACE_SYSCALL);
		return;
	case GONE:
		t->call = NULL;
		t->gone = false;
		if (t->last_status != -1)
			on_status(self, t->tid, t->last_status);
		return;
	}
}

/* STOP_LATER: nothing of what only an ordinary user has to fear is in the way of the call. */
static enum next as_ordinary(struct tracee *t)
{
	struct target target = tracee_target(t);
	int e;

	if (strict_begin(t) < 0 || strict_way(t, &target, &e) < 0)
		return GONE;
	return e ? tracee_return(t, -e) : tracee_again(t, t->args, STOP_LATER);
}

/* A call of i386 on amd64, of arm on arm64: numbers and structures are others. */
static void refuse_foreign(struct tracee *t, uint64_t nr)
{
	char *why cleanup_free = xasprintf("is number %" PRIu64 " of another architecture, so that "
					   "what it does to owners cannot be held",
					   nr);

	t->call = NULL;
	tracee_fail(t, why);
}

static void on_call(struct tracee *t)
{
	struct __ptrace_syscall_info info;
	enum next next;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_SECCOMP)
		return;
	t->call = call_find(info.seccomp.nr);
	if (!calls_is_native(info.arch) || !t->call) {
		refuse_foreign(t, info.seccomp.nr);
		return;
	}
	t->nr = info.seccomp.nr;
	memcpy(t->args, info.seccomp.args, sizeof(t->args));
	t->sp = info.stack_pointer;
	t->at_exit = false;
	if (regs_read(t->tid, &t->entry) < 0)
		return;
	next = as_ordinary(t);
	if (next == STOP_LATER && t->call->enter)
		next = t->call->enter(t);
	if (next == STOP_LATER && !t->call->exit)
		next = RUN;
	go_on(t, next);
}

static void on_exit_of_call(struct tracee *t)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) <= 0)
		return;
	if (!t->call || info.op != PTRACE_SYSCALL_INFO_EXIT) {
		go_on(t, RUN);
		return;
	}
	t->at_exit = true;
	t->result = (long)info.exit.rval;
	go_on(t, t->call->exit(t));
}

/* --- stops and ends --- */

/* A new process, or one that was stopped as a whole (SIGSTOP), or goes on after that. */
static void on_stop(struct identity *self, struct tracee *t, int signal)
{
	if (!t->born && !t->waiting) {
		t->waiting = true;
		self->unborn++;
		return;
	}
	ptrace(signal == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, t->tid, NULL, NULL);
}

static void on_end(struct identity *self, pid_t tid, int status)
{
	if (tid == self->command) {
		self->ended = true;
		self->command_status = status;
	}
	forget(self, tid);
	if (self->unborn)
		end_orphans(self);
}

static void on_status(struct identity *self, pid_t tid, int status)
{
	struct tracee *t;

	if (!WIFSTOPPED(status)) {
		on_end(self, tid, status);
		return;
	}
	t = add(self, tid);
	if (!t->born && status >> 16 != PTRACE_EVENT_STOP) {
		/* A process that is ours although nobody told: never without an owner. */
		kill(tid, SIGKILL);
		return;
	}
	switch (status >> 16) {
	case PTRACE_EVENT_SECCOMP:
		on_call(t);
		return;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_birth(self, t);
		return;
	case PTRACE_EVENT_EXEC:
		on_exec(self, t);
		return;
	case PTRACE_EVENT_STOP:
		on_stop(self, t, WSTOPSIG(status));
		return;
	}
	if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		on_exit_of_call(t);
	else
		ptrace(PTRACE_CONT, tid, NULL, (void *)(uintptr_t)WSTOPSIG(status));
}

/* --- beginning and end --- */

int identity_open(const char *path, struct identity **ret, struct err **err)
{
	struct identity *self = xcalloc(1, sizeof(*self));
	struct str text cleanup_str = STR_INIT;

	self->proc = -1;
	self->list_name = xstrdup(path);
	self->owners = owners_new();
	self->list = open(path, O_RDWR | O_CLOEXEC);
	if (self->list < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot open '%s'", path);
	if (fd_read_all(self->list, path, MAX_LIST, &text, err) < 0 ||
	    owners_parse(self->owners, text.buf, text.len, path, err) < 0)
		return -1;
	*ret = self;
	return 0;
}

static int apply_sets(const struct identity *self, struct err **err)
{
	size_t count;
	const struct owner_set *sets = owners_sets(self->owners, &count);

	for (size_t i = 0; i < count; i++) {
		char *path cleanup_free = path_join("/", sets[i].path);

		if (lsetxattr(path, sets[i].attr.name, sets[i].attr.value, sets[i].attr.len, 0) < 0)
			return err_errno(err, E_SANDBOX_SETUP, errno, "cannot set '%s' of '%s'",
					 sets[i].attr.name, path);
	}
	return 0;
}

static int open_proc(void)
{
	char self[16] = "";

	/* In a container /proc may be the host's, with other numbers. */
	if (readlink("/proc/self", self, sizeof(self) - 1) < 0 || !str_eq(self, "1"))
		return -1;
	return open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The child waits until it is traced. */
static void __attribute__((noreturn))
become_command(int go, identity_command_fn *command, void *arg)
{
	struct err *err = NULL;
	char byte;

	if (read(go, &byte, 1) != 1)
		_exit(125);
	(void)!calls_filter(&err);
	command(arg, err);
	_exit(125);
}

int identity_start(struct identity *self, identity_command_fn *command, void *arg, struct err **err)
{
	struct tracee *t;
	struct stat st;
	int go[2];
	pid_t pid;

	if (apply_sets(self, err) < 0)
		return -1;
	self->proc = open_proc();
	if (stat("/proc", &st) == 0)
		self->proc_dev = st.st_dev;
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot create a pipe");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		become_command(go[0], command, arg);
	}
	close(go[0]);
	if (pid < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot fork");
	if (ptrace(PTRACE_SEIZE, pid, NULL, OPTIONS) < 0)
		return err_errno(
			err, E_SANDBOX_OWNERS, errno,
			"this machine lets no process be traced, which the sandbox needs to "
			"hold owners (sysctl kernel.yama.ptrace_scope below 3; no strace "
			"around orch)");
	self->command = pid;
	t = add(self, pid);
	t->creds = creds_root();
	t->born = true;
	if (write(go[1], "", 1) != 1)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot start the command");
	close(go[1]);
	return 0;
}

static int save(const struct identity *self, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	owners_format(self->owners, false, &text);
	if (ftruncate(self->list, 0) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot write '%s'", self->list_name);
	return fd_pwrite_all(self->list, self->list_name, text.buf, text.len, 0, err);
}

int identity_serve(struct identity *self, int *ret_status, struct err **err)
{
	int status;

	while (!self->ended && !self->failure) {
		pid_t tid = waitpid(-1, &status, __WALL);

		if (tid < 0 && errno != EINTR)
			return err_errno(err, E_INTERNAL, errno, "the command was lost");
		if (tid > 0)
			on_status(self, tid, status);
	}
	/* What it left running must not write while the list is saved. */
	kill(-1, SIGKILL);
	while (waitpid(-1, &status, __WALL) >= 0 || errno == EINTR)
		;
	if (self->failure) {
		*err = steal_ptr(self->failure);
		return -1;
	}
	*ret_status = self->command_status;
	return save(self, err);
}
