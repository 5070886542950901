/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of an ext4: inodes, directories and data of a tree. Where they go ext4_place.c says.
 */
#include "media/ext4/ext4.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "media/ext4/ext4_priv.h"

#define MAX_LINKS 65000
/* Logical blocks have numbers of 32 bits, and the last one is not used (Linux, s_maxbytes). */
#define MAX_FILE (UINT64_C(0xffffffff) * EXT4_BLOCK)
#define IN_INODE_XATTRS 92 /* bytes after the inode's fields */

/* ---- inodes ---- */

void ext4_init_inode(const struct tree_inode *src, struct ext2_inode_large *inode)
{
	const uint64_t mtime = (uint64_t)src->mtime;

	memset(inode, 0, sizeof(*inode));
	inode->i_mode = (uint16_t)src->mode;
	inode->i_uid = (uint16_t)src->uid;
	inode->osd2.linux2.l_i_uid_high = (uint16_t)(src->uid >> 16);
	inode->i_gid = (uint16_t)src->gid;
	inode->osd2.linux2.l_i_gid_high = (uint16_t)(src->gid >> 16);
	inode->i_links_count = (uint16_t)src->links;
	inode->i_mtime = inode->i_atime = inode->i_ctime = inode->i_crtime = (uint32_t)src->mtime;
	/* the two low bits of the extra fields carry the time beyond 2038 */
	inode->i_mtime_extra = (uint32_t)((mtime - (uint64_t)(int32_t)src->mtime) >> 32) & 3;
	inode->i_atime_extra = inode->i_ctime_extra = inode->i_crtime_extra = inode->i_mtime_extra;
	inode->i_extra_isize = sizeof(*inode) - EXT2_GOOD_OLD_INODE_SIZE;
}

static void set_device(const struct tree_inode *src, struct ext2_inode_large *inode)
{
	if (src->major < 256 && src->minor < 256)
		inode->i_block[0] = (src->major << 8) | src->minor;
	else
		inode->i_block[1] =
			(src->minor & 0xff) | (src->major << 8) | ((src->minor & ~0xffu) << 12);
}

/* A link target that is too long for the inode is the content of a block. */
static int put_symlink(struct ext4_writer *w, const struct ext4_numbered *n,
		       struct ext2_inode_large *inode, struct err **err)
{
	size_t len = strlen(n->inode->target);
	struct tree_segment segment = {0, len, n->inode->target};
	struct tree_inode content = {.size = len, .segments = &segment, .segment_count = 1};
	struct ext4_numbered as_file = *n;

	as_file.inode = &content;
	inode->i_size = (uint32_t)len;
	if (len < sizeof(inode->i_block)) {
		inode->i_flags &= ~EXT4_EXTENTS_FL;
		memset(inode->i_block, 0, sizeof(inode->i_block));
		memcpy(inode->i_block, n->inode->target, len);
		return 0;
	}
	if (len >= EXT4_BLOCK)
		return err_set(err, E_FILESYSTEM_LIMITS,
			       "'/%s': the target of the link is too long", n->path);
	return ext4_put_data(w, &as_file, inode, err);
}

static int put_xattrs(struct ext4_writer *w, const struct ext4_numbered *n, struct err **err)
{
	struct ext2_xattr_handle *h;
	errcode_t code;

	if (!n->inode->xattr_count)
		return 0;
	code = ext2fs_xattrs_open(w->fs, n->ino, &h);
	if (code)
		return ext4_fail(code, n->path, "cannot open the extended attributes", err);
	code = ext2fs_xattrs_read(h);
	for (size_t i = 0; !code && i < n->inode->xattr_count; i++) {
		struct tree_xattr *x = &n->inode->xattrs[i];

		code = ext2fs_xattr_set(h, x->name, x->value, x->len);
	}
	ext2fs_xattrs_close(&h);
	if (code == EXT2_ET_EA_NO_SPACE)
		return err_set(err, E_FILESYSTEM_LIMITS,
			       "'/%s': its extended attributes do not fit into one block of ext4",
			       n->path);
	return code ? ext4_fail(code, n->path, "cannot set the extended attributes", err) : 0;
}

