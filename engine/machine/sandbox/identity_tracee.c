/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/acl.h"
#include "machine/sandbox/identity_priv.h"

#define RED_ZONE 128 /* bytes below the stack pointer that belong to the program */
#define ROOM 256     /* for a struct stat */
#define PAGE 4096

/* --- memory --- */

int tracee_read(struct tracee *t, uint64_t from, void *to, size_t len)
{
	struct iovec here = {to, len}, there = {(void *)(uintptr_t)from, len};

	return process_vm_readv(t->tid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -1;
}

int tracee_write(struct tracee *t, uint64_t to, const void *from, size_t len)
{
	struct iovec here = {(void *)(uintptr_t)from, len}, there = {(void *)(uintptr_t)to, len};

	return process_vm_writev(t->tid, &here, 1, &there, 1, 0) == (ssize_t)len ? 0 : -1;
}

int tracee_string(struct tracee *t, uint64_t from, size_t limit, char *to)
{
	size_t have = 0;

	/* Up to the end of a page at a time: the next may not exist. */
	while (have < limit) {
		size_t n = PAGE - (from + have) % PAGE;

		if (n > limit - have)
			n = limit - have;
		if (tracee_read(t, from + have, to + have, n) < 0)
			return EFAULT;
		if (memchr(to + have, '\0', n))
			return 0;
		have += n;
	}
	return ENAMETOOLONG;
}

int tracee_path(struct tracee *t, uint64_t from, struct str *ret)
{
	char *to = str_reserve(ret, PATH_MAX);
	int e = tracee_string(t, from, PATH_MAX, to);

	if (e == 0)
		ret->len += strlen(to);
	ret->buf[ret->len] = '\0';
	return e;
}

/* --- calls in its name --- */

static void leave(struct tracee *t, int status)
{
	t->gone = true;
	t->last_status = status;
}

/* Goes on by REQUEST until it stops in the way that is WANTED. */
static int step(struct tracee *t, int request, int wanted)
{
	for (;;) {
		int status, event;

		if (ptrace(request, t->tid, NULL, NULL) < 0 ||
		    TEMP_FAILURE_RETRY(waitpid(t->tid, &status, __WALL)) < 0) {
			leave(t, -1);
			return -1;
		}
		event = WIFSTOPPED(status) ? status >> 16 : -1;
		if (WIFSTOPPED(status) && status >> 8 == wanted)
			return 0;
		if (event != 0 && event != PTRACE_EVENT_STOP) {
			leave(t, status);
			return -1;
		}
		/* Only what cannot be blocked comes here. */
		if (WSTOPSIG(status) != SIGTRAP)
			t->held_signal = WSTOPSIG(status);
	}
}

static int block_signals(struct tracee *t)
{
	uint64_t all = ~0ull;

	if (t->signals_blocked)
		return 0;
	if (ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(t->signals), &t->signals) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(all), &all) < 0) {
		leave(t, -1);
		return -1;
	}
	t->signals_blocked = true;
	return 0;
}

static void unblock_signals(struct tracee *t)
{
	if (t->signals_blocked)
		ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(t->signals), &t->signals);
	t->signals_blocked = false;
	if (t->held_signal)
		syscall(SYS_tkill, t->tid, t->held_signal);
	t->held_signal = 0;
}

#define AT_SECCOMP (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)
#define AT_EXIT (SIGTRAP | 0x80)

static int write_regs(struct tracee *t, const struct regs *r)
{
	if (regs_write(t->tid, r) == 0)
		return 0;
	leave(t, -1);
	return -1;
}

int tracee_call(struct tracee *t, long nr, const uint64_t args[6], long *ret)
{
	struct __ptrace_syscall_info info;
	struct regs r = t->entry;

	if (block_signals(t) < 0)
		return -1;
	regs_call(&r, nr, args);
	if (t->at_exit)
		regs_rewind(&r, nr);
	if (write_regs(t, &r) < 0 || (t->at_exit && step(t, PTRACE_CONT, AT_SECCOMP) < 0) ||
	    step(t, PTRACE_SYSCALL, AT_EXIT) < 0)
		return -1;
	t->at_exit = true;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof(info), &info) < 0) {
		leave(t, -1);
		return -1;
	}
	*ret = (long)info.exit.rval;
	return 0;
}

