/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An empty ext4: what mke2fs does, with every parameter named here. */
#include <et/com_err.h>
#include <string.h>

#include "media/ext4/ext4_priv.h"

#define BYTES_PER_INODE 16384
#define FLEX_GROUPS_LOG 4
#define INODE_SIZE 256
#define EXTRA_ISIZE (sizeof(struct ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE)

int ext4_fail(errcode_t code, const char *name, const char *action, struct err **err)
{
	if (code > 0 && code < 256)
		return err_errno(err, E_OUTPUT_UNWRITABLE, (int)code, "%s: %s", name, action);
	/* what cannot be counted before: tables, the journal, extents at the borders of tables */
	if (code == EXT2_ET_BLOCK_ALLOC_FAIL || code == EXT2_ET_TOOSMALL ||
	    code == EXT2_ET_TOO_MANY_INODES)
		return err_set(err, E_IMAGE_TOO_SMALL,
			       "%s: %s: the file system is too small for its content: raise its "
			       "size or remove something",
			       name, action);
	initialize_ext2_error_table();
	return err_set(err, E_OUTPUT_UNWRITABLE, "%s: %s: %s", name, action, error_message(code));
}

static void set_features(struct ext2_super_block *sb, bool journal)
{
	ext2fs_set_feature_xattr(sb);
	ext2fs_set_feature_resize_inode(sb);
	ext2fs_set_feature_dir_index(sb);
	if (journal)
		ext2fs_set_feature_journal(sb);
	ext2fs_set_feature_filetype(sb);
	ext2fs_set_feature_extents(sb);
	ext2fs_set_feature_64bit(sb);
	ext2fs_set_feature_flex_bg(sb);
	ext2fs_set_feature_sparse_super(sb);
	ext2fs_set_feature_large_file(sb);
	ext2fs_set_feature_huge_file(sb);
	ext2fs_set_feature_dir_nlink(sb);
	ext2fs_set_feature_extra_isize(sb);
	ext2fs_set_feature_metadata_csum(sb);
}

static void set_identity(ext2_filsys fs, const struct ext4_opts *opts, uint64_t epoch)
{
	struct ext2_super_block *sb = fs->super;

	fs->now = ext4_now(epoch);
	sb->s_checksum_type = EXT2_CRC32C_CHKSUM;
	memcpy(sb->s_uuid, opts->uuid, sizeof(sb->s_uuid));
	memcpy(sb->s_hash_seed, opts->seed, sizeof(sb->s_hash_seed));
	ext2fs_init_csum_seed(fs);
	if (opts->label)
		strncpy((char *)sb->s_volume_name, opts->label, sizeof(sb->s_volume_name));
	sb->s_def_hash_version = EXT2_HASH_HALF_MD4;
	sb->s_flags = (sb->s_flags & ~(unsigned)EXT2_FLAGS_UNSIGNED_HASH) | EXT2_FLAGS_SIGNED_HASH;
	sb->s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL;
	sb->s_mkfs_time = sb->s_lastcheck = sb->s_wtime = (uint32_t)epoch;
	sb->s_checkinterval = 0;
	sb->s_max_mnt_count = -1;
	sb->s_errors = EXT2_ERRORS_CONTINUE;
	sb->s_min_extra_isize = sb->s_want_extra_isize = EXTRA_ISIZE;
	sb->s_kbytes_written = 0;
}

/* The tables are zeros already: no lazy initialization by the kernel. */
static void mark_tables_zeroed(ext2_filsys fs)
{
	for (dgrp_t g = 0; g < fs->group_desc_count; g++) {
		ext2fs_bg_flags_set(fs, g, EXT2_BG_INODE_ZEROED);
		ext2fs_group_desc_csum_set(fs, g);
	}
}

static errcode_t reserve_inodes(ext2_filsys fs)
{
	for (ext2_ino_t i = EXT2_BAD_INO; i < EXT2_FIRST_INODE(fs->super); i++)
		ext2fs_inode_alloc_stats2(fs, i, +1, i == EXT2_ROOT_INO);
	return ext2fs_update_bb_inode(fs, NULL);
}

static int add_journal(ext2_filsys fs, const char *name, struct err **err)
{
	struct ext2fs_journal_params params;
	errcode_t code = ext2fs_get_journal_params(&params, fs);

	if (!code) /* the blocks read as zeros: nothing is written but the journal's superblock */
		code = ext2fs_add_journal_inode3(fs, &params, ~(blk64_t)0, EXT2_MKJOURNAL_LAZYINIT);
	return code ? ext4_fail(code, name, "cannot create the journal", err) : 0;
}

static int fill(ext2_filsys fs, uint64_t offset, const char *name, const struct ext4_opts *opts,
		uint64_t epoch, bool journal, struct err **err)
{
	char *where cleanup_free = xasprintf("offset=%llu", (unsigned long long)offset);
	errcode_t code = offset ? io_channel_set_options(fs->io, where) : 0;

	if (code)
		return ext4_fail(code, name, "cannot use the offset", err);
	set_identity(fs, opts, epoch);
	code = ext2fs_allocate_tables(fs);
	if (code)
		return ext4_fail(code, name, "cannot place the tables", err);
	mark_tables_zeroed(fs);
	code = reserve_inodes(fs);
	if (!code)
		code = ext2fs_create_resize_inode(fs);
	if (code)
		return ext4_fail(code, name, "cannot create the reserved inodes", err);
	return journal ? add_journal(fs, name, err) : 0;
}

int ext4_format(const char *path, uint64_t offset, const char *name, const struct ext4_opts *opts,
		uint64_t epoch, uint64_t inodes, ext2_filsys *ret_fs, struct err **err)
{
	struct ext2_super_block param = {0};
	uint64_t blocks = opts->size / EXT4_BLOCK, by_size = opts->size / BYTES_PER_INODE;
	bool journal = ext2fs_default_journal_size(blocks) > 0;
	ext2_filsys fs = NULL;
	errcode_t code;

	if (inodes < by_size)
		inodes = by_size;
	if (ext4_check_label(opts->label, name, err) < 0 ||
	    ext4_check_size(opts->size, name, err) < 0)
		return -1;
	if (inodes > UINT32_MAX)
		return err_set(err, E_IMAGE_TOO_SMALL, "%s: ext4 has no room for %llu files", name,
			       (unsigned long long)inodes);
	param.s_rev_level = EXT2_DYNAMIC_REV;
	param.s_creator_os = EXT2_OS_LINUX;
	param.s_log_block_size = param.s_log_cluster_size = 2;
	param.s_inode_size = INODE_SIZE;
	param.s_log_groups_per_flex = FLEX_GROUPS_LOG;
	param.s_inodes_count = (uint32_t)inodes;
	set_features(&param, journal);
	ext2fs_blocks_count_set(&param, blocks);
	ext2fs_r_blocks_count_set(&param, blocks * opts->reserved_percent / 100);
	code = ext2fs_initialize(path, EXT2_FLAG_64BITS, &param, unix_io_manager, &fs);
	if (code)
		return ext4_fail(code, name, "cannot format", err);
	if (fill(fs, offset, name, opts, epoch, journal, err) < 0) {
		fs->flags &= ~EXT2_FLAG_DIRTY;
		ext2fs_free(fs);
		return -1;
	}
	*ret_fs = fs;
	return 0;
}
