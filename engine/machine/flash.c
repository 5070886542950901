/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/flash.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/flash_disk.h"

#define BLOCK (1u << 20)

static int look_at_disk(struct flash *m, const struct stat *st, bool fixed, struct err **err)
{
	char *link cleanup_free =
		xasprintf("/sys/dev/block/%u:%u", major(st->st_rdev), minor(st->st_rdev));
	char *dir cleanup_free = realpath(link, NULL), *part cleanup_free = NULL;
	char *model cleanup_free = NULL, *size cleanup_free = NULL;
	const char *name;
	int read_only = 0;

	if (!dir)
		return err_errno(err, E_READ_FAILED, errno, "cannot find '%s' in /sys", m->path);
	name = path_base(dir);
	part = path_join(dir, "partition");
	if (path_exists(part))
		return err_set(err, E_MEDIUM_UNUSABLE, "'%s' is a partition; name the whole disk",
			       m->path);
	if (flash_disk_used("", dir, name, err) < 0)
		return -1;
	if (ioctl(m->fd, BLKGETSIZE64, &m->size) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot get the size of '%s'", m->path);
	if (!m->size)
		return err_set(err, E_MEDIUM_UNUSABLE, "nothing is in '%s': put a card into it",
			       m->path);
	if (ioctl(m->fd, BLKROGET, &read_only) == 0 && read_only)
		return err_set(err, E_MEDIUM_UNUSABLE, "'%s' is " FLASH_READ_ONLY, m->path);
	size = str_bytes(m->size);
	if (!fixed && !flash_disk_is_card(dir, name, m->size))
		return err_set(err, E_MEDIUM_UNUSABLE,
			       "'%s' (%s) does not look like removable media; use --fixed to "
			       "overwrite it anyway",
			       m->path, size);
	model = flash_disk_model(dir);
	m->about = xasprintf("%s%s%s, %s", m->path, *model ? ", " : "", model, size);
	return 0;
}

int flash_open(const char *device, bool fixed, struct flash *ret, struct err **err)
{
	struct flash m cleanup_flash = {.fd = -1, .path = xstrdup(device)};
	char *have cleanup_free = NULL;
	struct stat st;

	if (stat(device, &st) < 0)
		return err_errno(err, E_MEDIUM_UNUSABLE, errno, "no device '%s'", device);
	m.block = S_ISBLK(st.st_mode);
	if (!m.block && !S_ISREG(st.st_mode))
		return err_set(err, E_MEDIUM_UNUSABLE, "'%s' is not a disk", device);
	/* O_EXCL on a disk: nobody has it mounted, and nobody can while we write. */
	m.fd = open(device, O_RDWR | O_CLOEXEC | (m.block ? O_EXCL : 0));
	if (m.fd < 0 && errno == EBUSY) {
		m.fd = open(device, O_RDONLY | O_CLOEXEC); /* to say who uses it */
		if (m.fd >= 0 && look_at_disk(&m, &st, true, err) < 0)
			return -1;
		return err_set(err, E_MEDIUM_UNUSABLE, "'%s' is in use", device);
	}
	if (m.fd < 0 && errno == EACCES)
		return err_set(err, E_MEDIUM_PERMISSION,
			       "you may not write to '%s': give yourself the device, as in "
			       "'sudo setfacl -m u:NAME:rw %s', or join the group that owns it",
			       device, device);
	if (m.fd < 0)
		return err_errno(err, E_MEDIUM_UNUSABLE, errno, "cannot write to '%s'", device);
	if (m.block && look_at_disk(&m, &st, fixed, err) < 0)
		return -1;
	if (!m.block) {
		m.size = (uint64_t)st.st_size;
		have = str_bytes(m.size);
		m.about = xasprintf("file %s, %s", device, have);
	}
	*ret = m;
	m = (struct flash){.fd = -1};
	return 0;
}

int flash_fits(struct flash *m, uint64_t size, struct err **err)
{
	char *have cleanup_free = str_bytes(m->size), *need cleanup_free = str_bytes(size);

	m->want = size;
	if (m->size >= size)
		return 0;
	return err_set(err, E_MEDIUM_TOO_SMALL, "'%s' has %s, the image needs %s", m->path, have,
		       need);
}

void flash_close(struct flash *m)
{
	fd_closep(&m->fd);
	free(m->path);
	free(m->about);
	m->path = m->about = NULL;
}

/* --- writing and reading back -------------------------------------------------------------- */

static int read_block(int fd, const char *name, uint64_t at, unsigned char *buf, size_t len,
		      struct err **err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if (n == 0)
			return err_set(err, E_CHANGED_WHILE_READ, "'%s' ends at byte %llu", name,
				       (unsigned long long)(at + done));
		done += (size_t)n;
	}
	return 0;
}

