/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Debian packages: the archive, its control data, its content. */
#include "fuzz_tree.h"
#include "media/deb/deb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct tree *t cleanup_tree = tree_new(FUZZ_EPOCH, "/dev/shm");
	struct deb_set set cleanup_deb_set = {0};
	struct err *err cleanup_err = NULL;

	if (deb_open(&set, f.path, "x.deb", &err) < 0)
		return 0;
	if (deb_unpack(set.items[0], t, &err) == 0)
		fuzz_look(t);
	return 0;
}
