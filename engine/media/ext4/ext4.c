/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of an ext4: inodes, directories and data of a tree, in the order of the sorted paths.
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
	struct ext4_numbered as_file = {&content, n->path, n->ino, NULL};

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

/* ---- numbering ---- */

/* The directory that holds PATH. */
static struct ext4_directory *directory_of(struct ext4_writer *w, const char *path)
{
	char *dir cleanup_free = path_dir(path);
	struct tree_entry *e = tree_lookup(w->t, str_eq(dir, ".") ? "" : dir);

	return w->list.items[e->inode->user - 1].directory;
}

static struct ext4_directory *new_directory(struct tree_inode *inode, ext2_ino_t ino,
					    ext2_ino_t parent)
{
	struct ext4_directory *f = xcalloc(1, sizeof(*f));

	f->inode = inode;
	f->ino = ino;
	f->parent = parent;
	return f;
}

/* Gives numbers to the inodes in the order of their first names and fills the directories. */
static int number(struct ext4_writer *w, ext2_ino_t first, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(w->t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count; i++) {
		struct tree_inode *inode = entries[i]->inode;
		struct ext4_directory *parent = i ? directory_of(w, entries[i]->path) : NULL;
		bool dir = S_ISDIR(inode->mode);

		if (parent) {
			ext4_children_push(&parent->children,
					   (struct ext4_child){path_base(entries[i]->path), inode});
			parent->subdirs += dir;
		}
		if (inode->user)
			continue;
		if (!dir && inode->links > MAX_LINKS)
			return err_set(err, E_FILESYSTEM_LIMITS,
				       "'/%s' has %u hard links; ext4 takes %u", entries[i]->path,
				       inode->links, MAX_LINKS);
		if (S_ISREG(inode->mode) && inode->size > MAX_FILE)
			return err_set(err, E_FILESYSTEM_LIMITS,
				       "'/%s' is larger than ext4 can hold: %llu bytes, at most "
				       "%llu",
				       entries[i]->path, (unsigned long long)inode->size,
				       (unsigned long long)MAX_FILE);
		*ext4_numbers_at_end(&w->list) =
			(struct ext4_numbered){.inode = inode,
					       .path = entries[i]->path,
					       .ino = i ? first++ : EXT2_ROOT_INO};
		inode->user = w->list.count;
		if (dir)
			w->list.items[w->list.count - 1].directory =
				new_directory(inode, w->list.items[w->list.count - 1].ino,
					      parent ? parent->ino : EXT2_ROOT_INO);
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

/* Blocks of one inode; those of the extent tree are counted from above. */
static uint64_t blocks_of(const struct ext4_numbered *n)
{
	uint64_t blocks = 0, block = 0, len, runs = 0;

	if (n->directory)
		blocks = ext4_directory_blocks(n->directory);
	if (S_ISLNK(n->inode->mode) && strlen(n->inode->target) >= EXT2_N_BLOCKS * 4)
		blocks = 1;
	if (S_ISREG(n->inode->mode))
		while (ext4_next_run(n->inode, &block, &len)) {
			blocks += len;
			block += len;
			runs += 1 + len / EXT_INIT_MAX_LEN;
		}
	if (runs > 4)
		blocks += 1 + runs / 160;
	if (xattr_bytes(n->inode) > IN_INODE_XATTRS)
		blocks++;
	return blocks;
}

static int check_room(struct ext4_writer *w, const struct ext4_opts *opts, struct err **err)
{
	uint64_t need = 0, room = ext2fs_free_blocks_count(w->fs->super);
	char *needs cleanup_free = NULL, *has cleanup_free = NULL, *all cleanup_free = NULL;

	for (size_t i = 0; i < w->list.count; i++)
		need += blocks_of(&w->list.items[i]);
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

static void writer_release(struct ext4_writer *w)
{
	for (size_t i = 0; i < w->list.count; i++) {
		if (!w->list.items[i].directory)
			continue;
		ext4_children_clear(&w->list.items[i].directory->children);
		free(w->list.items[i].directory);
	}
	ext4_numbers_clear(&w->list);
	free(w->copy);
	if (w->fs) { /* given up: nothing more is written */
		w->fs->flags &= ~EXT2_FLAG_DIRTY;
		ext2fs_free(w->fs);
	}
	if (w->fd >= 0)
		close(w->fd);
}

static int write_all(struct ext4_writer *w, struct err **err)
{
	errcode_t code;

	/*
	 * all numbers are taken first, so that blocks of the tables are the
	 * only ones below the data
	 */
	for (size_t i = 1; i < w->list.count; i++)
		ext2fs_inode_alloc_stats2(w->fs, w->list.items[i].ino, +1,
					  w->list.items[i].directory != NULL);
	for (size_t i = 0; i < w->list.count; i++)
		if (put_inode(w, &w->list.items[i], err) < 0)
			return -1;
	if (w->lost_found && ext4_put_lost_found(w, err) < 0)
		return -1;
	w->fs->super->s_kbytes_written = 0;
	ext2fs_mark_super_dirty(w->fs);
	code = ext2fs_close_free(&w->fs);
	w->fs = NULL;
	return code ? ext4_fail(code, w->name, "cannot write the tables", err) : 0;
}

int ext4_write(struct tree *t, const char *path, uint64_t offset, const char *name,
	       const struct ext4_opts *opts, struct err **err)
{
	struct ext4_writer w __attribute__((cleanup(writer_release))) = {
		.t = t, .name = name, .offset = offset, .fd = -1};
	uint64_t inodes;

	w.lost_found = !tree_lookup(t, "lost+found");
	w.fd = open(path, O_RDWR | O_CLOEXEC);
	if (w.fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (number(&w, EXT2_GOOD_OLD_FIRST_INO + w.lost_found, err) < 0)
		return -1;
	inodes = w.list.count + EXT2_GOOD_OLD_FIRST_INO + w.list.count / 8 + 64;
	if (inodes < opts->inodes)
		inodes = opts->inodes;
	if (ext4_format(path, offset, name, opts, tree_epoch(t), inodes, &w.fs, err) < 0)
		return -1;
	if (check_room(&w, opts, err) < 0)
		return -1;
	w.copy = xmalloc(EXT4_COPY_SIZE);
	w.cursor = w.fs->super->s_first_data_block;
	return write_all(&w, err);
}
