/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "machine/sandbox/identity_priv.h"

/* --- stat --- */

/* Puts the owners of the file that a call was about into ST, which says the file. */
static void put_owner(struct tracee *t, struct stat *st)
{
	struct target target = tracee_target(t);

	if (st->st_dev == t->self->proc_dev)
		proc_owner(t, &target, st);
	identity_owner(t->self, st, &st->st_uid, &st->st_gid);
}

/* The mode that a program is told. */
static mode_t seen_mode(const struct tracee *t, const struct stat *st)
{
	const struct owner *file = owners_get(t->self->owners, st->st_dev, st->st_ino);
	mode_t mode = identity_mode(t->self, st);

	return file && file->type ? file->type | (mode & 07777) : mode;
}

enum next stat_exit(struct tracee *t)
{
	uint64_t at = t->args[t->call->more - 1];
	const struct owner *file;
	struct stat st, was;

	if (t->result != 0 || tracee_read(t, at, &st, sizeof(st)) < 0)
		return RUN;
	was = st;
	file = owners_get(t->self->owners, st.st_dev, st.st_ino);
	st.st_mode = seen_mode(t, &st);
	put_owner(t, &st);
	if (file && file->type) {
		st.st_rdev = makedev(file->major, file->minor);
		st.st_size = st.st_blocks = 0;
	}
	if (memcmp(&st, &was, sizeof(st)) != 0 && tracee_write(t, at, &st, sizeof(st)) < 0)
		return tracee_fail(t, "leaves no place for its result");
	return RUN;
}

enum next statx_exit(struct tracee *t)
{
	uint64_t at = t->args[t->call->more - 1];
	const struct owner *file;
	struct statx sx, was;
	struct stat st = {0};

	if (t->result != 0 || tracee_read(t, at, &sx, sizeof(sx)) < 0)
		return RUN;
	was = sx;
	st.st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	st.st_ino = sx.stx_ino;
	file = owners_get(t->self->owners, st.st_dev, st.st_ino);
	st.st_mode = sx.stx_mode;
	sx.stx_mode = (uint16_t)seen_mode(t, &st);
	put_owner(t, &st);
	sx.stx_uid = st.st_uid;
	sx.stx_gid = st.st_gid;
	if (file && file->type) {
		sx.stx_rdev_major = file->major;
		sx.stx_rdev_minor = file->minor;
		sx.stx_size = sx.stx_blocks = 0;
	}
	if (memcmp(&sx, &was, sizeof(sx)) != 0 && tracee_write(t, at, &sx, sizeof(sx)) < 0)
		return tracee_fail(t, "leaves no place for its result");
	return RUN;
}

/* --- chown --- */

/* Whether an ordinary user may: he keeps his own file and gives it to a group of his. */
static bool may_chown(const struct tracee *t, const struct stat *st, uint32_t uid, uint32_t gid)
{
	const struct creds *c = t->creds;
	uint32_t has_uid, has_gid;

	identity_owner(t->self, st, &has_uid, &has_gid);
	if (uid == NO_ID && gid == NO_ID)
		return true;
	return has_uid == c->uid[FILES] && (uid == NO_ID || uid == has_uid) &&
	       (gid == NO_ID || gid == has_gid || creds_in_group(c, gid));
}

/* To the kernel, every owner is root: it clears what a change of owner clears. */
enum next chown_enter(struct tracee *t)
{
	unsigned at = t->call->more - 1u;
	uint32_t uid = (uint32_t)t->args[at], gid = (uint32_t)t->args[at + 1];
	uint64_t args[6];

	if (!creds_can(t->creds, CAP_CHOWN)) {
		struct target target = tracee_target(t);
		struct stat st;
		int e;

		if (tracee_stat(t, &target, &st, &e) < 0)
			return GONE;
		if (e == 0 && !may_chown(t, &st, uid, gid))
			e = EPERM;
		if (e)
			return tracee_return(t, -e);
	}
	memcpy(args, t->args, sizeof(args));
	args[at] = uid == NO_ID ? UINT64_MAX : 0;
	args[at + 1] = gid == NO_ID ? UINT64_MAX : 0;
	return tracee_again(t, args, STOP_LATER);
}

