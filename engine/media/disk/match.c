/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/match.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

#define SECTOR 512
#define BLOCK (1024 * 1024)

struct match {
	int card, image;
	char *name;
	uint64_t at, size;   /* bytes */
	unsigned char *bits; /* one for each sector: it differs */
	uint64_t differing;
	unsigned char *a, *b; /* a block of each */
};

/* LEN bytes; what lies after the end of a file reads as zeros. */
static int read_at(int fd, const char *name, unsigned char *buf, size_t len, uint64_t offset,
		   struct err **err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", name);
		if (!n)
			break;
		done += (size_t)n;
	}
	memset(buf + done, 0, len - done);
	return 0;
}

static void set_bit(struct match *m, uint64_t sector, bool differs)
{
	unsigned char mask = (unsigned char)(1 << (sector & 7));
	bool before = m->bits[sector >> 3] & mask;

	if (before == differs)
		return;
	m->bits[sector >> 3] ^= mask;
	m->differing = differs ? m->differing + 1 : m->differing - 1;
}

/* Compares whole sectors [from, to) of the part. */
static int compare(struct match *m, uint64_t from, uint64_t to, struct err **err)
{
	for (uint64_t at = from * SECTOR; at < to * SECTOR; at += BLOCK) {
		uint64_t end = to * SECTOR < at + BLOCK ? to * SECTOR : at + BLOCK;
		size_t len = (size_t)(end - at);

		if (read_at(m->card, "the card", m->a, len, m->at + at, err) < 0 ||
		    read_at(m->image, m->name, m->b, len, at, err) < 0)
			return -1;
		/* The last sector counts as far as the image goes. */
		if (end > m->size)
			memset(m->a + (m->size - at), 0, (size_t)(end - m->size));
		for (size_t i = 0; i < len; i += SECTOR)
			set_bit(m, (at + i) / SECTOR, memcmp(m->a + i, m->b + i, SECTOR) != 0);
	}
	return 0;
}

int match_new(int card, uint64_t at, const char *image, struct match **ret, struct err **err)
{
	struct match *m = xcalloc(1, sizeof(*m));
	struct stat st;

	m->card = card;
	m->at = at;
	m->name = xstrdup(image);
	m->image = open(image, O_RDONLY | O_CLOEXEC);
	m->a = xmalloc(BLOCK);
	m->b = xmalloc(BLOCK);
	if (m->image < 0 || fstat(m->image, &st) < 0) {
		err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", image);
		match_free(m);
		return -1;
	}
	m->size = (uint64_t)st.st_size;
	m->bits = xcalloc(1, m->size / SECTOR / 8 + 2);
	if (compare(m, 0, (m->size + SECTOR - 1) / SECTOR, err) < 0) {
		match_free(m);
		return -1;
	}
	*ret = m;
	return 0;
}

int match_update(struct match *m, uint64_t offset, uint64_t size, struct err **err)
{
	uint64_t from = offset < m->at ? m->at : offset;
	uint64_t to = offset + size < m->at + m->size ? offset + size : m->at + m->size;

	if (from >= to)
		return 0;
	return compare(m, (from - m->at) / SECTOR, (to - m->at + SECTOR - 1) / SECTOR, err);
}

bool match_equal(const struct match *m)
{
	return m->differing == 0;
}

uint64_t match_differing(const struct match *m)
{
	return m->differing;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	if (m->image >= 0)
		close(m->image);
	free(m->name);
	free(m->bits);
	free(m->a);
	free(m->b);
	free(m);
}
