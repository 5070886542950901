/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/bundle/payload.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

/* The superblock: "hsqs", and at byte 40 how many bytes are used (squashfs_fs.h of Linux). */
#define MAGIC "hsqs"
#define BYTES_USED 40
#define PAD 4096 /* mksquashfs fills its last block up, and rauc goes on from there */

static int read_size(int fd, const char *path, uint64_t *ret, struct err **err)
{
	unsigned char head[BYTES_USED + sizeof(uint64_t)];
	uint64_t used;
	struct stat st;

	if (fstat(fd, &st) < 0 || pread(fd, head, sizeof(head), 0) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	memcpy(&used, head + BYTES_USED, sizeof(used));
	used = le64toh(used);
	if (st.st_size < (off_t)sizeof(head) || memcmp(head, MAGIC, strlen(MAGIC)) != 0 ||
	    used > (uint64_t)st.st_size)
		return err_set(err, E_WRONG_INPUT, "'%s' is not a bundle: no squashfs begins it",
			       path);
	*ret = (used + PAD - 1) / PAD * PAD;
	return 0;
}

int payload_read(const char *path, struct payload *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	if (read_size(fd, path, &ret->size, err) < 0)
		return -1;
	return digest_head(fd, path, ret->size, &ret->digest, err);
}