enum next chown_exit(struct tracee *t)
{
	unsigned at = t->call->more - 1u;
	uint32_t uid = (uint32_t)t->args[at], gid = (uint32_t)t->args[at + 1];
	struct target target = tracee_target(t);
	struct owner *file;
	struct stat st;
	int e;

	if (t->result != 0)
		return tracee_return(t, t->result);
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e)
		return tracee_fail(t, "changed the owner of a file that is gone");
	file = owners_get(t->self->owners, st.st_dev, st.st_ino);
	if (file)
		set_id_chown(t, file, &st, file->gid);
	if (file || (uid && uid != NO_ID) || (gid && gid != NO_ID)) {
		file = owners_add(t->self->owners, st.st_dev, st.st_ino);
		owners_chown(t->self->owners, file, uid == NO_ID ? file->uid : uid,
			     gid == NO_ID ? file->gid : gid);
	}
	return tracee_return(t, 0);
}

/* --- chmod, access --- */

enum next chmod_enter(struct tracee *t)
{
	const struct creds *c = t->creds;
	struct target target = tracee_target(t);
	uint64_t args[6], *mode = &args[t->call->more - 1];
	uint32_t uid, gid;
	struct stat st;
	int e;

	memcpy(args, t->args, sizeof(args));
	if (creds_can(c, CAP_FOWNER) && creds_can(c, CAP_FSETID) &&
	    !set_id_to_hold(t, (mode_t)*mode))
		return owners_have_set_id(t->self->owners) ? STOP_LATER : RUN;
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e)
		return tracee_return(t, -e);
	identity_owner(t->self, &st, &uid, &gid);
	if (uid != c->uid[FILES] && !creds_can(c, CAP_FOWNER))
		return tracee_return(t, -EPERM);
	if (!creds_in_group(c, gid) && !creds_can(c, CAP_FSETID))
		*mode &= ~(uint64_t)S_ISGID;
	if (S_ISREG(st.st_mode))
		*mode &= ~(uint64_t)set_id_to_hold(t, (mode_t)*mode);
	return tracee_again(t, args, STOP_LATER);
}

/* Gives the arguments back, which may have been changed. */
enum next chmod_exit(struct tracee *t)
{
	mode_t held = set_id_to_hold(t, (mode_t)t->args[t->call->more - 1]);
	struct target target = tracee_target(t);
	struct stat st;
	int e;

	if (t->result != 0 || (!held && !owners_have_set_id(t->self->owners)))
		return tracee_return(t, t->result);
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e && held)
		return tracee_fail(t, "changed the mode of a file that is gone");
	if (e == 0 && S_ISREG(st.st_mode) &&
	    (held || owners_get(t->self->owners, st.st_dev, st.st_ino)))
		owners_set_id(t->self->owners, owners_add(t->self->owners, st.st_dev, st.st_ino),
			      held);
	return tracee_return(t, 0);
}

/* access(2) asks for the real user, unless AT_EACCESS says otherwise. */
enum next access_enter(struct tracee *t)
{
	const struct call *call = t->call;
	struct target target = tracee_target(t);
	unsigned want = (unsigned)t->args[call->more - 1] & 7;
	struct creds c = *t->creds;
	struct stat st;
	int e;

	if (!call->flags || !(t->args[call->flags - 1] & AT_EACCESS)) {
		c.effective = c.uid[REAL] ? 0 : c.permitted;
		c.uid[FILES] = c.uid[REAL];
		c.gid[FILES] = c.gid[REAL];
	}
	if (creds_can(&c, CAP_DAC_OVERRIDE))
		return RUN;
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e == 0 && want && !identity_may(t->self, &c, &st, want))
		e = EACCES;
	return tracee_return(t, -e);
}
