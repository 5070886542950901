/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A tree: a root file system as an index in memory. Names and attributes are copied; the bytes of
 * files stay where they are (mapped from an uncompressed tar or a project file; what had to be
 * decompressed lies in an unlinked scratch file). So merging, overlaying and filtering work on
 * entries, and nothing is extracted: no privilege is needed to carry owners, devices and
 * capabilities.
 *
 *	struct tree *t cleanup_tree = tree_new(epoch, workdir);
 *	tree_read_tar(t, "/", "base/root.tar", 0, err);
 *	tree_copy_path(t, "/", "/project/rootfs", err);
 *	tree_remove(t, "/etc/ssh/ssh_host_*", &count, err);
 *	tree_write_tar(t, "out/root.tar", err);
 *
 * Paths inside a tree are written with or without a leading '/'; "" and "/" are the root. An
 * entry's own path has no leading '/'. Symbolic links are followed inside the tree only, never on
 * the host.
 *
 * Several entries may share one inode: those are hard links. Inodes and entries live as long as the
 * tree. A file that is mapped must not be truncated while the tree lives (inputs lie in the store).
 *
 * Times are whole seconds from TREE_TIME_MIN to TREE_TIME_MAX, as ext4 holds them; one outside
 * becomes the nearest, as Linux does when it writes to ext4. What is read keeps its own; what is
 * made here gets the tree's epoch. Names of users and groups do not exist here: numbers only. POSIX
 * ACLs are the xattrs system.posix_acl_access and system.posix_acl_default; the permissions of a
 * file and its access list agree, as in the kernel.
 *
 * Hostile archives are refused: one that would become more than it may (unpack.h), "..", a name
 * that leads through a symbolic link of the same archive, a hard link to nothing. A name that
 * begins with '/' (tar -P) is taken without it. Nothing can lead out of the tree in any case.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

#define TREE_TIME_MIN (-INT64_C(2147483648)) /* 1901-12-13, the first that ext4 holds */
#define TREE_TIME_MAX INT64_C(15032385535)   /* 2446-05-10, the last */

struct tree;

struct tree_xattr {
	const char *name; /* "security.capability" */
	const void *value;
	size_t len;
};

/* A run of bytes; what lies between the segments of a file is a hole. */
struct tree_segment {
	uint64_t offset, len;
	const void *data;
};

struct tree_inode {
	mode_t mode; /* type and permissions */
	uint32_t uid, gid;
	int64_t mtime;             /* seconds */
	int64_t ctime;             /* when a file system had it changed last; INT64_MAX: unknown */
	uint64_t size;             /* bytes; regular files only */
	uint32_t major, minor;     /* devices only */
	const char *target;        /* symbolic links only */
	struct tree_xattr *xattrs; /* sorted by name */
	size_t xattr_count;
	struct tree_segment *segments; /* ascending, not overlapping */
	size_t segment_count;
	unsigned links; /* entries that name this inode */
	unsigned seq;   /* number of the reading that made it; see tree_read_tar */
	uint64_t user;  /* free for the current walk of a writer */
};

struct tree_entry {
	const char *path;         /* "usr/bin/sh"; "" is the root */
	struct tree_inode *inode; /* NULL: removed */
	unsigned children;        /* of a directory */
};

/*
 * SCRATCH is a directory for data that must be decompressed; NULL: $TMPDIR, which in a worker is
 * the node's own, else /var/tmp. Has a root, 0755 0:0.
 */
struct tree *tree_new(uint64_t epoch, const char *scratch);
void tree_free(struct tree *t);
static inline void tree_freep(struct tree **t)
{
	tree_free(*t);
}
#define cleanup_tree __attribute__((cleanup(tree_freep)))
uint64_t tree_epoch(const struct tree *t);
/* The nearest time that a tree has. */
int64_t tree_time(int64_t mtime);
/*
 * Sockets that programs have left where T was read from, as paths: they belong to a program that
 * has ended, and a tar has none.
 */
const struct strv *tree_left_out(const struct tree *t);
/*
 * Gives the epoch to whatever was changed at SINCE or later, by the clock of who changed it. What
 * was given a time then keeps it, though that be later: a file out of a package that is younger
 * than that clock.
 */
void tree_settle_times(struct tree *t, int64_t since);
/*
 * Whether what is in a file was written at SINCE or later. One that is younger than its last change
 * was given its time: a package's file, where the clock is behind. Programs that give a file the
 * time it is read a finer clock than the one of changes: not by a second.
 */
static inline bool tree_is_young(int64_t mtime, int64_t ctime, int64_t since)
{
	return mtime >= since && mtime - 1 <= ctime;
}

enum tree_flags {
	/*
	 * A directory may be reached through a symbolic link that was in the tree before, as dpkg
	 * and cp do (/lib -> usr/lib). Without it that is an error.
	 */
	TREE_FOLLOW = 1 << 0,
	/*
	 * A non-directory may take the place of an empty directory and a directory that of a
	 * non-directory.
	 */
	TREE_REPLACE = 1 << 1,
	/* tree_copy_path() leaves out what is git's own, see path_is_git(). */
	TREE_SKIP_GIT = 1 << 2,
};

/*
 * Lays the entries of a tar (compressed or not, see unpack.h) over the tree, below directory TO.
 * Files replace files; attributes of directories are taken from the archive; directories that are
 * missing are made, 0755 0:0. A directory on top of a link to a directory leaves the link, with
 * TREE_FOLLOW.
 */
int tree_read_tar(struct tree *t, const char *to, const char *path, unsigned flags,
		  struct err **err) warn_unused;
/*
 * The same from memory (the member of a .deb); NAME is for messages. The
 * bytes may go away afterwards.
 */
