/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a kernel leaves in a file system besides the content: when and how often it was mounted,
 * when each inode was changed, random generations, an old journal. Here all of it is set to fixed
 * values.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "media/ext4/ext4_priv.h"

/* A run of blocks of the old journal. */
struct stale {
	blk64_t first, count;
};
DEFINE_VEC(stales, struct stale)

static void settle_super(ext2_filsys fs, const unsigned char seed[16], uint32_t epoch)
{
	struct ext2_super_block *s = fs->super;

	s->s_mtime = s->s_wtime = s->s_lastcheck = s->s_mkfs_time = epoch;
	s->s_mtime_hi = s->s_wtime_hi = s->s_lastcheck_hi = s->s_mkfs_time_hi = 0;
	s->s_mnt_count = 0;
	s->s_max_mnt_count = -1;
	s->s_kbytes_written = 0;
	memset(s->s_last_mounted, 0, sizeof(s->s_last_mounted));
	memcpy(s->s_hash_seed, seed, sizeof(s->s_hash_seed));
}

static bool is_young(const struct ext2_inode_large *i, uint64_t since)
{
	return tree_is_young(ext4_time(i, i->i_mtime, i->i_mtime_extra),
			     ext4_time(i, i->i_ctime, i->i_ctime_extra), (int64_t)since);
}

static void settle_inode(struct ext2_inode_large *i, uint32_t epoch, uint64_t since)
{
	bool young = is_young(i, since);

	i->i_atime = i->i_ctime = epoch;
	if (young)
		i->i_mtime = epoch;
	i->i_generation = 0;
	i->osd1.linux1.l_i_version = 0;
	if (i->i_extra_isize >= 24) { /* up to i_crtime_extra */
		i->i_crtime = epoch;
		i->i_ctime_extra = i->i_atime_extra = i->i_crtime_extra = 0;
		i->i_mtime_extra = young ? 0 : i->i_mtime_extra & 3; /* without nanoseconds */
	}
	if (i->i_extra_isize >= 28)
		i->i_version_hi = 0;
}

static errcode_t settle_inodes(ext2_filsys fs, uint32_t epoch, uint64_t since)
{
	size_t size = EXT2_INODE_SIZE(fs->super);
	struct ext2_inode *inode = xcalloc(
		1, size > sizeof(struct ext2_inode_large) ? size : sizeof(struct ext2_inode_large));
	ext2_inode_scan scan = NULL;
	ext2_ino_t ino = 0;
	errcode_t code = ext2fs_open_inode_scan(fs, 0, &scan);

	while (!code && !(code = ext2fs_get_next_inode_full(scan, &ino, inode, (int)size)) && ino) {
		if (!inode->i_ctime && !inode->i_links_count) /* never used */
			continue;
		if (!inode->i_links_count && ino >= EXT2_FIRST_INODE(fs->super))
			memset(inode, 0, size); /* deleted: the kernel left when */
		else
			settle_inode((struct ext2_inode_large *)inode, epoch, since);
		code = ext2fs_write_inode_full(fs, ino, inode, (int)size);
	}
	if (scan)
		ext2fs_close_inode_scan(scan);
	free(inode);
	return code;
}

struct journal_walk {
	struct stales *all;
	struct ext4_limit left;
	bool bad;
};

static int note_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t index, blk64_t ref, int offset,
		      void *arg)
{
	struct journal_walk *w = arg;
	struct stales *all = w->all;
	struct stale *last = all->count ? &all->items[all->count - 1] : NULL;

	w->bad = !ext4_take(&w->left.blocks, 1);
	if (w->bad)
		return BLOCK_ABORT;
	if (index < 1) /* the journal's superblock, and indirect blocks */
		return 0;
	if (last && last->first + last->count == *block)
		last->count++;
	else
		stales_push(all, (struct stale){*block, 1});
	return 0;
}

