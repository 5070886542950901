/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees from other trees and from the host's files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "media/tree/tree.h"
#include "media/tree/tree_priv.h"

/* Files up to this size are read instead of mapped: a process may have only so many mappings. */
#define SMALL_FILE (64 * 1024)
#define MAX_DEPTH 128

/* ---- from another tree ---- */

static struct tree_inode *clone_inode(struct tree *t, const struct tree_inode *src)
{
	struct tree_inode *inode = tree_inode_new(t, src->mode, src->uid, src->gid, src->mtime);

	inode->size = src->size;
	inode->major = src->major;
	inode->minor = src->minor;
	inode->target = src->target ? tree_strdup(t, src->target) : NULL;
	for (size_t i = 0; i < src->xattr_count; i++)
		tree_inode_xattr(t, inode, src->xattrs[i].name, src->xattrs[i].value,
				 src->xattrs[i].len);
	for (size_t i = 0; i < src->segment_count; i++)
		tree_inode_refer(t, inode, src->segments[i].offset, src->segments[i].data,
				 src->segments[i].len);
	inode->size = src->size;
	return inode;
}

/* The part of PATH below BASE ("" for BASE itself), or NULL. */
static const char *below(const char *path, const char *base)
{
	size_t n = strlen(base);

	if (!n)
		return path;
	if (strncmp(path, base, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

static char *join(const char *a, const char *b)
{
	return *b ? xasprintf("%s/%s", a, b) : xstrdup(a);
}

int tree_copy_tree(struct tree *t, const char *to, const struct tree *src, const char *from,
		   unsigned flags, struct err **err)
{
	struct tree_entry *top = tree_resolve(src, from);
	struct tree_entry *const *entries;
	struct map copies cleanup_map = {0};
	size_t count;

	if (!top)
		return err_set(err, E_COPY_SOURCE, "there is no '%s' in the tree", from);
	tree_begin(t);
	entries = tree_entries((struct tree *)src, &count);
	for (size_t i = 0; i < count; i++) {
		const char *rest = below(entries[i]->path, top->path);
		struct tree_inode *inode = NULL;
		char *path cleanup_free = NULL, *key cleanup_free = NULL;

		if (!rest)
			continue;
		if (entries[i]->inode->links > 1) {
			key = xasprintf("%p", (void *)entries[i]->inode);
			inode = map_get(&copies, key);
		}
		if (!inode) {
			inode = clone_inode(t, entries[i]->inode);
			if (key)
				map_set(&copies, tree_strdup(t, key), inode);
		}
		path = join(to, rest);
		if (tree_put(t, path, inode, flags, !(flags & TREE_FOLLOW), err) < 0)
			return -1;
	}
	return 0;
}

/* ---- from the host ---- */

/* One directory of the host on the way down. */
struct host_walk {
	struct tree *t;
	unsigned flags;
	int depth;
};

static int read_small(struct host_walk *w, int fd, const char *name, struct tree_inode *inode,
		      size_t size, struct err **err)
{
	char *buf = arena_alloc(w->t->arena, size + 1);
	size_t got = 0;

	while (got < size) {
		ssize_t n = pread(fd, buf + got, size - got, (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", name);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	tree_inode_refer(w->t, inode, 0, buf, got);
	return 0;
}

/* Refers to the parts with data of a mapped file: holes stay holes. */
static void refer_mapped(struct host_walk *w, int fd, struct tree_inode *inode, const char *addr,
			 size_t size)
{
	off_t pos = 0, end = (off_t)size;

	while (pos < end) {
		off_t data = lseek(fd, pos, SEEK_DATA), hole;

		if (data < 0 && errno != ENXIO)
			data = pos; /* cannot tell: everything is data */
		if (data < 0 || data >= end)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		tree_inode_refer(w->t, inode, (uint64_t)data, addr + data, (size_t)(hole - data));
		pos = hole;
	}
	inode->size = size;
}

static int put_file(struct host_walk *w, int fd, const struct stat *st, const char *name,
		    const char *to, struct err **err)
{
	struct tree_inode *inode = tree_inode_new(
		w->t, S_IFREG | (st->st_mode & S_IXUSR ? 0755 : 0644), 0, 0, (int64_t)w->t->epoch);
	const void *addr;
	size_t len;

	if (st->st_size <= SMALL_FILE) {
		if (read_small(w, fd, name, inode, (size_t)st->st_size, err) < 0)
			return -1;
	} else {
		if (tree_map_fd(w->t, fd, name, &addr, &len, err) < 0)
			return -1;
		refer_mapped(w, fd, inode, addr, len);
	}
	return tree_put(w->t, to, inode, TREE_FOLLOW, false, err);
}

static int put_link(struct host_walk *w, int dirfd, const char *entry, const char *name,
		    const char *to, struct err **err)
{
	char target[4097];
	ssize_t n = readlinkat(dirfd, entry, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read the link '%s'", name);
	target[n] = '\0';
	return tree_add_symlink(w->t, to, target, err);
}

static int put_directory(struct host_walk *w, int fd, const char *name, const char *to,
			 struct err **err);

static int put_any(struct host_walk *w, int dirfd, const char *entry, const char *name,
		   const char *to, struct err **err)
{
	struct stat st;
	int fd cleanup_fd = -1;

	if (fstatat(dirfd, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", name);
	if (S_ISLNK(st.st_mode))
		return put_link(w, dirfd, entry, name, to, err);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, E_COPY_SOURCE,
			       "'%s' is neither file, directory nor link: remove it", name);
	fd = openat(dirfd, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", name);
	if (S_ISREG(st.st_mode))
		return put_file(w, fd, &st, name, to, err);
	return put_directory(w, fd, name, to, err);
}

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int put_directory(struct host_walk *w, int fd, const char *name, const char *to,
			 struct err **err)
{
	DIR *dir __attribute__((cleanup(dir_closep))) = NULL;
	struct tree_entry *there = tree_resolve(w->t, to);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct dirent *d;

	dir = own < 0 ? NULL : fdopendir(own);
	if (!dir)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", name);
	if (++w->depth > MAX_DEPTH)
		return err_set(err, E_COPY_SOURCE, "'%s': directories are nested too deeply", name);
	if (!(there && S_ISDIR(there->inode->mode)) && tree_add_dir(w->t, to, 0755, err) < 0)
		return -1;
	while (errno = 0, (d = readdir(dir))) {
		char *sub cleanup_free = NULL, *sub_to cleanup_free = NULL;

		if (str_eq(d->d_name, ".") || str_eq(d->d_name, "..") ||
		    (w->flags & TREE_SKIP_GIT && path_is_git(d->d_name)))
			continue;
		sub = xasprintf("%s/%s", name, d->d_name);
		sub_to = xasprintf("%s/%s", to, d->d_name);
		if (put_any(w, dirfd(dir), d->d_name, sub, sub_to, err) < 0)
			return -1;
	}
	if (errno)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", name);
	w->depth--;
	return 0;
}

int tree_copy_path(struct tree *t, const char *to, const char *host_path, unsigned flags,
		   struct err **err)
{
	struct host_walk w = {.t = t, .flags = flags};
	struct stat st;
	int fd cleanup_fd = open(host_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", host_path);
	tree_begin(t);
	if (S_ISREG(st.st_mode))
		return put_file(&w, fd, &st, host_path, to, err);
	if (S_ISDIR(st.st_mode))
		return put_directory(&w, fd, host_path, to, err);
	return err_set(err, E_COPY_SOURCE, "'%s' is neither file nor directory", host_path);
}
