/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-layout OUT SIZE FROM...: an ext4 image of SIZE bytes with what is in images, tars and
 * directories, later ones over earlier ones, for tests/bench/delta.py to compare with another.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "media/ext4/ext4.h"
#include "media/tree/tree.h"

static const unsigned char identity[16] = "bench of layout";

static int lay(struct tree *t, const char *from, struct err **err)
{
	if (str_ends(from, ".img"))
		return ext4_read_tree(t, from, 0, err);
	if (str_ends(from, ".tar"))
		return tree_read_tar(t, "/", from, TREE_FOLLOW | TREE_REPLACE, err);
	return tree_copy_path(t, "/", from, 0, err);
}

static int make(const char *out, uint64_t size, char **from, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(1700000000, NULL);
	struct ext4_layout told;
	struct ext4_opts opts = {.size = size,
				 .uuid = identity,
				 .seed = identity,
				 .reserved_percent = 1,
				 .told = &told};
	int fd = open(out, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return err_set(err, E_OUTPUT_UNWRITABLE, "cannot make '%s'", out);
	close(fd);
	for (; *from; from++)
		if (lay(t, *from, err) < 0)
			return -1;
	if (ext4_write(t, out, 0, out, &opts, err) < 0)
		return -1;
	printf("%s: order %d, %llu files in %llu pieces\n", out, (int)told.order,
	       (unsigned long long)told.files, (unsigned long long)told.pieces);
	return 0;
}

int main(int argc, char **argv)
{
	struct err *err = NULL;

	if (argc < 4) {
		fprintf(stderr, "usage: bench-layout OUT SIZE FROM...\n");
		return 2;
	}
	if (make(argv[1], strtoull(argv[2], NULL, 10), argv + 3, &err) == 0)
		return 0;
	fprintf(stderr, "bench-layout: %s\n", err->text);
	return 1;
}
