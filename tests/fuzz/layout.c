/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A layout lock, whose digest is made to fit: whatever it says, the file system that is written
 * with it has everything that the tree has.
 */
#include "base/digest.h"
#include "fuzz.h"
#include "media/ext4/ext4.h"

#define SIZE (1u << 20)

static struct tree *content(void)
{
	struct tree *t = tree_new(1, "/tmp");
	struct err *err cleanup_err = NULL;
	static char much[40960];

	memset(much, 1, sizeof(much));
	for (char name[] = "d/a"; name[2] <= 'h'; name[2]++)
		assert(tree_add_file(t, name, 0644, much, 4096u * (unsigned)(name[2] - 'a'),
				     &err) == 0);
	return t;
}

/* What was written must be what is read. */
static void write_with(const struct ext4_lock *lock)
{
	static const unsigned char id[16] = {1};
	struct tree *t cleanup_tree = content(), *back cleanup_tree = tree_new(1, "/tmp");
	struct fuzz_file f cleanup_fuzz_file = fuzz_file((const uint8_t *)"", 0);
	struct ext4_opts opts = {.size = SIZE, .uuid = id, .seed = id, .lock = lock};
	struct err *err cleanup_err = NULL;
	size_t count, read;
	struct tree_entry *const *all;

	assert(ftruncate(f.fd, SIZE) == 0);
	assert(ext4_write(t, f.path, 0, "x", &opts, &err) == 0);
	assert(ext4_read_tree(back, f.path, 0, &err) == 0);
	all = tree_entries(t, &count);
	(void)tree_entries(back, &read);
	assert(read == count);
	for (size_t i = 0; i < count; i++) {
		struct tree_entry *e = tree_lookup(back, all[i]->path);

		assert(e && e->inode->mode == all[i]->inode->mode);
		if (S_ISREG(e->inode->mode))
			assert(tree_inode_difference(e->inode, all[i]->inode) == UINT64_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text cleanup_str = STR_INIT;
	struct ext4_lock *lock cleanup_ext4_lock = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;
	const char *why;

	str_append_len(&text, data, size);
	digest_data(text.buf, text.len, &d);
	str_printf(&text, "digest %s\n", digest_hex(&d, hex));
	if (ext4_lock_parse(text.buf, text.len, &lock, &why) == 0)
		write_with(lock);
	return 0;
}
