/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/map.h"
#include "base/owners.h"
#include "base/path.h"
#include "base/vec.h"
#include "media/tree/tree_dir.h"
#include "media/tree/tree_priv.h"

#define MAX_OWNERS (256 * 1024 * 1024)
#define MAX_DEPTH 128
#define CAPABILITY "security.capability"

/* ---- tree to directory ---- */

struct writing {
	int dirfd;
	const char *dir;
	struct owners *owners; /* NULL: no list */
};

static int write_fail(const struct writing *w, const char *path, struct err **err)
{
	return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot write '%s/%s'", w->dir, path);
}

/* The set-id bits that go to the list: those of what is a regular file on disk. */
static mode_t listed_set_id(const struct tree_inode *inode)
{
	if (S_ISREG(inode->mode) || S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		return inode->mode & (S_ISUID | S_ISGID);
	return 0;
}

/* Everything that the file itself cannot say. */
static int record_owner(struct writing *w, const char *path, const struct tree_inode *inode,
			struct err **err)
{
	bool device = S_ISCHR(inode->mode) || S_ISBLK(inode->mode);
	struct owner *file;
	struct stat st;

	if (!w->owners ||
	    (!inode->uid && !inode->gid && !device && !listed_set_id(inode) && !inode->xattr_count))
		return 0;
	if (fstatat(w->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return write_fail(w, path, err);
	file = owners_add(w->owners, st.st_dev, st.st_ino);
	owners_chown(w->owners, file, inode->uid, inode->gid);
	owners_set_id(w->owners, file, listed_set_id(inode));
	if (device) {
		file->type = inode->mode & S_IFMT;
		file->major = inode->major;
		file->minor = inode->minor;
	}
	for (size_t i = 0; i < inode->xattr_count; i++) {
		const struct tree_xattr *x = &inode->xattrs[i];

		if (str_eq(x->name, CAPABILITY))
			owners_set_put(w->owners, path, x->name, x->value, x->len);
		else
			owners_attr_put(w->owners, file, x->name, x->value, x->len);
	}
	return 0;
}

/* Without a list, what its user must have to work with it, and nothing that gives rights away. */
static mode_t mode_on_disk(const struct writing *w, const struct tree_inode *inode)
{
	if (w->owners)
		return inode->mode & 07777 & ~listed_set_id(inode);
	return (inode->mode & 0777) | (S_ISDIR(inode->mode) ? 0700 : 0600);
}

static int write_data(struct writing *w, int fd, const char *path, const struct tree_inode *inode,
		      struct err **err)
{
	for (size_t i = 0; i < inode->segment_count; i++) {
		const struct tree_segment *s = &inode->segments[i];

		if (fd_pwrite_all(fd, path, s->data, s->len, s->offset, err) < 0)
			return -1;
	}
	return ftruncate(fd, (off_t)inode->size) < 0 ? write_fail(w, path, err) : 0;
}

static int write_file(struct writing *w, const char *path, const struct tree_inode *inode,
		      struct err **err)
{
	int fd cleanup_fd =
		openat(w->dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return write_fail(w, path, err);
	if (S_ISREG(inode->mode) && write_data(w, fd, path, inode, err) < 0)
		return -1;
	return fchmod(fd, mode_on_disk(w, inode)) < 0 ? write_fail(w, path, err) : 0;
}

/* 1: left out. */
static int write_inode(struct writing *w, const char *path, const struct tree_inode *inode,
		       struct err **err)
{
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		return *path && mkdirat(w->dirfd, path, 0700) < 0 ? write_fail(w, path, err) : 0;
	case S_IFLNK:
		return symlinkat(inode->target, w->dirfd, path) < 0 ? write_fail(w, path, err) : 0;
	case S_IFREG:
		return write_file(w, path, inode, err);
	case S_IFIFO:
		if (mkfifoat(w->dirfd, path, 0600) < 0 ||
		    fchmodat(w->dirfd, path, mode_on_disk(w, inode), 0) < 0)
			return write_fail(w, path, err);
		return 0;
	default:
		return w->owners ? write_file(w, path, inode, err) : 1;
	}
}

static int set_time(struct writing *w, const char *path, const struct tree_inode *inode,
		    struct err **err)
{
	struct timespec times[2] = {{.tv_sec = inode->mtime}, {.tv_sec = inode->mtime}};

	if (utimensat(w->dirfd, *path ? path : ".", times, AT_SYMLINK_NOFOLLOW) < 0)
		return write_fail(w, path, err);
	return 0;
}

/* Last first: their content changes their times, and their mode may forbid it. */
static int finish_directories(struct writing *w, struct tree_entry *const *entries, size_t count,
			      struct err **err)
{
	for (size_t i = count; i-- > 0;) {
		const struct tree_inode *inode = entries[i]->inode;
		const char *path = *entries[i]->path ? entries[i]->path : ".";

		if (!S_ISDIR(inode->mode))
			continue;
		if (set_time(w, path, inode, err) < 0)
			return -1;
		if (fchmodat(w->dirfd, path, mode_on_disk(w, inode), 0) < 0)
			return write_fail(w, path, err);
	}
	return 0;
}

static int write_entries(struct writing *w, struct tree *t, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count; i++) {
		const char *path = entries[i]->path;
		struct tree_inode *inode = entries[i]->inode;
		int r;

		if (inode->user && inode->links > 1) {
			if (linkat(w->dirfd, entries[inode->user - 1]->path, w->dirfd, path, 0) < 0)
				return write_fail(w, path, err);
			continue;
		}
		r = write_inode(w, path, inode, err);
		if (r < 0)
			return -1;
		inode->user = i + 1;
		if (r == 0 && (record_owner(w, *path ? path : ".", inode, err) < 0 ||
			       set_time(w, path, inode, err) < 0))
			return -1;
	}
	return finish_directories(w, entries, count, err);
}

int tree_to_dir(struct tree *t, const char *dir, const char *owners, struct err **err)
{
	struct owners *table cleanup_owners = owners_new();
	struct str list cleanup_str = STR_INIT;
	struct writing w = {.dir = dir, .owners = owners ? table : NULL};
	int fd cleanup_fd = -1;

	if (mkdir(dir, 0755) < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot create '%s'", dir);
	w.dirfd = fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", dir);
	if (write_entries(&w, t, err) < 0)
		return -1;
	if (!owners)
		return 0;
	owners_format(table, true, &list);
	return file_write(owners, list.buf, list.len, 0600, false, err);
}

/* ---- directory to tree ---- */

struct reading {
	struct tree *t;
	int64_t since;
	struct arena *arena;
	struct owners *owners; /* NULL: no list */
	struct map
		links; /* inode number as text -> struct tree_inode, for files with several names */
	int depth;
};

static int read_owners(struct reading *r, const char *path, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (file_read(path, MAX_OWNERS, &text, err) < 0)
		return -1;
	return owners_parse(r->owners, text.buf, text.len, path, err);
}

/*
 * A capability as a namespace's root sets it (version 3, with its uid) as root itself would have.
 */
static void add_capability(struct reading *r, struct tree_inode *inode, const unsigned char *value,
			   ssize_t len)
{
	unsigned char v2[20];

	if (len != 20 && len != 24)
		return;
	memcpy(v2, value, sizeof(v2));
	v2[3] = 2; /* little endian: the revision is the highest byte of the first word */
	tree_inode_xattr(r->t, inode, CAPABILITY, v2, sizeof(v2));
}

static void read_xattrs(struct reading *r, const char *host, struct tree_inode *inode,
			const struct owner *o)
{
	unsigned char value[64];
	ssize_t n;

	for (size_t i = 0; o && i < o->attr_count; i++) {
		struct str now cleanup_str = STR_INIT;

		owners_attr_now(&o->attrs[i], inode->mode, &now);
		tree_inode_xattr(r->t, inode, o->attrs[i].name, now.buf, now.len);
	}
	n = S_ISREG(inode->mode) ? lgetxattr(host, CAPABILITY, value, sizeof(value)) : -1;
	if (n > 0)
		add_capability(r, inode, value, n);
}

/* What the list wanted set on files, as long as no program has run. */
static void read_sets(struct reading *r)
{
	size_t count;
	const struct owner_set *sets = owners_sets(r->owners, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_entry *e = tree_lookup(r->t, sets[i].path);

		if (e)
			tree_inode_xattr(r->t, e->inode, sets[i].attr.name, sets[i].attr.value,
					 sets[i].attr.len);
	}
}

/* Gives a fresh inode the attributes of the file. */
static void set_attributes(struct reading *r, struct tree_inode *inode, const struct stat *st,
			   const struct owner *o)
{
	int64_t epoch = (int64_t)tree_epoch(r->t);

	inode->mode = st->st_mode | (o ? o->set_id : 0);
	inode->uid = o ? o->uid : 0;
	inode->gid = o ? o->gid : 0;
	inode->mtime = tree_is_young(st->st_mtime, st->st_ctime, r->since)
			       ? epoch
			       : tree_time(st->st_mtime);
	if (o && o->type) {
		inode->mode = o->type | (inode->mode & 07777);
		inode->major = o->major;
		inode->minor = o->minor;
		inode->size = 0;
		inode->segment_count = 0;
	}
}

/* Programs may have taken from its user the permission to read it. */
static int make_readable(const struct reading *r, const char *host, const struct stat *st,
			 struct err **err)
{
	mode_t need = S_ISDIR(st->st_mode) ? 0700 : 0400;

	if (!r->owners || !(S_ISDIR(st->st_mode) || S_ISREG(st->st_mode)) ||
	    (st->st_mode & need) == need)
		return 0;
	if (chmod(host, (st->st_mode & 0777) | need) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", host);
	return 0;
}

static int read_directory(struct reading *r, const char *host, const char *path, struct err **err);

static int make_entry(struct reading *r, const char *host, const char *path, const struct stat *st,
		      struct err **err)
{
	char target[4097];
	ssize_t n;

	switch (st->st_mode & S_IFMT) {
	case S_IFDIR:
		return *path ? tree_add_dir(r->t, path, 0755, err) : 0;
	case S_IFREG:
		return tree_copy_path(r->t, path, host, 0, err);
	case S_IFLNK:
		n = readlink(host, target, sizeof(target) - 1);
		if (n < 0)
			return err_errno(err, E_INPUT_UNREADABLE, errno,
					 "cannot read the link '%s'", host);
		target[n] = '\0';
		return tree_add_symlink(r->t, path, target, err);
	case S_IFIFO:
		return tree_link(r->t, path, tree_inode_new(r->t, S_IFIFO | 0600, 0, 0, 0), 0, err);
	default:
		strv_push(&r->t->left_out, path); /* a socket */
		return 1;
	}
}

static int read_any(struct reading *r, const char *host, const char *path, struct err **err)
{
	const struct owner *o;
	struct tree_entry *e;
	struct tree_inode *linked;
	struct stat st;
	char ino[24];
	int rc;

	if (lstat(host, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", host);
	snprintf(ino, sizeof(ino), "%llu", (unsigned long long)st.st_ino);
	linked = map_get(&r->links, ino);
	if (linked)
		return tree_link(r->t, path, linked, 0, err);
	if (make_readable(r, host, &st, err) < 0)
		return -1;
	rc = make_entry(r, host, path, &st, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	e = tree_lookup(r->t, path);
	if (!e)
		return err_set(err, E_INTERNAL, "'%s' was lost from the tree", path);
	o = r->owners ? owners_get(r->owners, st.st_dev, st.st_ino) : NULL;
	set_attributes(r, e->inode, &st, o);
	read_xattrs(r, host, e->inode, o);
	if (st.st_nlink > 1 && !S_ISDIR(st.st_mode))
		map_set(&r->links, arena_strdup(r->arena, ino), e->inode);
	return S_ISDIR(st.st_mode) ? read_directory(r, host, path, err) : 0;
}

static int read_directory(struct reading *r, const char *host, const char *path, struct err **err)
{
	struct strv names cleanup_strv = {0};
	DIR *dir = opendir(host);

	if (!dir)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", host);
	for (struct dirent *d; (d = readdir(dir));)
		if (!str_eq(d->d_name, ".") && !str_eq(d->d_name, ".."))
			strv_push(&names, d->d_name);
	closedir(dir);
	if (++r->depth > MAX_DEPTH)
		return err_set(err, E_COPY_SOURCE, "'%s': directories are nested too deeply", host);
	strv_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		char *sub cleanup_free = path_join(host, names.items[i]);
		char *to cleanup_free =
			*path ? path_join(path, names.items[i]) : xstrdup(names.items[i]);

		if (read_any(r, sub, to, err) < 0)
			return -1;
	}
	r->depth--;
	return 0;
}

int tree_from_dir(struct tree *t, const char *dir, const char *owners, int64_t since,
		  struct err **err)
{
	struct owners *table cleanup_owners = owners_new();
	struct reading r = {.t = t, .owners = owners ? table : NULL, .since = since};
	int rc;

	r.arena = arena_new();
	rc = owners ? read_owners(&r, owners, err) : 0;
	if (rc == 0)
		rc = read_any(&r, dir, "", err);
	if (rc == 0 && owners)
		read_sets(&r);
	map_clear(&r.links);
	arena_free(r.arena);
	return rc;
}
