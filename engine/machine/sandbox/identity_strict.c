/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel would refuse to an ordinary user. To it everybody is root, so nothing is refused;
 * a process that gives its rights up gets a second filter, which stops all calls that name files,
 * and the permissions on the way are looked at here.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>

#include "machine/sandbox/identity_priv.h"

/* Whether the kernel looks at permissions at all. */
static bool is_ordinary(const struct creds *c)
{
	return !creds_can(c, CAP_DAC_OVERRIDE);
}

int strict_begin(struct tracee *t)
{
	struct str was cleanup_str = STR_INIT;
	uint64_t args[6] = {0};
	long rc = -1;

	if (t->strict || !is_ordinary(t->creds))
		return 0;
	if (strict_filter(t, args, &was) == 0 && tracee_call(t, SYS_seccomp, args, &rc) == 0 &&
	    was.len)
		(void)tracee_write(t, args[2], was.buf, was.len);
	if (t->gone)
		return -1;
	if (rc != 0)
		tracee_fail(t, "cannot be watched as an ordinary user's");
	t->strict = true;
	return 0;
}

/* Every directory on the way must let the user through. */
static int check_way(struct tracee *t, int dirfd, const char *path, int *ret_error)
{
	char *part cleanup_free = xstrdup(path);
	struct stat st;
	int e;

	*ret_error = 0;
	if (*path && *path != '/') {
		if (tracee_stat_path(t, dirfd, ".", 0, &st, &e) < 0)
			return -1;
		if (e == 0 && !identity_may(t->self, t->creds, &st, 1))
			*ret_error = EACCES;
	}
	for (size_t i = 1; *ret_error == 0 && part[0] && part[i]; i++) {
		if (part[i] != '/' || part[i - 1] == '/' || !part[i + strspn(part + i, "/")])
			continue;
		part[i] = '\0';
		if (tracee_stat_path(t, dirfd, part, 0, &st, &e) < 0)
			return -1;
		part[i] = '/';
		if (e)
			return 0; /* the call itself will say so */
		if (!identity_may(t->self, t->creds, &st, 1))
			*ret_error = EACCES;
	}
	return 0;
}

int strict_way(struct tracee *t, const struct target *target, int *ret_error)
{
	struct str path cleanup_str = STR_INIT;

	*ret_error = 0;
	if (!is_ordinary(t->creds) || !target->path || tracee_path(t, target->path, &path) != 0)
		return 0;
	return check_way(t, target->dirfd, path.buf, ret_error);
}

/* --- what takes more than a way --- */

/* Whether a name may be taken out of its directory, or put there. */
static int check_entry(struct tracee *t, const struct target *target, bool removes, int *ret_error)
{
	struct stat parent, st;
	struct target name = *target;
	uint32_t uid, owner, gid;

	name.flags = AT_SYMLINK_NOFOLLOW;
	if (tracee_stat_parent(t, target, &parent, ret_error) < 0)
		return -1;
	if (*ret_error == 0 && !identity_may(t->self, t->creds, &parent, 3))
		*ret_error = EACCES;
	if (*ret_error || !removes || !(parent.st_mode & S_ISVTX) ||
	    creds_can(t->creds, CAP_FOWNER))
		return 0;
	if (tracee_stat(t, &name, &st, ret_error) < 0)
		return -1;
	identity_owner(t->self, &parent, &owner, &gid);
	identity_owner(t->self, &st, &uid, &gid);
	if (*ret_error == 0 && uid != t->creds->uid[FILES] && owner != t->creds->uid[FILES])
		*ret_error = EPERM;
	return 0;
}

enum next remove_enter(struct tracee *t)
{
	struct target target = tracee_target(t);
	int e;

	if (!is_ordinary(t->creds))
		return RUN;
	if (check_entry(t, &target, true, &e) < 0)
		return GONE;
	/* What is not there is the call's own error. */
	return e && e != ENOENT ? tracee_return(t, -e) : tracee_again(t, t->args, RUN);
}

/* How link and linkat look at the old name, as AT_ flags. */
static int link_flags(const struct tracee *t)
{
	int flags = t->call->dirfd ? (int)t->args[4] : 0;

	return (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH);
}

/*
 * Who may give a file of somebody else another name where fs.protected_hardlinks is 1, as Debian's
 * kernels have it: who can read and write it, unless it is set-id or no plain file.
 */
