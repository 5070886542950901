/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whatever makes an inode says whose it is, so that what a deleted file with the same number had is
 * forgotten.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/acl.h"
#include "base/path.h"
#include "machine/sandbox/identity_priv.h"

/* A file that is being, or has just been, created. */
struct birth {
	struct target name;
	struct target file; /* to change its mode */
	mode_t mode;        /* asked for, whatever the umask */
	bool in_directory;  /* NAME is the directory it is made in (O_TMPFILE) */
	bool opened;        /* the call's result is a descriptor of it */
};

/*
 * The directory in which a file lies that was just opened, by the name that /proc has for it:
 * cheaper than to ask in the process's name, and right where the path led through a link. False: it
 * is not to be had so.
 */
static bool stat_opened_parent(struct tracee *t, const struct stat *file, struct stat *ret)
{
	struct str path cleanup_str = STR_INIT;
	char *directory cleanup_free = NULL;
	char name[64];
	ssize_t n;

	snprintf(name, sizeof(name), "%d/fd/%ld", (int)t->tid, t->result);
	n = t->self->proc < 0
		    ? -1
		    : readlinkat(t->self->proc, name, str_reserve(&path, PATH_MAX), PATH_MAX - 1);
	if (n <= 0 || path.buf[0] != '/')
		return false;
	path.len = (size_t)n;
	path.buf[n] = '\0';
	directory = path_dir(path.buf);
	/* In a mount namespace of its own a name may be another file's. */
	return stat(directory, ret) == 0 && S_ISDIR(ret->st_mode) && ret->st_dev == file->st_dev;
}

static int stat_parent(struct tracee *t, const struct birth *b, const struct stat *file,
		       struct stat *ret, int *ret_error)
{
	*ret_error = 0;
	if (file && b->opened && stat_opened_parent(t, file, ret))
		return 0;
	if (b->in_directory)
		return tracee_stat(t, &b->name, ret, ret_error);
	if (file && t->through_link) {
		*ret_error = ENOENT;
		return 0;
	}
	return tracee_stat_parent(t, &b->name, ret, ret_error);
}

/* The directory's default access list. */
static int inherit(struct tracee *t, const struct birth *b, const struct stat *st,
		   const struct owner_attr *from, struct owner *file)
{
	struct owners *all = t->self->owners;
	struct acl acl cleanup_acl = {0};
	struct str value cleanup_str = STR_INIT;
	mode_t mode = b->mode & 0777;
	int e;

	if (acl_parse(from->value, from->len, &acl) != 0)
		return 0;
	acl_create(&acl, &mode);
	acl_format(&acl, &value);
	if (S_ISDIR(st->st_mode))
		owners_attr_put(all, file, ACL_DEFAULT, from->value, from->len);
	if (!acl_is_mode(&acl))
		owners_attr_put(all, file, ACL_ACCESS, value.buf, value.len);
	if (tracee_chmod(t, &b->file, (st->st_mode & 07000) | mode, &e) < 0)
		return -1;
	if (e)
		tracee_fail(t, "made a file whose inherited access list cannot be set");
	return 0;
}

/* 0, or -1: the process is gone. */
static int note_birth(struct tracee *t, const struct birth *b, struct stat *st)
{
	struct owners *all = t->self->owners;
	uint32_t uid = t->creds->uid[FILES], gid = t->creds->gid[FILES];
	const struct owner_attr *list = NULL;
	struct owner *file;
	struct stat parent;
	int e;

	owners_drop(all, st->st_dev, st->st_ino);
	if (set_id_write(t, &b->file, st) < 0)
		return -1;
	if (gid || owners_have_groups(all) || owners_have_attrs(all)) {
		if (stat_parent(t, b, st, &parent, &e) < 0)
			return -1;
		if (e) {
			tracee_fail(t, "made a file whose directory cannot be found");
			return 0;
		}
		if (parent.st_mode & S_ISGID)
			identity_owner(t->self, &parent, &(uint32_t){0}, &gid);
		list = owner_attr(owners_get(all, parent.st_dev, parent.st_ino), ACL_DEFAULT);
	}
	if (S_ISLNK(st->st_mode))
		list = NULL;
	if (!uid && !gid && !list)
		return 0;
	file = owners_add(all, st->st_dev, st->st_ino);
	owners_chown(all, file, uid, gid);
	return list ? inherit(t, b, st, list, file) : 0;
}

/* 0 and *ret_error: EACCES if an ordinary user may not create anything there. -1: gone. */
static int check_parent(struct tracee *t, const struct birth *b, int *ret_error)
{
	struct stat parent;

	*ret_error = 0;
	if (creds_can(t->creds, CAP_DAC_OVERRIDE))
		return 0;
	if (stat_parent(t, b, NULL, &parent, ret_error) < 0)
		return -1;
	/* Other errors are the call's own. */
	*ret_error = *ret_error == 0 && !identity_may(t->self, t->creds, &parent, 3) ? EACCES : 0;
	return 0;
}