/* The journal's superblock (jbd2, big endian): an empty log that starts again at 1. */
static errcode_t settle_journal_head(ext2_filsys fs, blk64_t block)
{
	struct str buf cleanup_str = STR_INIT;
	unsigned char *b = (unsigned char *)str_reserve(&buf, fs->blocksize);
	errcode_t code = io_channel_read_blk64(fs->io, block, 1, b);

	if (code)
		return code;
	memset(b + 0x18, 0, 12); /* s_sequence, s_start, s_errno */
	b[0x1b] = 1;             /* s_sequence */
	memcpy(b + 0x30, fs->super->s_uuid, sizeof(fs->super->s_uuid));
	memset(b + 0x54, 0, 4); /* s_head: where a newer kernel would go on */
	return io_channel_write_blk64(fs->io, block, 1, b);
}

static errcode_t settle_journal(ext2_filsys fs, struct stales *ret_stale)
{
	struct journal_walk w = {ret_stale, ext4_limit_of(fs, UINT64_MAX), false};
	ext2_ino_t ino = fs->super->s_journal_inum;
	blk64_t head = 0;
	errcode_t code;

	if (!ino)
		return 0;
	code = ext2fs_bmap2(fs, ino, NULL, NULL, 0, 0, NULL, &head);
	if (!code)
		code = settle_journal_head(fs, head);
	if (!code)
		code = ext2fs_block_iterate3(fs, ino, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY,
					     NULL, note_block, &w);
	return code ? code : w.bad ? EXT2_ET_BAD_BLOCK_NUM : 0;
}

static int forget(const char *path, uint64_t offset, unsigned blocksize, const struct stales *all,
		  struct err **err)
{
	int fd cleanup_fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	for (size_t i = 0; i < all->count; i++) {
		if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      (off_t)(offset + all->items[i].first * blocksize),
			      (off_t)(all->items[i].count * blocksize)) < 0)
			return err_errno(err, E_OUTPUT_UNWRITABLE, errno,
					 "cannot punch a hole into '%s'", path);
	}
	return 0;
}

/* What is no fault of writing is one of what is there. */
static int unsettled(errcode_t code, const char *name, const char *action, struct err **err)
{
	char *what cleanup_free = xasprintf("%s: %s", name, action);

	if (code < 256 || code == EXT2_ET_SHORT_WRITE)
		return ext4_fail(code, name, action, err);
	return ext4_unread(code, what, err);
}

int ext4_settle(const char *path, uint64_t offset, const char *name, const unsigned char seed[16],
		uint64_t epoch, uint64_t since, struct err **err)
{
	struct stales stale = {0};
	ext2_filsys fs = NULL;
	unsigned blocksize = 0;
	errcode_t code;
	int rc;

	code = ext4_open(path, offset, EXT2_FLAG_RW, &fs);
	if (code)
		return unsettled(code, name, "cannot open the file system", err);
	blocksize = fs->blocksize;
	if (ext2fs_has_feature_journal_needs_recovery(fs->super)) {
		ext2fs_close_free(&fs);
		return err_set(err, E_FILESYSTEM_DAMAGED, "%s: the file system was not unmounted",
			       name);
	}
	code = ext2fs_read_bitmaps(fs);
	if (!code)
		code = settle_inodes(fs, (uint32_t)epoch, since);
	if (!code)
		code = settle_journal(fs, &stale);
	settle_super(fs, seed, (uint32_t)epoch);
	fs->now = ext4_now(epoch); /* libext2fs would write the present into the superblock */
	ext2fs_mark_super_dirty(fs);
	fs->flags &= ~(EXT2_FLAG_MASTER_SB_ONLY);
	if (code)
		ext2fs_free(fs);
	else
		code = ext2fs_close_free(&fs);
	rc = code ? unsettled(code, name, "cannot settle the file system", err)
		  : forget(path, offset, blocksize, &stale, err);
	stales_clear(&stale);
	return rc;
}
