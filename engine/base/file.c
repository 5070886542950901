/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/path.h"

#define COPY_BLOCK (1024 * 1024)

int fd_read_all(int fd, const char *name, size_t limit, struct str *ret, struct err **err)
{
	size_t start = ret->len;

	for (;;) {
		size_t room = limit - (ret->len - start);
		size_t want = room < 65536 ? room + 1 : 65536;
		char *to = str_reserve(ret, want);
		ssize_t n = read(fd, to, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if (n == 0)
			return 0;
		if ((size_t)n > room)
			return err_set(err, E_TOO_LARGE, "'%s' is larger than %zu bytes", name,
				       limit);
		ret->len += (size_t)n;
		ret->buf[ret->len] = 0;
	}
}

int file_read(const char *path, size_t limit, struct str *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	return fd_read_all(fd, path, limit, ret, err);
}

int file_read_foreign(const char *path, size_t limit, struct str *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", path);
	return fd_read_all(fd, path, limit, ret, err);
}

int fd_write_all(int fd, const char *name, const void *data, size_t len, struct err **err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", name);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_pwrite_all(int fd, const char *name, const void *data, size_t len, uint64_t offset,
		  struct err **err)
{
	const char *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", name);
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int fd_sync(int fd, const char *name, struct err **err)
{
	if (fsync(fd) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot sync '%s' to disk", name);
	return 0;
}

int file_sync_parent(const char *path, struct err **err)
{
	char *dir cleanup_free = path_dir(path);
	int fd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open directory '%s'", dir);
	return fd_sync(fd, dir, err);
}

static int write_and_rename(int fd, const char *tmp, const char *path, const void *data, size_t len,
			    mode_t mode, bool sync, struct err **err)
{
	if (fd_write_all(fd, tmp, data, len, err) < 0)
		return -1;
	if (fchmod(fd, mode) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the mode of '%s'", tmp);
	if (sync && fd_sync(fd, tmp, err) < 0)
		return -1;
	if (rename(tmp, path) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot rename '%s' to '%s'", tmp,
				 path);
	return sync ? file_sync_parent(path, err) : 0;
}

int file_write(const char *path, const void *data, size_t len, mode_t mode, bool sync,
	       struct err **err)
{
	char *tmp cleanup_free = xasprintf("%s.XXXXXX", path);
	int fd cleanup_fd = mkostemp(tmp, O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a file beside '%s'",
				 path);
	if (write_and_rename(fd, tmp, path, data, len, mode, sync, err) < 0) {
		unlink(tmp);
		return -1;
	}
	return 0;
}

int fd_extents(int fd, const char *name, uint64_t size, extent_fn *fn, void *arg, struct err **err)
{
	uint64_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;
		int rc;

		if (data < 0 && errno == ENXIO)
			return 0; /* only a hole is left */
		if (data < 0 && errno == EINVAL)
			return fn(arg, at, size - at, err); /* no SEEK_DATA here: all is data */
		if (data < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if ((uint64_t)data >= size)
			return 0;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if ((uint64_t)hole > size)
			hole = (off_t)size;
		rc = fn(arg, (uint64_t)data, (uint64_t)(hole - data), err);
		if (rc)
			return rc;
		at = (uint64_t)hole;
	}
	return 0;
}

uint64_t fd_next_data(int fd, uint64_t at)
{
	off_t data = at > INT64_MAX ? -1 : lseek(fd, (off_t)at, SEEK_DATA), end;

	if (data >= 0)
		return (uint64_t)data;
	if (at > INT64_MAX || errno == ENXIO)
		return UINT64_MAX;
	end = lseek(fd, 0, SEEK_END); /* no SEEK_DATA here: all is data */
	return end >= 0 && at >= (uint64_t)end ? UINT64_MAX : at;
}

struct copy {
	int src, dst;
	uint64_t src_off, dst_off;
	uint64_t from; /* extents before this are not wanted */
	bool plain;    /* copy_file_range does not work between these two */
	char *buf;
};

static int copy_plain(struct copy *c, uint64_t from, uint64_t to, uint64_t len, struct err **err)
{
	if (!c->buf)
		c->buf = xmalloc(COPY_BLOCK);
	while (len) {
		size_t want = len < COPY_BLOCK ? (size_t)len : COPY_BLOCK;
		ssize_t n = pread(c->src, c->buf, want, (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read while copying");
		if (n == 0)
			return err_set(err, E_CHANGED_WHILE_READ,
				       "source became shorter while it was copied");
		if (fd_pwrite_all(c->dst, "copy", c->buf, (size_t)n, to, err) < 0)
			return -1;
		from += (uint64_t)n;
		to += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int copy_range(struct copy *c, uint64_t from, uint64_t to, uint64_t len, struct err **err)
{
	while (len && !c->plain) {
		off_t in = (off_t)from, out = (off_t)to;
		ssize_t n = copy_file_range(c->src, &in, c->dst, &out, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
			return err_errno(err, E_WRITE_FAILED, errno, "cannot copy");
		if (n <= 0) {
			c->plain = true;
			break;
		}
		from += (uint64_t)n;
		to += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return len ? copy_plain(c, from, to, len, err) : 0;
}

static int copy_extent(void *arg, uint64_t offset, uint64_t len, struct err **err)
{
	struct copy *c = arg;
	uint64_t end = offset + len;

	if (end <= c->from)
		return 0;
	if (offset < c->from)
		offset = c->from;
	return copy_range(c, offset, c->dst_off + (offset - c->src_off), end - offset, err);
}

int fd_copy_sparse(int src, uint64_t src_off, int dst, uint64_t dst_off, uint64_t size,
		   struct err **err)
{
	struct file_clone_range range = {
		.src_fd = src, .src_offset = src_off, .src_length = size, .dest_offset = dst_off};
	struct copy c = {
		.src = src, .dst = dst, .src_off = src_off, .dst_off = dst_off, .from = src_off};
	int rc;

	if (size && ioctl(dst, FICLONERANGE, &range) == 0)
		return 0;
	rc = fd_extents(src, "source", src_off + size, copy_extent, &c, err);
	free(c.buf);
	return rc;
}

static int copy_into(int src, int dst, const char *tmp, const struct stat *st, mode_t mode,
		     struct err **err)
{
	if (ftruncate(dst, st->st_size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the size of '%s'", tmp);
	if (fd_copy_sparse(src, 0, dst, 0, (uint64_t)st->st_size, err) < 0)
		return -1;
	if (fchmod(dst, mode) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the mode of '%s'", tmp);
	return 0;
}

int file_copy_from(int src, const char *name, const char *dst, mode_t mode, struct err **err)
{
	int out cleanup_fd = -1;
	struct stat st;

	if (fstat(src, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", name);
	out = open(dst, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", dst);
	if (copy_into(src, out, dst, &st, mode, err) < 0) {
		unlink(dst);
		return err_wrap(err, "cannot copy '%s' to '%s'", name, dst);
	}
	return 0;
}

int file_copy(const char *src, const char *dst, mode_t mode, struct err **err)
{
	int in cleanup_fd = open(src, O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", src);
	return file_copy_from(in, src, dst, mode, err);
}

int file_free_bytes(const char *path, uint64_t *ret, struct err **err)
{
	struct statvfs vfs;

	if (statvfs(path, &vfs) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot see the free space of '%s'",
				 path);
	*ret = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return 0;
}
