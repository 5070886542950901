/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Set-id bits of regular files. A kernel takes them when somebody without CAP_FSETID writes to the
 * file, by whatever call and however long ago it was opened; to this machine's kernel nobody here
 * has that capability. So the bits are in the table, where nothing takes them, as long as who has
 * the capability sets them or opens the file to write; on the file itself, where the kernel takes
 * them, as long as it is somebody who has it not.
 */
#include <linux/capability.h>

#include "machine/sandbox/identity_priv.h"

#define SET_ID ((mode_t)(S_ISUID | S_ISGID))

mode_t identity_mode(const struct identity *self, const struct stat *st)
{
	const struct owner *file = owners_get(self->owners, st->st_dev, st->st_ino);

	return st->st_mode | (file ? file->set_id : 0);
}

int set_id_write(struct tracee *t, const struct target *target, struct stat *st)
{
	struct owners *all = t->self->owners;
	const struct owner *file = owners_get(all, st->st_dev, st->st_ino);
	bool keeps = creds_can(t->creds, CAP_FSETID);
	mode_t mode = identity_mode(t->self, st) & 07777, on_file = keeps ? mode & ~SET_ID : mode;
	int e;

	if (!S_ISREG(st->st_mode) || on_file == (st->st_mode & 07777))
		return 0;
	if (tracee_chmod(t, target, on_file, &e) < 0)
		return -1;
	if (e == EROFS) /* nobody will write to it */
		return 0;
	if (e) {
		tracee_fail(t, "opens a file whose set-id bits cannot be kept");
		return 0;
	}
	if (file || keeps)
		owners_set_id(all, owners_add(all, st->st_dev, st->st_ino), keeps ? mode : 0);
	st->st_mode = (st->st_mode & S_IFMT) | on_file;
	return 0;
}

mode_t set_id_to_hold(const struct tracee *t, mode_t mode)
{
	return creds_can(t->creds, CAP_FSETID) ? mode & SET_ID : 0;
}

/* The kernel's rules: chown_common(), setattr_should_drop_sgid(). */
void set_id_chown(const struct tracee *t, struct owner *file, const struct stat *st, uint32_t gid)
{
	bool may_have_group = creds_can(t->creds, CAP_FSETID) || creds_in_group(t->creds, gid);

	file->set_id &= ~(mode_t)S_ISUID;
	if ((st->st_mode & S_IXGRP) || !may_have_group)
		file->set_id &= ~(mode_t)S_ISGID;
}
