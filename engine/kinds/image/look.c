/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/image/look.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "media/deb/deb.h"
#include "media/ext4/ext4.h"
#include "media/fat/fat.h"

/* ---- what it is ---- */

struct magic {
	const char *format;
	uint64_t at;
	const char *bytes;
	size_t len;
	bool foreign; /* orch cannot look into it */
};

#define MAGIC(format, at, bytes)                            \
	{                                                   \
		format, at, bytes, sizeof(bytes) - 1, false \
	}
#define FOREIGN(format, at, bytes)                         \
	{                                                  \
		format, at, bytes, sizeof(bytes) - 1, true \
	}
/* Of a disk before that of a FAT: both end their first sector in the same way. */
static const struct magic magics[] = {
	MAGIC("gpt", 512, "EFI PART"),
	MAGIC("ext4", 1024 + 56, "\x53\xef"),
	MAGIC("squashfs", 0, "hsqs"),
	MAGIC("vfat", 510, "\x55\xaa"), /* and what fat_state() says */
	MAGIC("tar", 257, "ustar"),
	MAGIC("deb", 0, "!<arch>\ndebian-binary"),
	MAGIC("tar", 0, "\x1f\x8b"), /* gzip */
	MAGIC("tar", 0,
	      "\xfd"
	      "7zXZ"),                       /* xz */
	MAGIC("tar", 0, "\x28\xb5\x2f\xfd"), /* zstd */
	MAGIC("tar", 0, "BZh"),              /* bzip2 */
	MAGIC("tar", 0, "\x04\x22\x4d\x18"), /* lz4 */
	FOREIGN("xfs", 0, "XFSB"),
	FOREIGN("btrfs", 0x10040, "_BHRfS_M"),
	FOREIGN("erofs", 1024, "\xe2\xe1\xf5\xe0"),
	FOREIGN("f2fs", 1024, "\x10\x20\xf5\xf2"),
	FOREIGN("exfat", 3, "EXFAT   "),
	FOREIGN("luks", 0, "LUKS\xba\xbe"),
	FOREIGN("ubi", 0, "UBI#"),
	FOREIGN("ubifs", 0, "\x31\x18\x10\x06"),
	FOREIGN("cpio", 0, "070701"),
};

/* 0, 1: it has another; -1: nobody can say, errno. */
static int has_magic(int fd, const struct look *l, const struct magic *m)
{
	char bytes[32];
	ssize_t got;

	if (m->at + m->len > l->size)
		return 1;
	got = pread(fd, bytes, m->len, (off_t)(l->offset + m->at));
	if (got < 0)
		return -1;
	if (got != (ssize_t)m->len || memcmp(bytes, m->bytes, m->len) != 0)
		return 1;
	return str_eq(m->format, "vfat") && !fat_state(fd, l->offset);
}

static bool is_archive(const char *format)
{
	return str_eq(format, "tar") || str_eq(format, "deb") || str_eq(format, "cpio");
}

