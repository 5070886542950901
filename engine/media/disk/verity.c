/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/verity.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/file.h"

#define PER_BLOCK (VERITY_BLOCK / DIGEST_LEN)
#define MAX_LEVELS 8
#define SUPERBLOCK 512

struct building {
	const char *path;
	int fd;
	const struct verity *v;
	struct digest zero; /* of a block of zeros */
};

/* How many blocks each level has, the lowest first. */
static size_t levels_of(uint64_t data, uint64_t ret[MAX_LEVELS])
{
	uint64_t n = data / VERITY_BLOCK;
	size_t count = 0;

	while (n > 1 && count < MAX_LEVELS) {
		n = (n + PER_BLOCK - 1) / PER_BLOCK;
		ret[count++] = n;
	}
	return count;
}

uint64_t verity_overhead(uint64_t data)
{
	uint64_t levels[MAX_LEVELS], blocks = 1;
	size_t count = levels_of(data, levels);

	for (size_t i = 0; i < count; i++)
		blocks += levels[i];
	return blocks * VERITY_BLOCK;
}

uint64_t verity_data_size(uint64_t whole)
{
	uint64_t low = 0, high = whole / VERITY_BLOCK;

	while (low < high) {
		uint64_t mid = low + (high - low + 1) / 2;

		if (mid * VERITY_BLOCK + verity_overhead(mid * VERITY_BLOCK) <= whole)
			low = mid;
		else
			high = mid - 1;
	}
	return low * VERITY_BLOCK;
}

static void hash_block(const struct building *b, const unsigned char *block, struct digest *ret)
{
	static const unsigned char zeros[VERITY_BLOCK];
	struct hasher *h;

	if (b->zero.b[0] | b->zero.b[1] && memcmp(block, zeros, sizeof(zeros)) == 0) {
		*ret = b->zero;
		return;
	}
	h = hasher_new();
	hasher_update(h, b->v->salt, sizeof(b->v->salt));
	hasher_update(h, block, VERITY_BLOCK);
	hasher_finish(h, ret);
}

/* Hashes COUNT blocks from FROM on into the blocks from TO on. */
static int write_level(const struct building *b, uint64_t from, uint64_t count, uint64_t to,
		       struct err **err)
{
	unsigned char in[VERITY_BLOCK], out[VERITY_BLOCK];

	for (uint64_t i = 0; i < count; i += PER_BLOCK) {
		memset(out, 0, sizeof(out));
		for (uint64_t k = i; k < count && k < i + PER_BLOCK; k++) {
			struct digest d;

			if (pread(b->fd, in, sizeof(in), (off_t)((from + k) * VERITY_BLOCK)) !=
			    VERITY_BLOCK)
				return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'",
						 b->path);
			hash_block(b, in, &d);
			memcpy(out + (k - i) * DIGEST_LEN, d.b, DIGEST_LEN);
		}
		if (fd_pwrite_all(b->fd, b->path, out, sizeof(out),
				  (to + i / PER_BLOCK) * VERITY_BLOCK, err) < 0)
			return -1;
	}
	return 0;
}

static void put(unsigned char *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static int write_superblock(const struct building *b, uint64_t data, struct err **err)
{
	unsigned char s[SUPERBLOCK] = "verity";

	put(s + 8, 1, 4);  /* version */
	put(s + 12, 1, 4); /* hash type: salt first */
	memcpy(s + 16, b->v->uuid, 16);
	memcpy(s + 32, "sha256", 6);
	put(s + 64, VERITY_BLOCK, 4);
	put(s + 68, VERITY_BLOCK, 4);
	put(s + 72, data / VERITY_BLOCK, 8);
	put(s + 80, sizeof(b->v->salt), 2);
	memcpy(s + 88, b->v->salt, sizeof(b->v->salt));
	return fd_pwrite_all(b->fd, b->path, s, sizeof(s), data, err);
}

/* The levels, of which each needs the one below, and lies before it. */
static int write_tree(const struct building *b, uint64_t data, struct err **err)
{
	uint64_t levels[MAX_LEVELS], from = 0, count = data / VERITY_BLOCK;
	uint64_t end = (data + verity_overhead(data)) / VERITY_BLOCK;
	size_t n = levels_of(data, levels);

	for (size_t i = 0; i < n; i++) {
		uint64_t to = end - levels[i];

		if (write_level(b, from, count, to, err) < 0)
			return -1;
		from = end = to;
		count = levels[i];
	}
	return 0;
}

int verity_write(const char *path, uint64_t data, struct verity *v, struct err **err)
{
	static const unsigned char zeros[VERITY_BLOCK];
	int fd cleanup_fd = open(path, O_RDWR | O_CLOEXEC);
	struct building b = {path, fd, v};
	unsigned char top[VERITY_BLOCK];
	bool single = data <= VERITY_BLOCK;

	if (fd < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot open '%s'", path);
	hash_block(&b, zeros, &b.zero);
	if (write_superblock(&b, data, err) < 0 || write_tree(&b, data, err) < 0)
		return -1;
	if (pread(fd, top, sizeof(top), single ? 0 : (off_t)data + VERITY_BLOCK) != VERITY_BLOCK)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	hash_block(&b, top, &v->root);
	return 0;
}

static void hex(const unsigned char *p, size_t len, char *ret)
{
	for (size_t i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", p[i]);
}

char *verity_table(const struct verity *v, uint64_t data, const char *device)
{
	char salt[2 * sizeof(v->salt) + 1], root[DIGEST_HEX + 1];

	hex(v->salt, sizeof(v->salt), salt);
	return xasprintf("0 %llu verity 1 %s %s %d %d %llu %llu sha256 %s %s",
			 (unsigned long long)(data / 512), device, device, VERITY_BLOCK,
			 VERITY_BLOCK, (unsigned long long)(data / VERITY_BLOCK),
			 (unsigned long long)(data / VERITY_BLOCK + 1), digest_hex(&v->root, root),
			 salt);
}