/* The content by type; the inode on disk already has type and owner. */
static int put_content(struct ext4_writer *w, const struct ext4_numbered *n,
		       struct ext2_inode_large *inode, struct err **err)
{
	switch (n->inode->mode & S_IFMT) {
	case S_IFDIR:
		return ext4_put_directory(w, n, inode, err);
	case S_IFLNK:
		return put_symlink(w, n, inode, err);
	case S_IFREG:
		inode->i_size = (uint32_t)n->inode->size;
		inode->i_size_high = (uint32_t)(n->inode->size >> 32);
		return ext4_put_data(w, n, inode, err);
	default:
		return 0;
	}
}

errcode_t ext4_start_inode(struct ext4_writer *w, ext2_ino_t ino, struct ext2_inode_large *inode)
{
	ext2_extent_handle_t h;
	errcode_t code;

	inode->i_flags |= EXT4_EXTENTS_FL;
	code = ext2fs_extent_open2(w->fs, ino, ext2fs_inode(inode), &h);
	if (code)
		return code;
	ext2fs_extent_free(h); /* opening has written the empty header into i_block */
	return ext2fs_write_inode_full(w->fs, ino, ext2fs_inode(inode), sizeof(*inode));
}

static int put_inode(struct ext4_writer *w, const struct ext4_numbered *n, struct err **err)
{
	struct ext2_inode_large inode;
	mode_t type = n->inode->mode & S_IFMT;
	errcode_t code;

	ext4_init_inode(n->inode, &inode);
	if (type == S_IFCHR || type == S_IFBLK)
		set_device(n->inode, &inode);
	if (type == S_IFREG || type == S_IFDIR || type == S_IFLNK)
		code = ext4_start_inode(w, n->ino, &inode);
	else
		code = ext2fs_write_inode_full(w->fs, n->ino, ext2fs_inode(&inode), sizeof(inode));
	if (code)
		return ext4_fail(code, n->path, "cannot write the inode", err);
	if (put_content(w, n, &inode, err) < 0)
		return -1;
	code = ext2fs_write_inode_full(w->fs, n->ino, ext2fs_inode(&inode), sizeof(inode));
	if (code)
		return ext4_fail(code, n->path, "cannot write the inode", err);
	return put_xattrs(w, n, err);
}

/* ---- what there is ---- */

/* The index of the directory that holds PATH. */
static size_t directory_of(struct ext4_writer *w, const char *path)
{
	char *dir cleanup_free = path_dir(path);
	struct tree_entry *e = tree_lookup(w->t, str_eq(dir, ".") ? "" : dir);

	return e->inode->user - 1;
}

static int check_inode(const struct tree_entry *e, struct err **err)
{
	const struct tree_inode *inode = e->inode;

	if (!S_ISDIR(inode->mode) && inode->links > MAX_LINKS)
		return err_set(err, E_FILESYSTEM_LIMITS, "'/%s' has %u hard links; ext4 takes %u",
			       e->path, inode->links, MAX_LINKS);
	if (S_ISREG(inode->mode) && inode->size > MAX_FILE)
		return err_set(err, E_FILESYSTEM_LIMITS,
			       "'/%s' is larger than ext4 can hold: %llu bytes, at most %llu",
			       e->path, (unsigned long long)inode->size,
			       (unsigned long long)MAX_FILE);
	return 0;
}

static void add_inode(struct ext4_writer *w, struct tree_inode *inode, const char *path, size_t up)
{
	struct ext4_numbered *n = ext4_numbers_at_end(&w->list);

	*n = (struct ext4_numbered){.inode = inode, .path = path, .up = up};
	inode->user = w->list.count;
	if (S_ISDIR(inode->mode))
		n->directory = xcalloc(1, sizeof(*n->directory));
}