/* Where the kernel may write for us: below the stack, as for a signal handler. */
static uint64_t scratch(const struct tracee *t)
{
	return (t->sp - RED_ZONE - ROOM) & ~63ull;
}

/* A stat into scratch space at AT. */
static int stat_at(struct tracee *t, uint64_t at, const struct target *target, struct stat *ret,
		   int *ret_error)
{
	uint64_t by_name[6] = {(uint64_t)(int64_t)target->dirfd, target->path, at,
			       (uint64_t)target->flags};
	uint64_t by_fd[6] = {(uint64_t)(int64_t)target->dirfd, at};
	struct stat saved;
	bool mapped = tracee_read(t, at, &saved, sizeof(saved)) == 0;
	long rc;

	if (target->path ? tracee_call(t, SYS_newfstatat, by_name, &rc) < 0
			 : tracee_call(t, SYS_fstat, by_fd, &rc) < 0)
		return -1;
	if (rc == 0 && tracee_read(t, at, ret, sizeof(*ret)) < 0)
		rc = -EFAULT;
	if (mapped)
		(void)tracee_write(t, at, &saved, sizeof(saved));
	*ret_error = (int)-rc;
	return 0;
}

int tracee_stat(struct tracee *t, const struct target *target, struct stat *ret, int *ret_error)
{
	char path[64];

	/* /proc knows what is open, without a stop. */
	snprintf(path, sizeof(path), "%d/fd/%d", (int)t->tid, target->dirfd);
	if (!target->path && target->dirfd >= 0 && t->self->proc >= 0 &&
	    fstatat(t->self->proc, path, ret, 0) == 0)
		*ret_error = 0;
	else if (stat_at(t, scratch(t), target, ret, ret_error) < 0)
		return -1;
	if (*ret_error == 0 && ret->st_dev == t->self->proc_dev)
		proc_owner(t, target, ret);
	return 0;
}

int tracee_stat_fd(struct tracee *t, int fd, struct stat *ret, int *ret_error)
{
	return tracee_stat(t, &(struct target){.dirfd = fd}, ret, ret_error);
}

/* Writes to its memory at AT, where the stack may have to grow first: only the kernel can. */
static int put_at(struct tracee *t, uint64_t at, const void *data, size_t size)
{
	uint64_t root = scratch(t);
	struct target target = {AT_FDCWD, root, 0};
	struct stat ignored;
	int e;

	if (tracee_write(t, at, data, size) == 0)
		return 0;
	if (tracee_write(t, root, "/", 2) < 0 || stat_at(t, at, &target, &ignored, &e) < 0)
		return -1;
	return tracee_write(t, at, data, size);
}

static uint64_t room_for(const struct tracee *t, size_t size)
{
	return (scratch(t) - size) & ~63ull;
}

int tracee_put(struct tracee *t, const void *data, size_t size, uint64_t *ret, struct str *ret_was)
{
	*ret = room_for(t, size);
	if (tracee_read(t, *ret, str_reserve(ret_was, size), size) == 0)
		ret_was->len += size;
	return put_at(t, *ret, data, size);
}

int tracee_stat_path(struct tracee *t, int dirfd, const char *path, int flags, struct stat *ret,
		     int *ret_error)
{
	size_t size = strlen(path) + 1;
	uint64_t at = room_for(t, size);
	struct target target = {dirfd, at, flags};
	char *saved cleanup_free = xmalloc(size);
	bool mapped = tracee_read(t, at, saved, size) == 0;

	if (put_at(t, at, path, size) < 0) {
		if (t->gone)
			return -1;
		*ret_error = EFAULT;
		return 0;
	}
	if (tracee_stat(t, &target, ret, ret_error) < 0)
		return -1;
	if (mapped)
		(void)tracee_write(t, at, saved, size);
	return 0;
}

/* The directory part of a path, in place: "a/b/" -> "a". */
static void cut_last_part(struct str *path)
{
	while (path->len > 1 && path->buf[path->len - 1] == '/')
		path->len--;
	while (path->len && path->buf[path->len - 1] != '/')
		path->len--;
	while (path->len > 1 && path->buf[path->len - 1] == '/')
		path->len--;
	path->buf[path->len] = '\0';
	if (!path->len)
		str_append(path, ".");
}

