/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-parts IMAGE: the parts in which an image is shared: the SHA-256 and the bytes of each. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "remote/parts.h"

int main(int argc, char **argv)
{
	struct err *err cleanup_err = NULL;
	struct parts parts = {0};
	char hex[DIGEST_HEX + 1];
	int fd cleanup_fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0) {
		fputs("usage: bench-parts IMAGE\n", stderr);
		return 2;
	}
	if (parts_cut(fd, argv[1], OUTPUT_IMAGE, NULL, NULL, &parts, &err) < 0) {
		fprintf(stderr, "bench-parts: %s\n", err->text);
		return 1;
	}
	for (size_t i = 0; i < parts.count; i++)
		printf("%s %u\n", digest_hex(&parts.items[i].digest, hex), parts.items[i].len);
	parts_clear(&parts);
	return 0;
}