/* Lists the inodes in the order of their first names and fills the directories. */
static int collect(struct ext4_writer *w, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(w->t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count; i++) {
		struct tree_inode *inode = entries[i]->inode;
		size_t up = i ? directory_of(w, entries[i]->path) : 0;

		if (i) {
			struct ext4_directory *parent = w->list.items[up].directory;

			ext4_children_push(&parent->children,
					   (struct ext4_child){path_base(entries[i]->path), inode});
			parent->subdirs += S_ISDIR(inode->mode);
		}
		if (inode->user)
			continue;
		if (check_inode(entries[i], err) < 0)
			return -1;
		add_inode(w, inode, entries[i]->path, up);
	}
	if (w->lost_found) {
		w->lost = (struct tree_inode){
			.mode = S_IFDIR | 0700, .mtime = (int64_t)tree_epoch(w->t), .links = 2};
		add_inode(w, &w->lost, LOST_FOUND, 0);
	}
	return 0;
}

/* ---- does it fit ---- */

static uint64_t xattr_bytes(const struct tree_inode *inode)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < inode->xattr_count; i++)
		bytes += 16 + ((strlen(inode->xattrs[i].name) + 3) & ~3ul) +
			 ((inode->xattrs[i].len + 3) & ~3ul);
	return bytes;
}

/* Counts the blocks of its content. Returns those of extents, from above, and attributes. */
static uint64_t count_blocks(struct ext4_writer *w, struct ext4_numbered *n)
{
	uint64_t block = 0, len, runs = 0, others = 0;

	n->blocks = 0;
	if (n->directory)
		n->blocks = ext4_directory_blocks(w, n);
	if (S_ISLNK(n->inode->mode) && strlen(n->inode->target) >= EXT2_N_BLOCKS * 4)
		n->blocks = 1;
	if (S_ISREG(n->inode->mode))
		while (ext4_next_run(n->inode, &block, &len)) {
			n->blocks += len;
			block += len;
			runs += 1 + len / EXT_INIT_MAX_LEN;
		}
	if (runs > 4)
		others += 1 + runs / 160;
	if (xattr_bytes(n->inode) > IN_INODE_XATTRS)
		others++;
	return others;
}

static int check_room(struct ext4_writer *w, const struct ext4_opts *opts, struct err **err)
{
	uint64_t need = 0, room = ext2fs_free_blocks_count(w->fs->super);
	char *needs cleanup_free = NULL, *has cleanup_free = NULL, *all cleanup_free = NULL;

	for (size_t i = 0; i < w->list.count; i++) {
		need += count_blocks(w, &w->list.items[i]);
		need += w->list.items[i].blocks;
	}
	if (need <= room)
		return 0;
	needs = str_bytes(need * EXT4_BLOCK);
	has = str_bytes(room * EXT4_BLOCK);
	all = str_bytes(opts->size);
	return err_set(
		err, E_IMAGE_TOO_SMALL,
		"%s: its content needs %s (%llu bytes), but a file system of %s has room for %s: "
		"raise its size or remove something",
		w->name, needs, (unsigned long long)need * EXT4_BLOCK, all, has);
}

/* ---- all of it ---- */

/* Nothing more is written. */
static void give_up(struct ext4_writer *w)
{
	if (!w->fs)
		return;
	w->fs->flags &= ~EXT2_FLAG_DIRTY;
	ext2fs_free(w->fs);
	w->fs = NULL;
}

static void writer_release(struct ext4_writer *w)
{
	for (size_t i = 0; i < w->list.count; i++) {
		if (!w->list.items[i].directory)
			continue;
		ext4_children_clear(&w->list.items[i].directory->children);
		free(w->list.items[i].directory);
	}
	ext4_numbers_clear(&w->list);
	ext4_areas_clear(&w->areas);
	free(w->copy);
	give_up(w);
	if (w->fd >= 0)
		close(w->fd);
}

/* Finds what the lock says of each path, if this file system has its size and number of inodes. */
static void pin_all(struct ext4_writer *w)
{
	const struct ext4_lock *lock = w->lock;

	if (!lock || lock->inodes != w->fs->super->s_inodes_count ||
	    lock->size != ext2fs_blocks_count(w->fs->super) * w->fs->blocksize)
		return;
	for (size_t i = 0; i < w->list.count; i++) {
		w->list.items[i].pin = ext4_lock_find(lock, w->list.items[i].path);
		w->told->known += w->list.items[i].pin != NULL;
	}
}

