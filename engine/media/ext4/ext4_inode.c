/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two inodes compared as they lie on disk, in words. */
#include <string.h>

#include "media/ext4/ext4_priv.h"

struct facts {
	unsigned mode, uid, gid, links;
	uint64_t size;
};

static struct facts facts_of(const struct ext2_inode_large *i)
{
	uint32_t high = ext2fs_le16_to_cpu(i->osd2.linux2.l_i_uid_high);
	uint32_t group_high = ext2fs_le16_to_cpu(i->osd2.linux2.l_i_gid_high);

	return (struct facts){
		.mode = ext2fs_le16_to_cpu(i->i_mode),
		.uid = high << 16 | ext2fs_le16_to_cpu(i->i_uid),
		.gid = group_high << 16 | ext2fs_le16_to_cpu(i->i_gid),
		.links = ext2fs_le16_to_cpu(i->i_links_count),
		.size = (uint64_t)ext2fs_le32_to_cpu(i->i_size_high) << 32 |
			ext2fs_le32_to_cpu(i->i_size),
	};
}

/* Where attributes begin that lie in the inode itself. */
static size_t fields_end(const struct ext2_inode_large *i, size_t size)
{
	size_t extra = size > EXT2_GOOD_OLD_INODE_SIZE ? ext2fs_le16_to_cpu(i->i_extra_isize) : 0;
	size_t end = EXT2_GOOD_OLD_INODE_SIZE + extra;

	return end < size ? end : size;
}

static bool same_attributes(const void *before, const void *after, const struct ext2_inode_large *a,
			    const struct ext2_inode_large *b, size_t size)
{
	size_t end = fields_end(a, size);

	return a->i_file_acl == b->i_file_acl && end == fields_end(b, size) &&
	       !memcmp((const char *)before + end, (const char *)after + end, size - end);
}

static bool same_times(const struct ext2_inode_large *a, const struct ext2_inode_large *b)
{
	return a->i_atime == b->i_atime && a->i_ctime == b->i_ctime && a->i_mtime == b->i_mtime &&
	       a->i_dtime == b->i_dtime && a->i_atime_extra == b->i_atime_extra &&
	       a->i_ctime_extra == b->i_ctime_extra && a->i_mtime_extra == b->i_mtime_extra &&
	       a->i_crtime == b->i_crtime;
}

static void add_facts(struct str *s, const struct facts *a, const struct facts *b)
{
	if ((a->mode ^ b->mode) & LINUX_S_IFMT)
		str_append(s, ", type");
	if ((a->mode ^ b->mode) & 07777)
		str_printf(s, ", mode %04o -> %04o", a->mode & 07777, b->mode & 07777);
	if (a->uid != b->uid || a->gid != b->gid)
		str_printf(s, ", owner %u:%u -> %u:%u", a->uid, a->gid, b->uid, b->gid);
	if (a->size != b->size)
		str_printf(s, ", size %llu -> %llu", (unsigned long long)a->size,
			   (unsigned long long)b->size);
	if (a->links != b->links)
		str_printf(s, ", names %u -> %u", a->links, b->links);
}

void ext4_inode_changes(const void *before, const void *after, size_t size, struct str *ret)
{
	struct ext2_inode_large x = {0}, y = {0};
	size_t len = size < sizeof(x) ? size : sizeof(x);
	struct facts a, b;
	struct str s cleanup_str = STR_INIT;

	if (!memcmp(before, after, size))
		return;
	memcpy(&x, before, len);
	memcpy(&y, after, len);
	a = facts_of(&x);
	b = facts_of(&y);
	add_facts(&s, &a, &b);
	if (memcmp(x.i_block, y.i_block, sizeof(x.i_block)) != 0)
		str_append(&s, ", place of its content");
	if (x.i_flags != y.i_flags)
		str_append(&s, ", flags");
	if (!same_attributes(before, after, &x, &y, size))
		str_append(&s, ", attributes");
	if (!same_times(&x, &y))
		str_append(&s, ", times");
	str_append(ret, s.len ? s.buf + 2 : "other fields");
}
