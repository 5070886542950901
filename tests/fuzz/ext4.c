/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and settling ext4 file systems. What is not said is zero: the images are short, their
 * ends are holes.
 */
#include "fuzz_tree.h"
#include "media/ext4/ext4.h"

#define IMAGE (512 * 1024)

static void count(void *arg, uint64_t at, uint64_t size, const char *name)
{
	assert(*name == '/' || !*name);
	*(uint64_t *)arg += size;
}

static void count_free(void *arg, uint64_t at, uint64_t size)
{
	*(uint64_t *)arg += size;
}

/* Whose blocks are, in what may be damaged. */
static void tell(const struct fuzz_file *f)
{
	const char *state = ext4_state(f->fd, 0);
	struct err *bad cleanup_err = NULL, *unfree cleanup_err = NULL;
	uint64_t owned = 0, unused = 0;

	assert(!state || *state);
	if (ext4_each_owner(f->path, 0, count, &owned, &bad) == 1)
		assert(!owned);
	if (ext4_each_free(f->path, 0, count_free, &unused, &unfree))
		assert(!unused);
	assert((!bad || *bad->text) && (!unfree || *unfree->text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char seed[16] = "seed of a fuzzer";
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct tree *t cleanup_tree = tree_new(FUZZ_EPOCH, "/dev/shm");
	struct err *err cleanup_err = NULL, *settle cleanup_err = NULL;

	if (size < IMAGE)
		assert(ftruncate(f.fd, IMAGE) == 0);
	if (ext4_read_tree(t, f.path, 0, &err) == 0)
		fuzz_look(t);
	tell(&f);
	tree_free(steal_ptr(t)); /* its data lie in the image, which changes now */
	if (ext4_settle(f.path, 0, "x", seed, FUZZ_EPOCH, FUZZ_EPOCH, &settle) < 0)
		assert(*settle->text);
	return 0;
}
