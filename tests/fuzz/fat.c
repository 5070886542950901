/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading FAT file systems. What is not said is zero: the images are short, their ends are holes.
 */
#include "fuzz_tree.h"
#include "media/fat/fat.h"

#define IMAGE (2500 * 1024)

static void count(void *arg, uint64_t at, uint64_t size, const char *name)
{
	assert((*name == '/' || !*name) && size);
	*(uint64_t *)arg += size;
}

static void count_free(void *arg, uint64_t at, uint64_t size)
{
	*(uint64_t *)arg += size;
}

/* A cluster is somebody's once, whatever is damaged. */
static void tell(const struct fuzz_file *f, uint64_t size)
{
	const char *state = fat_state(f->fd, 0);
	struct err *bad cleanup_err = NULL, *unfree cleanup_err = NULL;
	uint64_t owned = 0, unused = 0;

	assert(!state || *state);
	if (fat_each_owner(f->path, 0, UINT64_MAX, count, &owned, &bad) == 1)
		assert(!owned);
	if (fat_each_free(f->path, 0, UINT64_MAX, count_free, &unused, &unfree))
		assert(!unused);
	assert((!bad || *bad->text) && (!unfree || *unfree->text));
	assert(owned <= size && unused <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct tree *t cleanup_tree = tree_new(FUZZ_EPOCH, "/dev/shm");
	struct err *err cleanup_err = NULL;

	if (size < IMAGE)
		assert(ftruncate(f.fd, IMAGE) == 0);
	if (fat_read_tree(t, f.path, 0, UINT64_MAX, &err) == 0)
		fuzz_look(t);
	else
		assert(*err->text);
	tell(&f, size < IMAGE ? IMAGE : size);
	return 0;
}