/* How many of these are elsewhere now. */
static void count_moved(struct ext4_writer *w)
{
	for (size_t i = 0; i < w->list.count; i++) {
		const struct ext4_numbered *n = &w->list.items[i];
		blk64_t first = 0;

		if (n->blocks)
			ext4_blocks_at(w, n->at, 1, &first);
		if (n->pin)
			w->told->moved += n->ino != n->pin->ino ||
					  (n->blocks && n->pin->blocks && first != n->pin->block);
	}
}

/* Numbers and blocks are all taken first: what libext2fs takes by itself then is what is left. */
static int place_all(struct ext4_writer *w, struct err **err)
{
	errcode_t code;

	ext4_number(w);
	for (size_t i = 0; i < w->list.count; i++) {
		const struct ext4_numbered *n = &w->list.items[i];

		if (i)
			ext2fs_inode_alloc_stats2(w->fs, n->ino, +1, n->directory != NULL);
	}
	code = ext4_place(w);
	if (!code)
		count_moved(w);
	return code ? ext4_fail(code, w->name, "cannot place the blocks", err) : 0;
}

static int write_all(struct ext4_writer *w, struct err **err)
{
	errcode_t code;

	for (size_t i = 0; i < w->list.count; i++)
		if (put_inode(w, &w->list.items[i], err) < 0)
			return -1;
	w->fs->super->s_kbytes_written = 0;
	ext2fs_mark_super_dirty(w->fs);
	code = ext2fs_close_free(&w->fs);
	w->fs = NULL;
	return code ? ext4_fail(code, w->name, "cannot write the tables", err) : 0;
}

/* An empty file system with INODES at least, in which the content has room. */
static int begin(struct ext4_writer *w, const char *path, const struct ext4_opts *opts,
		 uint64_t inodes, struct err **err)
{
	if (inodes < opts->inodes)
		inodes = opts->inodes;
	if (ext4_format(path, w->offset, w->name, opts, tree_epoch(w->t), inodes, &w->fs, err) < 0)
		return -1;
	pin_all(w);
	return check_room(w, opts, err);
}

/* As the lock has it, or, where its table of inodes leaves no room for the content, without it. */
static int begin_locked(struct ext4_writer *w, const char *path, const struct ext4_opts *opts,
			uint64_t inodes, struct err **err)
{
	struct err *why cleanup_err = NULL;

	if (!w->lock || w->lock->inodes <= inodes)
		return begin(w, path, opts, inodes, err);
	if (begin(w, path, opts, w->lock->inodes, &why) == 0)
		return 0;
	give_up(w);
	w->lock = NULL;
	for (size_t i = 0; i < w->list.count; i++)
		w->list.items[i].pin = NULL;
	w->told->known = 0;
	if (fallocate(w->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)w->offset,
		      (off_t)opts->size) < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot punch a hole into '%s'",
				 path);
	return begin(w, path, opts, inodes, err);
}

int ext4_write(struct tree *t, const char *path, uint64_t offset, const char *name,
	       const struct ext4_opts *opts, struct err **err)
{
	struct ext4_layout told = {0};
	struct ext4_writer w __attribute__((cleanup(writer_release))) = {
		.t = t,
		.name = name,
		.offset = offset,
		.fd = -1,
		.told = opts->told ? opts->told : &told};

	*w.told = (struct ext4_layout){0};
	w.lost_found = !tree_lookup(t, LOST_FOUND);
	w.lock = opts->lock;
	w.fd = open(path, O_RDWR | O_CLOEXEC);
	if (w.fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (collect(&w, err) < 0)
		return -1;
	if (begin_locked(&w, path, opts, ext4_inodes_for(w.list.count), err) < 0 ||
	    place_all(&w, err) < 0)
		return -1;
	w.copy = xmalloc(EXT4_COPY_SIZE);
	return write_all(&w, err);
}
