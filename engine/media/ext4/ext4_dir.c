/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directories: linear blocks with checksums, which Linux and U-Boot read without an index. */
#include <string.h>
#include <sys/stat.h>

#include "media/ext4/ext4_priv.h"

#define MAX_LINKS 65000
#define LOST_FOUND_BLOCKS 4

static int file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	default:
		return EXT2_FT_REG_FILE;
	}
}

/* The blocks of a directory, being filled. */
struct dir_blocks {
	struct str data;
	struct ext2_dir_entry *last; /* its rec_len reaches to the block's end */
	size_t used;                 /* of the current block */
};

#define DIR_ROOM (EXT4_BLOCK - sizeof(struct ext2_dir_entry_tail))

static size_t dirent_size(size_t name_len)
{
	return (8 + name_len + 3) & ~(size_t)3;
}

static void dir_new_block(struct dir_blocks *d)
{
	char *block = str_reserve(&d->data, EXT4_BLOCK);

	memset(block, 0, EXT4_BLOCK);
	d->data.len += EXT4_BLOCK;
	d->last = (struct ext2_dir_entry *)block;
	d->last->rec_len = DIR_ROOM;
	d->used = 0;
}

static void dir_add(struct dir_blocks *d, const char *name, ext2_ino_t ino, int type)
{
	size_t len = strlen(name), need = dirent_size(len);
	struct ext2_dir_entry *e = d->last;

	if (!d->data.len || need > DIR_ROOM - d->used) {
		dir_new_block(d);
		e = d->last;
	} else if (d->used) {
		char *block = d->data.buf + d->data.len - EXT4_BLOCK;

		e->rec_len = (uint16_t)(d->used - (size_t)((char *)e - block));
		e = (struct ext2_dir_entry *)(block + d->used);
		d->last = e;
	}
	e->inode = ino;
	e->rec_len = (uint16_t)(DIR_ROOM - d->used);
	ext2fs_dirent_set_name_len(e, (int)len);
	ext2fs_dirent_set_file_type(e, type);
	memcpy(e->name, name, len);
	d->used += need;
}

static void dir_fill(struct ext4_writer *w, const struct ext4_numbered *n, struct dir_blocks *d)
{
	const struct ext4_directory *f = n->directory;

	dir_add(d, ".", n->ino, EXT2_FT_DIR);
	dir_add(d, "..", w->list.items[n->up].ino, EXT2_FT_DIR);
	if (n->ino == EXT2_ROOT_INO && w->lost_found)
		dir_add(d, LOST_FOUND, EXT2_FIRST_INODE(w->fs->super), EXT2_FT_DIR);
	for (size_t i = 0; i < f->children.count; i++) {
		struct ext4_child *c = &f->children.items[i];

		dir_add(d, c->name, w->list.items[c->inode->user - 1].ino,
			file_type(c->inode->mode));
	}
}

static errcode_t dir_write_blocks(struct ext4_writer *w, ext2_ino_t ino, char *data, blk64_t to,
				  uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		char *block = data + i * EXT4_BLOCK;
		errcode_t code;

		ext2fs_initialize_dirent_tail(w->fs, EXT2_DIRENT_TAIL(block, EXT4_BLOCK));
		code = ext2fs_write_dir_block4(w->fs, to + i, block, 0, ino);
		if (code)
			return code;
	}
	return 0;
}

/* Stores the blocks in DATA as the content of directory N. */
static errcode_t dir_store(struct ext4_writer *w, const struct ext4_numbered *n,
			   struct ext2_inode_large *inode, struct str *data)
{
	struct ext2_inode *small = ext2fs_inode(inode);
	uint64_t count = data->len / EXT4_BLOCK, done = 0, got;
	ext2_extent_handle_t h;
	errcode_t code = ext2fs_extent_open2(w->fs, n->ino, small, &h);

	if (code)
		return code;
	for (; !code && done < count; done += got) {
		blk64_t to;

		got = ext4_blocks_at(w, n->at + done, count - done, &to);
		code = ext4_add_extents(w, h, small, done, to, got);
		if (!code)
			code = dir_write_blocks(w, n->ino, data->buf + done * EXT4_BLOCK, to, got);
	}
	ext2fs_extent_free(h);
	return code ? code : ext2fs_inode_size_set(w->fs, small, (ext2_off64_t)data->len);
}

uint64_t ext4_directory_blocks(const struct ext4_writer *w, const struct ext4_numbered *n)
{
	const struct ext4_directory *f = n->directory;
	size_t used = 24; /* "." and ".." */
	uint64_t blocks = 1;

	if (n->inode == &w->lost)
		return LOST_FOUND_BLOCKS;
	if (n == w->list.items && w->lost_found)
		used += dirent_size(strlen(LOST_FOUND));
	for (size_t i = 0; i < f->children.count; i++) {
		size_t need = dirent_size(strlen(f->children.items[i].name));

		if (used + need > DIR_ROOM) {
			blocks++;
			used = 0;
		}
		used += need;
	}
	return blocks;
}

int ext4_put_directory(struct ext4_writer *w, const struct ext4_numbered *n,
		       struct ext2_inode_large *inode, struct err **err)
{
	struct dir_blocks d = {.data = STR_INIT};
	unsigned links = n->directory->subdirs + 2 + (n->ino == EXT2_ROOT_INO && w->lost_found);
	errcode_t code;

	inode->i_links_count = links < MAX_LINKS ? (uint16_t)links : 1;
	dir_fill(w, n, &d);
	while (d.data.len < n->blocks * EXT4_BLOCK)
		dir_new_block(&d);
	code = dir_store(w, n, inode, &d.data);
	str_release(&d.data);
	return code ? ext4_fail(code, n->path, "cannot write the directory", err) : 0;
}
