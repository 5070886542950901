/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * On the log's first sector: u64 magic, u64 version, u64 entries, u32 sector size. Each entry takes
 * one sector (u64 first sector, sectors, flags, bytes of inline data) and its data follows; a
 * discard has none. Little endian. Sectors are those of the log's own sector size.
 */
#include "media/disk/blklog.h"

#include <endian.h>
#include <fcntl.h>

#include "base/file.h"

#define MAGIC UINT64_C(0x6a736677736872)
#define VERSION 1
#define FLAG_FLUSH 1
#define FLAG_DISCARD 4
#define FLAG_MARK 8
#define MAX_DATA (UINT64_C(64) << 20) /* of one write */
#define WINDOW (1024 * 1024)

struct blklog {
	int fd;
	char *path;
	uint64_t entries, number;
	uint64_t sector;     /* bytes */
	uint64_t next;       /* offset of the next entry */
	unsigned char *data; /* a part of the file */
	uint64_t start;      /* of that part */
	size_t len, room;
};

/* LEN bytes of the log at OFFSET, or NULL with *err. */
static const unsigned char *view(struct blklog *log, uint64_t offset, size_t len, struct err **err)
{
	ssize_t n;

	if (offset >= log->start && offset + len <= log->start + log->len)
		return log->data + (offset - log->start);
	if (log->room < len) {
		log->room = len < WINDOW ? WINDOW : len;
		log->data = xrealloc(log->data, log->room);
	}
	log->start = offset;
	log->len = 0;
	while (log->len < log->room) {
		n = pread(log->fd, log->data + log->len, log->room - log->len,
			  (off_t)(offset + log->len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", log->path);
			return NULL;
		}
		if (!n)
			break;
		log->len += (size_t)n;
	}
	if (log->len < len) {
		err_set(err, E_WRITE_LOG, "write log '%s' ends in the middle of an entry",
			log->path);
		return NULL;
	}
	return log->data;
}

static uint64_t u64_at(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static int read_super(struct blklog *log, struct err **err)
{
	const unsigned char *p = view(log, 0, 28, err);
	uint32_t sector;

	if (!p)
		return -1;
	memcpy(&sector, p + 24, sizeof(sector));
	log->entries = u64_at(p + 16);
	log->sector = le32toh(sector);
	if (u64_at(p) != MAGIC || u64_at(p + 8) != VERSION || log->sector < BLKLOG_SECTOR ||
	    log->sector > 65536 || log->sector & (log->sector - 1))
		return err_set(err, E_WRITE_LOG, "'%s' is not a log of writes", log->path);
	log->next = log->sector;
	return 0;
}

int blklog_open(const char *path, struct blklog **ret, struct err **err)
{
	struct blklog *log = xcalloc(1, sizeof(*log));

	log->path = xstrdup(path);
	log->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (log->fd < 0)
		err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	if (log->fd < 0 || read_super(log, err) < 0) {
		blklog_free(log);
		return -1;
	}
	*ret = log;
	return 0;
}

uint64_t blklog_count(const struct blklog *log)
{
	return log->entries;
}

int blklog_next(struct blklog *log, struct blklog_write *ret, struct err **err)
{
	struct blklog_write w = {0};
	const unsigned char *p;
	uint64_t flags, extra;

	if (log->number == log->entries)
		return 1;
	p = view(log, log->next, 32, err);
	if (!p)
		return -1;
	flags = u64_at(p + 16);
	extra = u64_at(p + 24);
	if (u64_at(p) > UINT64_MAX / log->sector || u64_at(p + 8) > UINT64_MAX / log->sector ||
	    extra > MAX_DATA)
		return err_set(err, E_WRITE_LOG, "write log '%s' is damaged", log->path);
	w.number = ++log->number;
	w.offset = u64_at(p) * log->sector;
	w.flush = flags & FLAG_FLUSH;
	w.size = flags & FLAG_MARK ? 0 : u64_at(p + 8) * log->sector;
	log->next += log->sector;
	if (flags & FLAG_MARK) {
		log->next += (extra + log->sector - 1) / log->sector * log->sector;
	} else if (w.size && !(flags & FLAG_DISCARD)) {
		if (w.size > MAX_DATA)
			return err_set(err, E_WRITE_LOG, "write log '%s' is damaged", log->path);
		w.data = view(log, log->next, (size_t)w.size, err);
		if (!w.data)
			return -1;
		log->next += w.size;
	}
	*ret = w;
	return 0;
}

void blklog_free(struct blklog *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	free(log->path);
	free(log->data);
	free(log);
}