int tree_read_tar_data(struct tree *t, const char *to, const char *name, const void *data,
		       size_t len, unsigned flags, struct err **err) warn_unused;
/*
 * Called for each entry before it is laid in, with its path inside the archive; the callee may
 * change *path (a string that lives until the call returns is copied) and return 1 to leave the
 * entry out.
 */
typedef int tree_filter_fn(void *arg, const char **path, struct tree_inode *inode,
			   struct err **err);
int tree_read_tar_filter(struct tree *t, const char *to, const char *name, const void *data,
			 size_t len, unsigned flags, tree_filter_fn *fn, void *arg,
			 struct err **err) warn_unused;
/*
 * Writes what DATA holds when it is not compressed any more to FD at OFFSET; *ret_len: bytes
 * written. NAME is for messages. The same compressions and limits as for a tar.
 */
int tree_expand(const char *name, const void *data, size_t len, int fd, uint64_t offset,
		uint64_t *ret_len, struct err **err) warn_unused;
/*
 * Copies FROM of tree SRC (a file, or the content of a directory) to path TO: a directory's content
 * lands in directory TO. Hard links within FROM stay. SRC must live as long as T (see tree_keep).
 */
int tree_copy_tree(struct tree *t, const char *to, const struct tree *src, const char *from,
		   unsigned flags, struct err **err) warn_unused;
/* T owns SRC from now on and frees it with itself. */
void tree_keep(struct tree *t, struct tree *src);
/*
 * Copies a host file to path TO, or a host directory's content into directory TO: 0:0, 0755 when
 * the owner may execute it (and for directories), else 0644; links as they are; the epoch as time.
 * Devices, sockets and pipes are refused. Directories of the tree are reached as with TREE_FOLLOW.
 * FLAGS: 0 or TREE_SKIP_GIT.
 */
int tree_copy_path(struct tree *t, const char *to, const char *host_path, unsigned flags,
		   struct err **err) warn_unused;

/*
 * The entry at PATH, without following a link in the last part, or NULL.
 * Links before it are followed.
 */
struct tree_entry *tree_lookup(const struct tree *t, const char *path);
/* The entry at PATH with every link followed inside the tree, or NULL (missing, or a loop). */
struct tree_entry *tree_resolve(const struct tree *t, const char *path);
/*
 * A new file, directory or link at PATH, replacing a non-directory; parents are
 * made. 0:0, the epoch as time.
 */
int tree_add_file(struct tree *t, const char *path, mode_t mode, const void *data, size_t len,
		  struct err **err) warn_unused; /* copies DATA */
int tree_add_dir(struct tree *t, const char *path, mode_t mode, struct err **err) warn_unused;
/* Replaces the content of the file at PATH (never a link), which keeps owner and mode. */
int tree_rewrite(struct tree *t, const char *path, const void *data, size_t len,
		 struct err **err) warn_unused;
int tree_add_symlink(struct tree *t, const char *path, const char *target,
		     struct err **err) warn_unused;
/*
 * For other readers of file systems: a new inode (not yet named), data for it, and a name for it. A
 * second name for an inode is a hard link.
 */
struct tree_inode *tree_inode_new(struct tree *t, mode_t mode, uint32_t uid, uint32_t gid,
				  int64_t mtime);
int tree_inode_append(struct tree *t, struct tree_inode *inode, uint64_t offset, const void *data,
		      size_t len, struct err **err) warn_unused;
void tree_inode_xattr(struct tree *t, struct tree_inode *inode, const char *name, const void *value,
		      size_t len); /* sets or replaces */
/* The attribute NAME of INODE, or NULL. */
const struct tree_xattr *tree_inode_find_xattr(const struct tree_inode *inode, const char *name);
/* The permissions of MODE for INODE, as chmod(2) gives them: its access list follows. */
void tree_inode_chmod(struct tree *t, struct tree_inode *inode, mode_t mode);
int tree_link(struct tree *t, const char *path, struct tree_inode *inode, unsigned flags,
	      struct err **err) warn_unused;
/* A string that lives as long as the tree. */
const char *tree_strdup(struct tree *t, const char *s);

/*
 * Removes what matches GLOB and everything below it. An absolute pattern: '*', '?' and [] stay
 * within one part of a path, a part that is '**' stands for any number of parts. *ret_count:
 * entries removed.
 */
int tree_remove(struct tree *t, const char *glob, size_t *ret_count, struct err **err) warn_unused;
/* Whether PATH (without leading '/') matches such a pattern. */
bool tree_glob(const char *glob, const char *path);

/* All entries, sorted by bytes of the path, the root first; valid until the tree changes. */
struct tree_entry *const *tree_entries(struct tree *t, size_t *ret_count);
/*
 * The bytes [offset, offset + len) of a regular file, holes as zeros. Reads within the file only.
 */
void tree_inode_read(const struct tree_inode *inode, uint64_t offset, void *buf, size_t len);
/*
 * Where the bytes of two regular files differ first: the end of the shorter one when they differ in
 * nothing but length, UINT64_MAX when in nothing. Holes are not read.
 */
uint64_t tree_inode_difference(const struct tree_inode *a, const struct tree_inode *b);
/* A whole file of at most LIMIT bytes, NUL-terminated on the heap; NULL when larger or no file. */
char *tree_inode_text(const struct tree_inode *inode, size_t limit);

/*
 * Writes the tree as a tar, new file PATH: sorted, pax where ustar has no room, no user or group
 * names, xattrs as SCHILY.xattr, hard links after their targets, no sparse members, the root as
 * "./". Equal trees give equal bytes. More holes than UNPACK_MOST are an error.
 */
int tree_write_tar(struct tree *t, const char *path, struct err **err) warn_unused;
