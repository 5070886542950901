/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damaged and malicious input: tars and file systems with bytes changed at random places (the same
 * ones every time). Reading them may fail, but only with an error, and what was read stays inside
 * the tree. The sanitizers see the rest.
 */
#include "media.h"

#include "media/ext4/ext4.h"

#define EPOCH 1700000000
#define ROUNDS 400

static uint32_t state_of_random;

/* A generator of our own (xorshift): the same on every machine. */
static uint32_t next_random(uint32_t below)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 17;
	state_of_random ^= state_of_random << 5;
	return state_of_random % below;
}

static void mutate(char *data, size_t len, unsigned round)
{
	static const char telling[] = "0123456789/.\0 x\xff\x80";

	state_of_random = 2463534242u + round;
	for (unsigned i = 0; i <= round % 24; i++) {
		size_t at_byte = next_random((uint32_t)len);

		/* most of both formats is zeros: look for a byte that says something */
		for (int tries = 0; !data[at_byte] && tries < 500; tries++)
			at_byte = next_random((uint32_t)len);
		data[at_byte] = next_random(2) ? telling[next_random(sizeof(telling) - 1)]
					       : (char)next_random(256);
	}
}

/* Makes the checksums of the headers right again, so that the damage gets past them. */
static void repair_tar(char *data, size_t len)
{
	for (size_t block = 0; block + 512 <= len; block += 512) {
		unsigned sum = 0;

		if (memcmp(data + block + 257, "ustar", 5) != 0)
			continue;
		memset(data + block + 148, ' ', 8);
		for (size_t i = 0; i < 512; i++)
			sum += (unsigned char)data[block + i];
		snprintf(data + block + 148, 8, "%06o", sum);
	}
}

/* Touches everything that was read. */
static void look(struct tree *t)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_inode *n = entries[i]->inode;
		char buf[4096];
		size_t len = n->size < sizeof(buf) ? (size_t)n->size : sizeof(buf);

		assert_true(entries[i]->path[0] != '/');
		assert_null(strstr(entries[i]->path, "/../"));
		assert_false(str_skip(entries[i]->path, "../") != NULL);
		for (size_t k = 0; k < n->segment_count; k++) {
			const struct tree_segment *s = &n->segments[k];

			assert_true(s->offset <= n->size && s->len <= n->size - s->offset);
			assert_true(!k || s[-1].offset + s[-1].len <= s->offset);
		}
		if (!S_ISREG(n->mode) || !len)
			continue;
		tree_inode_read(n, 0, buf, len);
		tree_inode_read(n, n->size - len, buf, len);
	}
}

static void sample(void)
{
	put("in/a/file", "content");
	put("in/usr/lib/x", "library");
	RUN("ln", "-f", "in/a/file", "in/a/same");
	RUN("ln", "-sf", "usr/lib", "in/lib");
	RUN("truncate", "-s", "100K", "in/a/sparse");
	RUN("sh", "-c", "echo end >>in/a/sparse; head -c 20000 /dev/zero | tr '\\0' x >in/large");
}

static void test_tars(void **state)
{
	struct str whole cleanup_str = STR_INIT;
	struct err *err = NULL;
	unsigned refused_count = 0;

	sample();
	RUN("tar", "--format=pax", "-S", "-C", "in", "-cf", "in.tar", ".");
	ok(file_read(at("in.tar"), 1 << 20, &whole, &err), &err);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		char *data cleanup_free = xmemdup(whole.buf, whole.len);
		size_t len = round % 7 ? whole.len : whole.len - next_random(8192);

		mutate(data, whole.len, round);
		if (round % 5)
			repair_tar(data, whole.len);
		if (tree_read_tar_data(t, "/", "x", data, len, round & 1 ? TREE_FOLLOW : 0, &err) <
		    0) {
			assert_true(err->text[0] != '\0');
			err_free(err);
			err = NULL;
			refused_count++;
		}
		look(t);
	}
	assert_in_range(refused_count, 1, ROUNDS - 1);
}

static void read_damaged(const char *image)
{
	struct str whole cleanup_str = STR_INIT;
	struct err *err = NULL;
	unsigned refused_count = 0;

	ok(file_read(at(image), 4 << 20, &whole, &err), &err);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct tree *t cleanup_tree = tree_new(EPOCH, dir);
		char *data cleanup_free = xmemdup(whole.buf, whole.len);

		mutate(data, whole.len, round);
		ok(file_write(at("damaged.img"), data, whole.len, 0600, false, &err), &err);
		if (ext4_read_tree(t, at("damaged.img"), 0, &err) < 0) {
			err_free(err);
			err = NULL;
			refused_count++;
		} else {
			look(t);
		}
	}
	assert_in_range(refused_count, 1, ROUNDS - 1);
}

static void test_file_systems(void **state)
{
	sample();
	RUN("mke2fs", "-q", "-t", "ext2", "-b", "1024", "-d", "in", "ext2.img", "1M");
	read_damaged("ext2.img");
	/* without checksums, so that damage reaches extents and inline data */
	RUN("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum,inline_data", "-d",
	    "in", "ext4.img", "1M");
	read_damaged("ext4.img");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tars),
		cmocka_unit_test(test_file_systems),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
