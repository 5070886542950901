/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Files: whole reads and writes, sparse copies, durability.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

static inline void fd_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}
/* int fd cleanup_fd = -1; closed at the end of the scope, errno kept; steal_fd() hands it over. */
#define cleanup_fd __attribute__((cleanup(fd_closep)))
static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
static inline void file_closep(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}
#define cleanup_file __attribute__((cleanup(file_closep)))

/* Reads a whole file of at most LIMIT bytes (larger: ERR_USER) and appends it to *RET. */
int file_read(const char *path, size_t limit, struct str *ret, struct err **err) warn_unused;
/* The same where foreign programs have written: a link is not followed, a pipe not waited for. */
int file_read_foreign(const char *path, size_t limit, struct str *ret,
		      struct err **err) warn_unused;
/* The same from a descriptor; NAME is for messages. */
int fd_read_all(int fd, const char *name, size_t limit, struct str *ret,
		struct err **err) warn_unused;
/* Writes all LEN bytes, retrying short writes. */
int fd_write_all(int fd, const char *name, const void *data, size_t len,
		 struct err **err) warn_unused;
int fd_pwrite_all(int fd, const char *name, const void *data, size_t len, uint64_t offset,
		  struct err **err) warn_unused;
/*
 * Writes a file atomically: PATH is the complete old or the complete new content at any time.
 * With SYNC the data and the directory are fsync'd.
 */
int file_write(const char *path, const void *data, size_t len, mode_t mode, bool sync,
	       struct err **err) warn_unused;
/* Calls back for each extent with data of [0, size), in order (SEEK_DATA); ends at the first -1. */
typedef int extent_fn(void *arg, uint64_t offset, uint64_t len, struct err **err);
int fd_extents(int fd, const char *name, uint64_t size, extent_fn *fn, void *arg,
	       struct err **err) warn_unused;
/*
 * The first place from AT on that may have data, for who compares two files; UINT64_MAX: there is
 * nothing but a hole until the file ends, or it ends before.
 */
uint64_t fd_next_data(int fd, uint64_t at);
/*
 * Copies SIZE bytes from SRC at SRC_OFF into DST at DST_OFF: reflink where the file system can,
 * else copy_file_range of the data extents. Holes are skipped: DST must read as zeros there
 * already.
 */
int fd_copy_sparse(int src, uint64_t src_off, int dst, uint64_t dst_off, uint64_t size,
		   struct err **err) warn_unused;
/* A new file DST (must not exist) with the content of SRC: reflink, else sparse copy. */
int file_copy(const char *src, const char *dst, mode_t mode, struct err **err) warn_unused;
/* The same from an open file; NAME is for messages. */
int file_copy_from(int src, const char *name, const char *dst, mode_t mode,
		   struct err **err) warn_unused;
/* fsync of a file, of the directory that holds PATH. */
int fd_sync(int fd, const char *name, struct err **err) warn_unused;
int file_sync_parent(const char *path, struct err **err) warn_unused;
/* Free bytes for an ordinary user on the file system of PATH. */
int file_free_bytes(const char *path, uint64_t *ret, struct err **err) warn_unused;