struct copy {
	struct flash *m;
	int image;
	const char *name;
	flash_progress *fn;
	void *arg;
	unsigned char ours[BLOCK], theirs[BLOCK];
	uint64_t base, size; /* where the image lies on the medium; its bytes */
	uint64_t done;       /* bytes of the image, from 0 on */
	bool writing;
};

/* One piece of at most a block. A hole: what is there already is looked at before it is written. */
static int do_block(struct copy *c, uint64_t at, size_t len, bool hole, struct err **err)
{
	struct flash *m = c->m;
	uint64_t to = c->base + at;

	if (hole)
		memset(c->ours, 0, len);
	else if (read_block(c->image, c->name, at, c->ours, len, err) < 0)
		return -1;
	if (c->writing && !hole)
		return fd_pwrite_all(m->fd, m->path, c->ours, len, to, err);
	if (read_block(m->fd, m->path, to, c->theirs, len, err) < 0)
		return -1;
	if (memcmp(c->ours, c->theirs, len) == 0)
		return 0;
	if (c->writing)
		return fd_pwrite_all(m->fd, m->path, c->ours, len, to, err);
	for (size_t i = 0; i < len; i++) {
		if (c->ours[i] != c->theirs[i])
			return err_set(err, E_MEDIUM_DAMAGED,
				       "'%s': verification failed at byte %llu: the medium is "
				       "damaged or counterfeit",
				       m->path, (unsigned long long)(to + i));
	}
	return 0;
}

static int do_range(struct copy *c, uint64_t to, bool hole, struct err **err)
{
	while (c->done < to) {
		uint64_t next = (c->done / BLOCK + 1) * BLOCK;
		size_t len = (size_t)((next < to ? next : to) - c->done);

		if (do_block(c, c->done, len, hole, err) < 0)
			return -1;
		c->done += len;
		if (c->fn)
			c->fn(c->arg, c->done, c->size);
	}
	return 0;
}

static int do_extent(void *arg, uint64_t offset, uint64_t len, struct err **err)
{
	struct copy *c = arg;

	if (do_range(c, offset, true, err) < 0)
		return -1;
	return do_range(c, offset + len, false, err);
}

/* An image of SIZE bytes at BASE of the medium. */
struct where {
	uint64_t base, size;
};

static int pass(struct flash *m, int image, const char *name, struct where where, bool writing,
		flash_progress *fn, void *arg, struct err **err)
{
	struct copy *c cleanup_free = xcalloc(1, sizeof(*c));

	c->m = m;
	c->image = image;
	c->name = name;
	c->fn = fn;
	c->arg = arg;
	c->base = where.base;
	c->size = where.size;
	c->writing = writing;
	if (fd_extents(image, name, c->size, do_extent, c, err) < 0)
		return -1;
	return do_range(c, c->size, true, err);
}

/* So that what is read next comes from the medium. */
static int forget_cache(struct flash *m, struct err **err)
{
	if (fd_sync(m->fd, m->path, err) < 0)
		return -1;
	if (m->block)
		(void)ioctl(m->fd, BLKFLSBUF, 0);
	(void)posix_fadvise(m->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

int flash_write(struct flash *m, int image, const char *name, flash_progress *fn, void *arg,
		struct err **err)
{
	uint64_t range[2] = {0, m->want};

	/* A discarded card reads as zeros mostly, which saves writing them; it need not. */
	if (m->block)
		(void)ioctl(m->fd, BLKDISCARD, &range);
	if (pass(m, image, name, (struct where){0, m->want}, true, fn, arg, err) < 0)
		return -1;
	return forget_cache(m, err);
}

int flash_verify(struct flash *m, int image, const char *name, flash_progress *fn, void *arg,
		 struct err **err)
{
	return pass(m, image, name, (struct where){0, m->want}, false, fn, arg, err);
}

int flash_replace(struct flash *m, int image, const char *name, uint64_t at, uint64_t size,
		  struct err **err)
{
	const struct where where = {at, size};

	if (pass(m, image, name, where, true, NULL, NULL, err) < 0 || forget_cache(m, err) < 0)
		return -1;
	return pass(m, image, name, where, false, NULL, NULL, err);
}