/* --- open --- */

struct opening {
	struct birth birth;
	uint64_t flags, resolve;
};

static int read_opening(struct tracee *t, struct opening *ret)
{
	const struct call *c = t->call;
	struct open_how how = {0};

	*ret = (struct opening){.birth.name = tracee_target(t)};
	if (c->nr == SYS_openat2) {
		if (tracee_read(t, t->args[c->more - 1], &how, sizeof(how)) < 0)
			return -1;
	} else if (c->fixed) { /* creat */
		how.flags = O_CREAT | O_WRONLY | O_TRUNC;
		how.mode = t->args[c->more - 1];
	} else {
		how.flags = (uint32_t)t->args[c->more - 1];
		how.mode = t->args[c->more];
	}
	ret->birth.name.flags = 0;
	ret->flags = how.flags;
	ret->resolve = how.resolve;
	ret->birth.mode = (mode_t)how.mode;
	ret->birth.opened = true;
	ret->birth.in_directory = (how.flags & O_TMPFILE) == O_TMPFILE;
	return 0;
}

/* What an ordinary user may not do with a file that exists. */
static bool is_refused(const struct tracee *t, const struct opening *o, const struct stat *st)
{
	static const unsigned wants[] = {4, 2, 6, 6};
	unsigned want = wants[o->flags & O_ACCMODE] | (o->flags & O_TRUNC ? 2 : 0);

	return !identity_may(t->self, t->creds, st, want);
}

/* The call is due again, for a file that exists, or else fails by itself. */
static enum next open_again(struct tracee *t, const struct opening *o, struct stat *st, bool exists)
{
	bool writes = (o->flags & O_ACCMODE) != O_RDONLY || (o->flags & O_TRUNC);

	if (exists && writes && set_id_write(t, &o->birth.name, st) < 0)
		return GONE;
	return tracee_again(t, t->args, RUN);
}

/* Whether the file is there: *ret_error 0 or ENOENT; else the call fails by itself. */
static int look_before(struct tracee *t, const struct opening *o, struct stat *st, int *ret_error)
{
	struct target name = o->birth.name;

	name.flags = AT_SYMLINK_NOFOLLOW;
	if (tracee_stat(t, &name, st, ret_error) < 0)
		return -1;
	t->through_link = *ret_error == 0 && S_ISLNK(st->st_mode);
	if (!t->through_link || (o->flags & O_NOFOLLOW))
		return 0;
	name.flags = 0;
	return tracee_stat(t, &name, st, ret_error);
}

/* The kernel looks at its own permissions; an ordinary user's are looked at here. */
static enum next open_existing(struct tracee *t, const struct opening *o)
{
	struct target name = o->birth.name;
	bool reads = (o->flags & O_ACCMODE) == O_RDONLY && !(o->flags & O_TRUNC);
	struct stat st;
	int e;

	if ((creds_can(t->creds, CAP_DAC_OVERRIDE) && reads) || (o->flags & O_PATH))
		return RUN;
	name.flags = o->flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
	if (tracee_stat(t, &name, &st, &e) < 0)
		return GONE;
	if (e == 0 && !S_ISLNK(st.st_mode) && is_refused(t, o, &st))
		return tracee_return(t, -EACCES);
	return open_again(t, o, &st, e == 0);
}

enum next open_enter(struct tracee *t)
{
	struct opening o;
	struct stat st;
	int e = ENOENT;