int tracee_stat_parent(struct tracee *t, const struct target *target, struct stat *ret,
		       int *ret_error)
{
	struct str path cleanup_str = STR_INIT;

	*ret_error = tracee_path(t, target->path, &path);
	if (*ret_error == 0 && !path.len)
		*ret_error = ENOENT;
	if (*ret_error)
		return 0;
	cut_last_part(&path);
	return tracee_stat_path(t, target->dirfd, path.buf, 0, ret, ret_error);
}

int tracee_chmod(struct tracee *t, const struct target *target, mode_t mode, int *ret_error)
{
	uint64_t by_name[6] = {(uint64_t)(int64_t)target->dirfd, target->path, mode};
	uint64_t by_fd[6] = {(uint64_t)(int64_t)target->dirfd, mode};
	long rc;

	if (target->path ? tracee_call(t, SYS_fchmodat, by_name, &rc) < 0
			 : tracee_call(t, SYS_fchmod, by_fd, &rc) < 0)
		return -1;
	*ret_error = (int)-rc;
	return 0;
}

/* --- the end of a call --- */

enum next tracee_return(struct tracee *t, long value)
{
	struct regs r = t->entry;

	if (!t->at_exit)
		regs_call(&r, -1, t->args);
	regs_result(&r, value);
	return write_regs(t, &r) < 0 ? GONE : RUN;
}

enum next tracee_again(struct tracee *t, const uint64_t args[6], enum next next)
{
	struct regs r = t->entry;

	if (!t->at_exit && memcmp(args, t->args, sizeof(t->args)) == 0)
		return next;
	regs_call(&r, (long)t->nr, args);
	if (t->at_exit)
		regs_rewind(&r, (long)t->nr);
	if (write_regs(t, &r) < 0 || (t->at_exit && step(t, PTRACE_CONT, AT_SECCOMP) < 0))
		return GONE;
	t->at_exit = false;
	return next;
}

void tracee_resume(struct tracee *t, int request)
{
	unblock_signals(t);
	ptrace(request, t->tid, NULL, NULL);
}

enum next tracee_fail(struct tracee *t, const char *why)
{
	char *script cleanup_free = t->script ? xasprintf("'%s': ", t->script) : xstrdup("");
	const char *call = t->call ? t->call->name : "a system call";

	if (t->self->failure)
		return RUN;
	err_set(&t->self->failure, E_SANDBOX_OWNERS, "%s%s of '%s' %s", script, call,
		t->program ? t->program : "?", why);
	return RUN;
}

/* --- files --- */

struct target tracee_target(const struct tracee *t)
{
	const struct call *c = t->call;
	struct target r = {.dirfd = AT_FDCWD, .flags = c->fixed};

	if (c->dirfd)
		r.dirfd = (int)t->args[c->dirfd - 1];
	if (c->path)
		r.path = t->args[c->path - 1];
	if (c->flags)
		r.flags |= (int)t->args[c->flags - 1] & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
	return r;
}

void identity_owner(const struct identity *self, const struct stat *st, uint32_t *ret_uid,
		    uint32_t *ret_gid)
{
	const struct owner *file = owners_get(self->owners, st->st_dev, st->st_ino);
	bool proc = st->st_dev == self->proc_dev;

	*ret_uid = file ? file->uid : proc ? st->st_uid : 0;
	*ret_gid = file ? file->gid : proc ? st->st_gid : 0;
}

bool identity_may(const struct identity *self, const struct creds *c, const struct stat *st,
		  unsigned want)
{
	const struct owner *file = owners_get(self->owners, st->st_dev, st->st_ino);
	const struct owner_attr *attr = owner_attr(file, ACL_ACCESS);
	struct acl acl cleanup_acl = {0};
	mode_t mode = st->st_mode;
	uint32_t uid, gid;

	if (creds_can(c, CAP_DAC_OVERRIDE) && (!(want & 1) || S_ISDIR(mode) || (mode & 0111)))
		return true;
	if (creds_can(c, CAP_DAC_READ_SEARCH) && (want == 4 || (S_ISDIR(mode) && !(want & 2))))
		return true;
	identity_owner(self, st, &uid, &gid);
	if (attr && acl_parse(attr->value, attr->len, &acl) == 0) {
		acl_chmod(&acl, mode);
		return acl_grants(&acl, uid, gid, c->uid[FILES], creds_in_group, c, want);
	}
	if (uid == c->uid[FILES])
		mode >>= 6;
	else if (creds_in_group(c, gid))
		mode >>= 3;
	return (mode & want) == want;
}