/* In a partition, bytes that look like an archive are what they look like by chance. */
static int find_format(int fd, struct look *l, struct err **err)
{
	l->format = "file";
	for (size_t i = 0; i < array_len(magics); i++) {
		int rc = has_magic(fd, l, &magics[i]);

		if (rc < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", l->file);
		if (rc == 0 && !(l->offset && is_archive(magics[i].format))) {
			l->format = magics[i].format;
			return 0;
		}
	}
	return 0;
}

static bool is_foreign(const char *format)
{
	for (size_t i = 0; i < array_len(magics); i++) {
		if (str_eq(magics[i].format, format))
			return magics[i].foreign;
	}
	return false;
}

/* An MBR of something: what a FAT or a boot sector has there is no table. */
static bool is_mbr(int fd, uint64_t size)
{
	unsigned char sector[512];
	bool used = false;

	if (size < sizeof(sector) || pread(fd, sector, sizeof(sector), 0) != sizeof(sector) ||
	    sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	for (const unsigned char *e = sector + 446; e < sector + 510; e += 16) {
		if (e[0] & 0x7f || (e[4] && !memcmp(e + 12, "\0\0\0\0", 4)))
			return false;
		used = used || e[4];
	}
	return used;
}

static int identify(struct look *l, struct err **err)
{
	int fd cleanup_fd = open(l->file, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END); /* a card has no size of a file */

	if (end < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", l->file);
	if (!l->size)
		l->size = (uint64_t)end - l->offset;
	if (find_format(fd, l, err) < 0)
		return -1;
	if (!l->offset && str_eq(l->format, "file") && is_mbr(fd, l->size))
		l->format = "mbr";
	return 0;
}

/* ---- into it ---- */

static char *scratch_name(struct look *l)
{
	return xasprintf("%s/look.%u", l->scratch, l->count++);
}

static int read_deb(struct tree *t, const char *file, struct err **err)
{
	struct deb_set set cleanup_deb_set = {0};

	return deb_open(&set, file, NULL, err) < 0 || deb_unpack(set.items[0], t, err) < 0 ? -1 : 0;
}

static int read_tree(struct look *l, struct tree *t, struct err **err)
{
	char *dir cleanup_free = scratch_name(l);

	if (str_eq(l->format, "ext4"))
		return ext4_read_tree(t, l->file, l->offset, err);
	if (str_eq(l->format, "vfat"))
		return fat_read_tree(t, l->file, l->offset, l->size, err);
	if (str_eq(l->format, "squashfs"))
		return look_squashfs(t, l->file, l->offset, dir, &l->attributes_left_out, err);
	if (str_eq(l->format, "deb"))
		return read_deb(t, l->file, err);
	return tree_read_tar(t, "/", l->file, TREE_FOLLOW, err);
}

static bool has_tree(const struct look *l)
{
	static const char *const formats[] = {"ext4", "vfat", "squashfs", "deb", "tar"};

	for (size_t i = 0; i < array_len(formats); i++) {
		if (str_eq(l->format, formats[i]))
			return true;
	}
	return false;
}

static int open_tree(struct look *l, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, l->scratch);

	l->attributes_left_out = false;
	if (read_tree(l, t, err) < 0)
		return -1;
	tree_free(l->tree);
	l->tree = steal_ptr(t);
	return 0;
}

static char *trim(const char *path)
{
	struct str s cleanup_str = STR_INIT;

	for (const char *p = path; *p; p++) {
		if (*p != '/' || (p[1] && p[1] != '/' && s.len))
			str_append_char(&s, *p);
	}
	return str_steal(&s);
}

char *look_part_name(const struct gpt_parts *parts, size_t i)
{
	const char *name = parts->items[i].name;

	for (size_t k = 0; k < i; k++) {
		if (str_eq(parts->items[k].name, name))
			name = "";
	}
	if (!*name || strchr(name, '/'))
		return xasprintf("p%u", parts->items[i].number);
	return xstrdup(name);
}

static int no_partition(const struct look *l, const char *name, struct err **err)
{
	struct str all cleanup_str = STR_INIT;

	for (size_t i = 0; i < l->parts.count; i++) {
		char *one cleanup_free = look_part_name(&l->parts, i);

		str_printf(&all, "%s'%s'", i ? ", " : "", one);
	}
	return err_set(err, E_UNKNOWN_PARTITION, "the disk has no partition '%s', only %s", name,
		       l->parts.count ? all.buf : "an empty table");
}

/* Into the partition that REST begins with: 1 when it begins with none, for it is empty. */
static int open_disk(struct look *l, struct err **err)
{
	char *name cleanup_free = xstrndup(l->rest, strcspn(l->rest, "/"));
	const char *after = l->rest + strlen(name);

	if (gpt_read(l->file, &l->parts, err) < 0)
		return -1;
	if (!*name)
		return 1;
	for (size_t i = 0; i < l->parts.count; i++) {
		char *one cleanup_free = look_part_name(&l->parts, i);
		char *rest;

		if (!str_eq(one, name))
			continue;
		l->offset = l->parts.items[i].start;
		l->size = l->parts.items[i].size;
		rest = trim(after);
		free(l->rest);
		l->rest = rest;
		gpt_parts_clear(&l->parts);
		return 0;
	}
	return no_partition(l, name, err);
}

/* The regular file of the tree becomes what is looked into, from REST on. */
static int enter_file(struct look *l, const struct tree_entry *e, const char *rest,
		      struct err **err)
{
	char *path cleanup_free = scratch_name(l), *left = trim(rest);
	int fd cleanup_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const struct tree_inode *inode = e->inode;
	int rc = 0;

	if (fd < 0 || ftruncate(fd, (off_t)inode->size) < 0)
		rc = err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	for (size_t i = 0; i < inode->segment_count && rc == 0; i++) {
		const struct tree_segment *s = &inode->segments[i];

		rc = fd_pwrite_all(fd, path, s->data, s->len, s->offset, err);
	}
	free(l->rest);
	l->rest = left;
	free(l->file);
	l->file = steal_ptr(path);
	l->offset = 0;
	l->size = inode->size;
	return rc;
}

static int not_there(const struct look *l, struct err **err)
{
	return err_set(err, E_TREE_PATH_MISSING, "there is no '/%s' in this %s", l->rest,
		       l->format);
}

/* Where the tree knows no more of REST: into the file that it leads to, if it does. 1: to stop. */
static int go_on(struct look *l, bool into, bool whole, struct err **err)
{
	struct tree_entry *e = tree_resolve(l->tree, l->rest);

	if (e && into && S_ISREG(e->inode->mode))
		return enter_file(l, e, "", err);
	if (e || tree_lookup(l->tree, l->rest))
		return 1;
	for (size_t i = strlen(l->rest); i-- > 1;) {
		char *head cleanup_free = NULL;

		if (l->rest[i] != '/')
			continue;
		head = xstrndup(l->rest, i);
		e = tree_resolve(l->tree, head);
		if (e && S_ISREG(e->inode->mode))
			return enter_file(l, e, l->rest + i, err);
	}
	return whole ? 1 : not_there(l, err);
}

static int no_content(const struct look *l, struct err **err)
{
	if (is_foreign(l->format))
		return err_set(err, E_UNPACK_FORMAT,
			       "orch cannot look into %s, only into tar, deb, ext4, vfat, squashfs "
			       "and disks; 'orch boot' shows a system that runs",
			       l->format);
	return err_set(err, E_TREE_PATH_MISSING,
		       "'/%s' leads into a file that is no archive, file system or disk", l->rest);
}

int look_into(struct look *l, const char *file, const char *path, bool whole, struct err **err)
{
	size_t len = strlen(path);
	bool into = len && path[len - 1] == '/';
	int rc = 0;

	l->file = xstrdup(file);
	l->rest = trim(path);
	while (rc == 0) {
		if (identify(l, err) < 0)
			return -1;
		l->disk = (str_eq(l->format, "gpt") || str_eq(l->format, "mbr")) && !l->offset;
		if (!l->disk && !has_tree(l))
			return *l->rest || !str_eq(l->format, "file") ? no_content(l, err) : 0;
		rc = l->disk ? open_disk(l, err) : open_tree(l, err);
		if (rc == 0 && !l->disk)
			rc = go_on(l, into && *l->rest, whole, err);
	}
	return rc < 0 ? -1 : 0;
}

void look_release(struct look *l)
{
	tree_free(l->tree);
	gpt_parts_clear(&l->parts);
	free(l->rest);
	free(l->file);
}