static int check_link(struct tracee *t, const struct target *from, int *ret_error)
{
	const struct owner *file;
	struct stat st;
	uint32_t uid, gid;
	mode_t mode;

	if (tracee_stat(t, from, &st, ret_error) < 0)
		return -1;
	if (*ret_error || creds_can(t->creds, CAP_FOWNER))
		return 0;
	identity_owner(t->self, &st, &uid, &gid);
	mode = identity_mode(t->self, &st);
	file = owners_get(t->self->owners, st.st_dev, st.st_ino);
	if (uid != t->creds->uid[FILES] &&
	    (!S_ISREG(mode) || (file && file->type) || (mode & S_ISUID) ||
	     (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	     !identity_may(t->self, t->creds, &st, 6)))
		*ret_error = EPERM;
	return 0;
}

/* rename and link: MORE is the new name, after its directory if there is one. */
enum next rename_enter(struct tracee *t)
{
	const struct call *c = t->call;
	struct target from = tracee_target(t),
		      to = {.dirfd = AT_FDCWD, .path = t->args[c->more - 1]};
	bool links = c->fixed;
	int e = 0, way;

	if (!is_ordinary(t->creds))
		return RUN;
	if (c->dirfd)
		to.dirfd = (int)t->args[c->more - 2];
	if (links)
		from.flags = link_flags(t);
	if (!links && check_entry(t, &from, true, &e) < 0)
		return GONE;
	if ((e == 0 || e == ENOENT) && strict_way(t, &to, &way) < 0)
		return GONE;
	if ((e == 0 || e == ENOENT) && !(e = way) && links && check_link(t, &from, &e) < 0)
		return GONE;
	if ((e == 0 || e == ENOENT) && check_entry(t, &to, !links, &e) < 0)
		return GONE;
	return e && e != ENOENT ? tracee_return(t, -e) : tracee_again(t, t->args, RUN);
}

/* FIXED is what the call wants of the file. */
enum next want_enter(struct tracee *t)
{
	struct target target = tracee_target(t);
	struct stat st;
	int e;

	target.flags = 0;
	if (!is_ordinary(t->creds))
		return RUN;
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e == 0 && !identity_may(t->self, t->creds, &st, (unsigned)t->call->fixed))
		return tracee_return(t, -EACCES);
	return tracee_again(t, t->args, RUN);
}

enum next truncate_enter(struct tracee *t)
{
	struct target target = tracee_target(t);
	struct stat st;
	int e;

	target.flags = 0;
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e == 0 && !identity_may(t->self, t->creds, &st, 2))
		return tracee_return(t, -EACCES);
	if (e == 0 && set_id_write(t, &target, &st) < 0)
		return GONE;
	return tracee_again(t, t->args, RUN);
}

/* utimensat: the owner; without times, whoever may write. */
enum next times_enter(struct tracee *t)
{
	struct target target = tracee_target(t);
	uint32_t uid, gid;
	struct stat st;
	int e;

	if (creds_can(t->creds, CAP_FOWNER))
		return RUN;
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	identity_owner(t->self, &st, &uid, &gid);
	if (e == 0 && uid != t->creds->uid[FILES]) {
		if (t->args[t->call->more - 1])
			return tracee_return(t, -EPERM);
		if (!identity_may(t->self, t->creds, &st, 2))
			return tracee_return(t, -EACCES);
	}
	return tracee_again(t, t->args, RUN);
}

/* What takes a capability, FIXED, of those that everybody has here. */
enum next privilege_enter(struct tracee *t)
{
	return creds_can(t->creds, t->call->fixed) ? RUN : tracee_return(t, -EPERM);
}

enum next kill_enter(struct tracee *t)
{
	const struct creds *c = t->creds;
	const struct tracee *to = identity_find(t->self, (pid_t)t->args[0]);
	const uint32_t *of;

	if (creds_can(c, CAP_KILL) || !to)
		return RUN;
	of = to->creds->uid;
	if (c->uid[REAL] == of[REAL] || c->uid[REAL] == of[SAVED] ||
	    c->uid[EFFECTIVE] == of[REAL] || c->uid[EFFECTIVE] == of[SAVED])
		return RUN;
	return tracee_return(t, -EPERM);
}