	t->through_link = false;
	t->existed = true;
	if (read_opening(t, &o) < 0)
		return RUN;
	if (!(o.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		return open_existing(t, &o);
	if (o.resolve & RESOLVE_IN_ROOT)
		return tracee_return(t, -ENOSYS);
	if (!o.birth.in_directory && !(o.flags & O_EXCL) && look_before(t, &o, &st, &e) < 0)
		return GONE;
	t->existed = e != ENOENT;
	if (e == 0 && is_refused(t, &o, &st))
		return tracee_return(t, -EACCES);
	if (e != ENOENT)
		return open_again(t, &o, &st, e == 0);
	if (check_parent(t, &o.birth, &e) < 0)
		return GONE;
	return e ? tracee_return(t, -e) : tracee_again(t, t->args, STOP_LATER);
}

enum next open_exit(struct tracee *t)
{
	struct opening o;
	struct stat st;
	int e;

	if (t->result < 0 || t->existed || read_opening(t, &o) < 0)
		return RUN;
	if (tracee_stat_fd(t, (int)t->result, &st, &e) < 0)
		return GONE;
	if (e)
		return tracee_fail(t, "made a file that cannot be looked at");
	o.birth.file = (struct target){.dirfd = (int)t->result};
	if (note_birth(t, &o.birth, &st) < 0)
		return GONE;
	return tracee_return(t, t->result);
}

/* An ordinary user may open his own pipes again, by way of /proc. */
enum next pipe_exit(struct tracee *t)
{
	struct owner *file;
	struct stat st;
	int fds[2], e;

	if (t->result != 0 || (!t->creds->uid[FILES] && !t->creds->gid[FILES]) ||
	    tracee_read(t, t->args[0], fds, sizeof(fds)) < 0)
		return RUN;
	if (tracee_stat_fd(t, fds[0], &st, &e) < 0)
		return GONE;
	if (e)
		return tracee_fail(t, "made a pipe that is gone");
	file = owners_add(t->self->owners, st.st_dev, st.st_ino);
	owners_chown(t->self->owners, file, t->creds->uid[FILES], t->creds->gid[FILES]);
	return tracee_return(t, t->result);
}

/* --- mkdir, mknod, symlink, bind --- */

static struct birth birth_of(const struct tracee *t)
{
	const struct call *c = t->call;
	struct birth b = {.name = tracee_target(t)};

	b.name.flags = AT_SYMLINK_NOFOLLOW;
	b.file = b.name;
	b.mode = c->more ? (mode_t)t->args[c->more - 1] : 0;
	return b;
}

enum next create_enter(struct tracee *t)
{
	struct birth b = birth_of(t);
	int e;

	t->through_link = false;
	if (check_parent(t, &b, &e) < 0)
		return GONE;
	return e ? tracee_return(t, -e) : tracee_again(t, t->args, STOP_LATER);
}

static bool is_device(mode_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

/* A regular file stands for a device. */
enum next mknod_enter(struct tracee *t)
{
	struct birth b = birth_of(t);
	unsigned at = t->call->more - 1u;
	uint64_t args[6];
	int e;

	t->through_link = false;
	if (is_device(b.mode) && !creds_can(t->creds, CAP_MKNOD))
		return tracee_return(t, -EPERM);
	if (check_parent(t, &b, &e) < 0)
		return GONE;
	if (e)
		return tracee_return(t, -e);
	memcpy(args, t->args, sizeof(args));
	if (is_device(b.mode)) {
		args[at] = S_IFREG | (b.mode & 07777);
		args[at + 1] = 0;
	}
	return tracee_again(t, args, STOP_LATER);
}

static void note_device(struct tracee *t, const struct stat *st, mode_t mode, uint32_t device)
{
	struct owner *file = owners_add(t->self->owners, st->st_dev, st->st_ino);

	file->type = mode & S_IFMT;
	/* The kernel's own form: include/linux/kdev_t.h, new_decode_dev(). */
	file->major = (device & 0xfff00) >> 8;
	file->minor = (device & 0xff) | ((device >> 12) & 0xfff00);
}

enum next create_exit(struct tracee *t)
{
	struct birth b = birth_of(t);
	struct stat st;
	int e;

	if (t->result != 0)
		return tracee_return(t, t->result);
	if (tracee_stat(t, &b.name, &st, &e) < 0)
		return GONE;
	if (e == ENOENT && !t->creds->uid[FILES] && !t->creds->gid[FILES])
		return tracee_return(t, 0); /* somebody was quick; nothing to be said of root's */
	if (e)
		return tracee_fail(t, "made a file that is gone");
	if (note_birth(t, &b, &st) < 0)
		return GONE;
	if (is_device(b.mode))
		note_device(t, &st, b.mode, (uint32_t)t->args[t->call->more]);
	return tracee_return(t, 0);
}

/* Sockets are no content of a tree: their directory's group and list do not matter. */
enum next bind_exit(struct tracee *t)
{
	struct sockaddr_un sa = {0};
	size_t len = (uint32_t)t->args[2];
	char path[sizeof(sa.sun_path) + 1] = "";
	uint32_t uid = t->creds->uid[FILES], gid = t->creds->gid[FILES];
	struct stat st;
	int e;

	if (t->result != 0 || len <= offsetof(struct sockaddr_un, sun_path) || len > sizeof(sa) ||
	    tracee_read(t, t->args[1], &sa, len) < 0 || sa.sun_family != AF_UNIX || !sa.sun_path[0])
		return RUN;
	memcpy(path, sa.sun_path, sizeof(sa.sun_path));
	if (tracee_stat_path(t, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st, &e) < 0)
		return GONE;
	if (e)
		return tracee_fail(t, "made a socket that is gone");
	owners_drop(t->self->owners, st.st_dev, st.st_ino);
	if (uid || gid)
		owners_chown(t->self->owners, owners_add(t->self->owners, st.st_dev, st.st_ino),
			     uid, gid);
	return tracee_return(t, t->result);
}
